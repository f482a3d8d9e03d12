/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/json.h"

#include <json-c/json_object_iterator.h>
#include <limits.h>

static inline void tokener_freep(struct json_tokener **t)
{
	if (*t)
		json_tokener_free(*t);
}

int json_parse(const char *text, size_t length, struct json_object **ret)
{
	_cleanup_(tokener_freep) struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	_cleanup_json_ struct json_object *o = NULL;

	if (!tokener)
		return -ENOMEM;
	if (length > INT_MAX)
		return -EBADMSG;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	errno = 0;
	o = json_tokener_parse_ex(tokener, text, (int)length);
	/* It goes on without what it had no memory for. */
	if (errno == ENOMEM)
		return -ENOMEM;
	if (!o || !json_object_is_type(o, json_type_object))
		return -EBADMSG;
	for (size_t i = json_tokener_get_parse_end(tokener); i < length; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return -EBADMSG;
	*ret = TAKE_PTR(o);
	return 0;
}

struct json_object *json_get(struct json_object *o, const char *key, enum json_type type)
{
	struct json_object *value;

	if (!o || !json_object_object_get_ex(o, key, &value))
		return NULL;
	return json_object_is_type(value, type) ? value : NULL;
}

const char *json_get_string(struct json_object *o, const char *key)
{
	struct json_object *value = json_get(o, key, json_type_string);
	const char *s = value ? json_object_get_string(value) : NULL;

	/* A string with a NUL inside would be cut without a word. */
	if (s && strlen(s) != (size_t)json_object_get_string_len(value))
		return NULL;
	return s;
}

bool json_get_bool(struct json_object *o, const char *key)
{
	struct json_object *value = json_get(o, key, json_type_boolean);

	return value && json_object_get_boolean(value);
}

int json_get_u64(struct json_object *o, const char *key, uint64_t *ret)
{
	struct json_object *value = json_get(o, key, json_type_int);

	if (!value)
		return -ENOENT;
	if (json_object_get_int64(value) < 0)
		return -EINVAL;
	*ret = json_object_get_uint64(value);
	return 0;
}

int json_get_uuid(struct json_object *o, const char *key, struct uuid *ret)
{
	const char *s = json_get_string(o, key);

	return s ? uuid_parse(s, ret) : -ENOENT;
}

int json_add(struct json_object *o, const char *key, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_object_add(o, key, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

/* The length of the UTF-8 sequence at p, or 0 where there is none (overlong, surrogate, cut). */
static size_t utf8_sequence(const unsigned char *p)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (p[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

static struct json_object *new_clean_string(const char *value)
{
	static const char replacement[] = "\xef\xbf\xbd";
	_cleanup_free_ char *clean = malloc(strlen(value) * 3 + 1);
	char *out = clean;

	if (!clean)
		return NULL;
	for (const char *in = value; *in;) {
		size_t n = utf8_sequence((const unsigned char *)in);
		size_t width = n ? n : sizeof(replacement) - 1;

		memcpy(out, n ? in : replacement, width);
		out += width;
		in += n ? n : 1;
	}
	return json_object_new_string_len(clean, (int)(out - clean));
}

int json_add_string(struct json_object *o, const char *key, const char *value)
{
	return value ? json_add(o, key, new_clean_string(value)) : 0;
}

int json_add_bool(struct json_object *o, const char *key, bool value)
{
	return json_add(o, key, json_object_new_boolean(value));
}

int json_add_u64(struct json_object *o, const char *key, uint64_t value)
{
	return json_add(o, key, json_object_new_uint64(value));
}

int json_add_uuid(struct json_object *o, const char *key, const struct uuid *value)
{
	return json_add(o, key, json_object_new_string(UUID_TEXT(value)));
}

int json_append(struct json_object *array, struct json_object *value)
{
	if (!value)
		return -ENOMEM;
	if (json_object_array_add(array, value) < 0) {
		json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

const char *json_text(struct json_object *o, size_t *ret_length)
{
	size_t length;
	const char *text;

	errno = 0;
	text = json_object_to_json_string_length(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
	/* What it has no memory for, json-c leaves out of the text, and says nothing. */
	if (errno == ENOMEM)
		return NULL;
	if (ret_length)
		*ret_length = length;
	return text;
}
