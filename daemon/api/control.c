/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/control.h"

#include <unistd.h>

#include "api/methods.h"
#include "api/status-call.h"
#include "wire/interface.h"

/* Guests that one call can name. */
#define NAMES_MAX 10000
#define TOO_MANY                                                                                   \
	"a call can name 10000 guests at most. Name fewer of them, or none to act on all guests"

/* 0, -EINVAL if "guests" is no list of names, -E2BIG if it is too long, or -ENOMEM. */
static int get_names(struct request *request)
{
	struct json_object *guests = NULL;

	if (!request->call.parameters ||
	    !json_object_object_get_ex(request->call.parameters, "guests", &guests) || !guests)
		return 0;
	if (!json_object_is_type(guests, json_type_array))
		return -EINVAL;
	if (json_object_array_length(guests) > NAMES_MAX)
		return -E2BIG;
	request->names = calloc(json_object_array_length(guests) + 1, sizeof(char *));
	if (!request->names)
		return -ENOMEM;
	for (size_t i = 0; i < json_object_array_length(guests); i++) {
		struct json_object *name = json_object_array_get_idx(guests, i);

		if (!json_object_is_type(name, json_type_string))
			return -EINVAL;
		request->names[request->n_names++] = json_object_get_string(name);
	}
	return 0;
}

static void dispatch(struct request *request)
{
	int r = 0;

	request->method = method_find(request->call.method);
	if (!request->method) {
		request_fail(request, VARLINK_ERROR_METHOD_NOT_FOUND, "method",
			     request->call.method);
		return;
	}
	if (!access_is_given(request->method->access, request->connection,
			     manager_config(request->control->manager))) {
		request_fail(request, VARLINK_ERROR_PERMISSION_DENIED, NULL, NULL);
		return;
	}
	if (request->method->names)
		r = get_names(request);
	if (r == -EINVAL)
		request_fail(request, VARLINK_ERROR_INVALID_PARAMETER, "parameter", "guests");
	else if (r == -E2BIG)
		request_fail(request, ERROR_NOT_POSSIBLE, "reason", TOO_MANY);
	else if (r < 0)
		request_fail_errno(request, r);
	else
		request->method->run(request);
}

static void on_message(void *data, struct connection *connection, const char *text, size_t length)
{
	struct control *control = data;
	struct request *request = calloc(1, sizeof(*request));
	int r = request ? varlink_call_parse(text, length, &request->call) : -ENOMEM;

	if (r < 0) {
		free(request);
		connection_refuse(connection, r);
		return;
	}
	request->control = control;
	request->connection = connection;
	request->came = loop_now(control->loop);
	LIST_INSERT_HEAD(&control->requests, request, entry);
	connection_hold(connection);
	dispatch(request);
}

static void on_closed(void *data, struct connection *connection)
{
	struct control *control = data;
	struct request *request = LIST_FIRST(&control->requests);

	while (request) {
		struct request *next = LIST_NEXT(request, entry);

		if (request->connection == connection)
			request_free(request);
		request = next;
	}
}

void control_let_in(struct control *control)
{
	server_let_in(control->server, access_is_shared(manager_config(control->manager)));
}

int control_new(struct loop *loop, struct manager *manager, struct hostdown *hostdown, int fd,
		struct control **ret)
{
	_cleanup_(control_freep) struct control *control = calloc(1, sizeof(*control));
	struct server_callbacks callbacks = {
		.message = on_message,
		.closed = on_closed,
		.data = control,
	};
	int r;

	if (!control) {
		close(fd);
		return -ENOMEM;
	}
	control->loop = loop;
	control->manager = manager;
	control->hostdown = hostdown;
	LIST_INIT(&control->requests);
	r = status_calls_init(control);
	if (r < 0) {
		close(fd);
		return r;
	}
	r = server_new(loop, fd, &callbacks, &control->server);
	if (r < 0)
		return r;
	control_let_in(control);
	*ret = TAKE_PTR(control);
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	server_free(control->server);
	status_calls_done(control);
	free(control);
	return NULL;
}
