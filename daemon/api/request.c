/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/request.h"

#include "util/str.h"
#include "wire/interface.h"
#include "world/world.h"

static void forget(struct request *request)
{
	struct manager *m = request->control->manager;

	switch (request->doer) {
	case DOER_WORLD:
		world_unrefresh(manager_world(m), request->id);
		break;
	case DOER_MANAGER:
		manager_unfollow(m, request->id);
		break;
	case DOER_IMAGES:
		manager_forget_images(m, request->id);
		break;
	}
}

void request_free(struct request *request)
{
	if (request->id)
		forget(request);
	LIST_REMOVE(request, entry);
	connection_release(request->connection);
	varlink_call_done(&request->call);
	free(request->names);
	free(request);
}

void request_begun(struct request *request, enum doer doer, int r)
{
	request->doer = doer;
	if (r >= 0)
		return;
	request->id = 0;
	request_fail_errno(request, r);
}

void request_reply(struct request *request, struct json_object *parameters, bool continues)
{
	if (request->call.oneway)
		json_object_put(parameters);
	else
		connection_send(request->connection, varlink_reply_new(parameters, continues));
}

void request_finish(struct request *request, struct json_object *parameters)
{
	request_reply(request, parameters, false);
	request_free(request);
}

void request_fail_with(struct request *request, const char *error, struct json_object *parameters)
{
	if (request->call.oneway)
		json_object_put(parameters);
	else
		connection_send(request->connection, varlink_error_new(error, parameters));
	request_free(request);
}

void request_fail(struct request *request, const char *error, const char *key, const char *value)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (o && key && json_add_string(o, key, value) < 0)
		json_object_put(TAKE_PTR(o));
	request_fail_with(request, error, TAKE_PTR(o));
}

void request_fail_cancelled(struct request *request, const char *reason)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_string(o, "reason", reason) < 0 ||
	    json_add_bool(o, "cancelled", true) < 0)
		json_object_put(TAKE_PTR(o));
	request_fail_with(request, ERROR_NOT_POSSIBLE, TAKE_PTR(o));
}

void request_fail_errno(struct request *request, int error)
{
	const char *reason = NULL;

	if (error == -EHOSTDOWN)
		reason = manager_obstacle(request->control->manager, GOAL_START);
	else if (error == -ESHUTDOWN)
		reason = manager_refusal(request->control->manager);
	else if (error == -ENOTDIR)
		reason = "XENDOMAINS_SAVE is empty, so no image exists";
	else if (error == -EBUSY)
		reason = "another operation is using it. Try again later";
	else if (error == -EUSERS)
		reason = "the daemon reads images for others already. Try again later";
	request_fail(request, ERROR_NOT_POSSIBLE, "reason", reason ? reason : strerror(-error));
}
