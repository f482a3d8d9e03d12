/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/varlink.h"

/*
 * Limits of a call, beyond its names. An object or a list takes hundreds of bytes in memory for two
 * in the text, and other values take dozens. Any user can send a call.
 */
#define CALL_GROUPS_MAX 100
#define CALL_VALUES_MAX 50000

/* The parameters of a message: may be missing or null, and must be an object otherwise. */
static int get_parameters(struct json_object *message, struct json_object **ret)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(message, "parameters", &value) && value &&
	    !json_object_is_type(value, json_type_object))
		return -EBADMSG;
	*ret = value;
	return 0;
}

/* Whether it takes little more memory when it is parsed. */
static bool is_plain(const char *text, size_t length)
{
	size_t groups = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && (text[i] == '{' || text[i] == '['))
			groups++;
		else if (!quoted && text[i] == ',')
			values++;
	}
	return groups <= CALL_GROUPS_MAX && values <= CALL_VALUES_MAX;
}

int varlink_call_parse(const char *text, size_t length, struct varlink_call *ret)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct varlink_call call = {0};
	int r;

	if (!is_plain(text, length))
		return -E2BIG;
	r = json_parse(text, length, &message);
	if (r < 0)
		return r;
	call.method = json_get_string(message, "method");
	if (!call.method)
		return -EBADMSG;
	r = get_parameters(message, &call.parameters);
	if (r < 0)
		return r;
	call.more = json_get_bool(message, "more");
	call.oneway = json_get_bool(message, "oneway");
	call.message = TAKE_PTR(message);
	*ret = call;
	return 0;
}

void varlink_call_done(struct varlink_call *call)
{
	json_object_put(call->message);
	*call = (struct varlink_call){0};
}

int varlink_reply_parse(const char *text, size_t length, struct varlink_reply *ret)
{
	_cleanup_json_ struct json_object *message = NULL;
	struct varlink_reply reply = {0};
	int r;

	r = json_parse(text, length, &message);
	if (r < 0)
		return r;
	r = get_parameters(message, &reply.parameters);
	if (r < 0)
		return r;
	reply.error = json_get_string(message, "error");
	reply.continues = json_get_bool(message, "continues");
	reply.message = TAKE_PTR(message);
	*ret = reply;
	return 0;
}

void varlink_reply_done(struct varlink_reply *reply)
{
	json_object_put(reply->message);
	*reply = (struct varlink_reply){0};
}

static struct json_object *new_message(const char *key, const char *value,
				       struct json_object *parameters, const char *flag)
{
	_cleanup_json_ struct json_object *owned = parameters;
	_cleanup_json_ struct json_object *message = json_object_new_object();

	if (!message || (key && json_add_string(message, key, value) < 0))
		return NULL;
	if (json_add(message, "parameters", owned ? TAKE_PTR(owned) : json_object_new_object()) < 0)
		return NULL;
	if (flag && json_add_bool(message, flag, true) < 0)
		return NULL;
	return TAKE_PTR(message);
}

struct json_object *varlink_call_new(const char *method, struct json_object *parameters, bool more)
{
	return new_message("method", method, parameters, more ? "more" : NULL);
}

struct json_object *varlink_reply_new(struct json_object *parameters, bool continues)
{
	return new_message(NULL, NULL, parameters, continues ? "continues" : NULL);
}

struct json_object *varlink_error_new(const char *error, struct json_object *parameters)
{
	return new_message("error", error, parameters, NULL);
}
