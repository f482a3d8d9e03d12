/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "cell.h"
#include "command.h"
#include "meant.h"
#include "printable.h"
#include "status-select.h"
#include "status-text.h"
#include "unit.h"
#include "util/str.h"
#include "width.h"
#include "wire/interface.h"

/* How often the display is brought up to date. */
#define TICK USEC_PER_SEC

const struct command *const commands[] = {
	&command_start, &command_stop, &command_restart, &command_cancel, &command_status,
	&command_check, &command_plan, &command_reload,  &command_image,  &command_help,
	NULL,
};

struct json_object *guests_parameter(char **names)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *guests = json_object_new_array();

	if (!o || !guests)
		return NULL;
	for (; *names; names++)
		if (json_append(guests, json_object_new_string(*names)) < 0)
			return NULL;
	if (json_object_array_length(guests) > 0 && json_add(o, "guests", TAKE_PTR(guests)) < 0)
		return NULL;
	return TAKE_PTR(o);
}

/* What may help. The units have nothing to do with a daemon that listens elsewhere. */
static const char *hint_of(const struct context *context, int error)
{
	if (!str_equal(context->socket, SOCKET_PATH))
		return "";
	if (!unit_is_control_domain())
		return "\nThis is not the control domain (dom0) of a Xen host";
	if (error == -ENOENT || error == -ECONNREFUSED)
		return "\nIf xendomainsd is not running, run 'systemctl start xendomainsd.socket'";
	if (error == -EACCES)
		return "\nThis requires root, or membership in a group of ReadGroup= or ControlGroup= "
		       "(xendomains.conf(5)) while xendomainsd runs";
	if (error == -ETIMEDOUT)
		return "\nRun 'systemctl status xendomainsd' to see why it is not responding";
	return "";
}

int explain_error(const struct context *context, int error)
{
	if (error == -ENOMEM) {
		fputs("Out of memory\n", stderr);
		return STATUS_FAILED;
	}
	fprintf(stderr, "Failed to reach xendomainsd at %s: %s%s\n", context->socket,
		strerror(-error), hint_of(context, error));
	return STATUS_UNREACHABLE;
}

/* Of an error without words of ours: its reason, or its name. */
static void print_reason(const struct varlink_reply *reply)
{
	const char *reason = json_get_string(reply->parameters, "reason");
	_cleanup_free_ char *clean = reason ? NULL : text_clean(reply->error);

	fprintf(stderr, "%s\n", reason ? reason : or_dash(clean));
}

int explain_reply(const struct varlink_reply *reply)
{
	make_printable(reply->parameters);
	if (str_equal(reply->error, VARLINK_ERROR_PERMISSION_DENIED))
		fprintf(stderr, "Permission denied: requires root, or membership in the group of "
				"ReadGroup= or ControlGroup= (xendomains.conf(5))\n");
	else if (!str_equal(reply->error, ERROR_CONFIGURATION_REFUSED) ||
		 !status_print_settings(stderr, reply->parameters, SIZE_MAX))
		print_reason(reply);
	return STATUS_FAILED;
}

int call_once(const struct context *context, const char *method, struct json_object *parameters,
	      struct varlink_reply *ret)
{
	return call_within(context, ANSWER_LIMIT, method, parameters, ret);
}

int ask_within(const struct context *context, usec_t limit, const char *method,
	       struct json_object *parameters, struct varlink_reply *ret)
{
	struct daemon_connection c;
	int r = connection_open(context->socket, limit, &c);

	*ret = (struct varlink_reply){0};
	if (r < 0) {
		json_object_put(parameters);
		return r;
	}
	r = connection_call(&c, varlink_call_new(method, parameters, false));
	r = r < 0 ? r : connection_receive(&c, limit, ret);
	connection_close(&c);
	return r;
}

/* 0 with the reply, or a negative exit status with everything said. error: of the call. */
static int accept_reply(const struct context *context, int error, struct varlink_reply *reply,
			struct varlink_reply *ret)
{
	int r;

	if (error < 0)
		return -explain_error(context, error);
	if (reply->error) {
		if (str_equal(reply->error, ERROR_NO_SUCH_GUEST))
			r = -explain_no_guest(context, json_get_string(reply->parameters, "name"));
		else
			r = -explain_reply(reply);
		varlink_reply_done(reply);
		return r;
	}
	*ret = *reply;
	return 0;
}

int call_within(const struct context *context, usec_t limit, const char *method,
		struct json_object *parameters, struct varlink_reply *ret)
{
	struct varlink_reply reply;
	int r = ask_within(context, limit, method, parameters, &reply);

	return accept_reply(context, r, &reply, ret);
}

/* The last reply, or -errno. */
static int show_events(struct writer *w, struct daemon_connection *c, struct varlink_reply *ret)
{
	for (;;) {
		struct varlink_reply reply = {0};
		struct json_object *event;
		int r = connection_receive(c, TICK, &reply);

		if (r == -ETIMEDOUT)
			w->ops->tick(w);
		else if (r < 0)
			return r;
		if (r >= 0 && !reply.continues) {
			*ret = reply;
			return 0;
		}
		event = json_get(reply.parameters, "event", json_type_object);
		if (event)
			w->ops->event(w, event);
		varlink_reply_done(&reply);
	}
}

int call_with_events(const struct context *context, const char *method,
		     struct json_object *parameters, struct varlink_reply *ret)
{
	bool more = context->json ? context->progress == PROGRESS_JSON
				  : context->progress != PROGRESS_NONE;
	struct varlink_reply reply = {0};
	struct daemon_connection c;
	int r = connection_open(context->socket, ANSWER_LIMIT, &c);

	if (r < 0) {
		json_object_put(parameters);
		return -explain_error(context, r);
	}
	r = connection_call(&c, varlink_call_new(method, parameters, more));
	r = r < 0 ? r : show_events(context->writer, &c, &reply);
	connection_close(&c);
	context->writer->ops->clear(context->writer);
	return accept_reply(context, r, &reply, ret);
}

int explain_no_guest(const struct context *context, const char *name)
{
	_cleanup_free_ char *clean = text_clean(name ? name : "");
	struct varlink_reply reply = {0};
	const char *meant = NULL;

	fprintf(stderr, "No guest named \"%s\"", clean ? clean : "");
	if (name && ask_within(context, ANSWER_LIMIT, METHOD_STATUS, NULL, &reply) >= 0)
		meant = status_nearest(reply.parameters, name);
	meant_ask(stderr, meant);
	varlink_reply_done(&reply);
	fputs(" Run 'xendomainsctl status' to list guests and unreadable files\n", stderr);
	return STATUS_FAILED;
}

bool is_alive(const struct context *context, usec_t limit)
{
	struct varlink_reply reply = {0};
	struct daemon_connection c;
	usec_t end = usec_now() + limit;
	int r = connection_open(context->socket, limit, &c);

	if (r < 0)
		return false;
	r = connection_call(&c, varlink_call_new(INTERFACE_SERVICE ".GetInfo", NULL, false));
	r = r < 0 ? r : connection_receive(&c, usec_sub(end, usec_now()), &reply);
	varlink_reply_done(&reply);
	connection_close(&c);
	return r >= 0;
}
