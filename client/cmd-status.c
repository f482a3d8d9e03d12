/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "model/guest-state.h"
#include "names.h"
#include "wire/interface.h"

static bool is_up(enum guest_state state)
{
	switch (state) {
	case GUEST_RUNNING:
	case GUEST_PAUSED:
	case GUEST_MIGRATING:
	case GUEST_SAVING:
	case GUEST_SHUTTING_DOWN:
		return true;
	case GUEST_STOPPED:
	case GUEST_STARTING:
	case GUEST_SUSPENDED:
	case GUEST_SAVED:
	case GUEST_RESTORING:
	case GUEST_CRASHED:
	case GUEST_DYING:
	case GUEST_FAILED:
	case _GUEST_STATE_MAX:
	case _GUEST_STATE_INVALID:
		break;
	}
	return false;
}

/* It has a configuration here, and is nowhere, although it was not migrated. */
static bool is_missing(struct json_object *g, enum guest_state state)
{
	if (state == GUEST_FAILED || state == GUEST_CRASHED)
		return true;
	return json_get_bool(g, "wanted") && !is_up(state) && !json_get_string(g, "migrated_to");
}

static bool some_is_refused(struct json_object *parameters)
{
	struct json_object *settings = json_get(parameters, "settings", json_type_object);
	struct json_object *refused = json_get(settings, "refused", json_type_array);

	return refused && json_object_array_length(refused) > 0;
}

static int judge(struct json_object *parameters)
{
	struct json_object *guests = json_get(parameters, "guests", json_type_array);
	bool some_up = false, some_missing = false;

	for (size_t i = 0; guests && i < json_object_array_length(guests); i++) {
		struct json_object *g = json_object_array_get_idx(guests, i);
		enum guest_state state = guest_state_from_string(json_get_string(g, "state"));

		some_up |= is_up(state);
		some_missing |= is_missing(g, state);
	}
	if (some_is_refused(parameters))
		return STATUS_FAILED;
	if (!some_up)
		return STATUS_NOTHING_RUNS;
	return some_missing ? STATUS_FAILED : STATUS_OK;
}

static int run(const struct context *context, char **arguments)
{
	struct varlink_reply reply;
	int r = call_once(context, METHOD_STATUS, guests_parameter(arguments), &reply);

	if (r < 0)
		return -r;
	if (context->names)
		names_print(stdout, reply.parameters, "guests", "name");
	else
		context->writer->ops->status(context->writer, reply.parameters);
	r = judge(reply.parameters);
	varlink_reply_done(&reply);
	return r;
}

const struct command command_status = {
	.name = "status",
	.arguments = "[--names] [GUEST...]",
	.help = "show guests that should run, run, or are saved",
	.run = run,
};
