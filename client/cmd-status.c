/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "names.h"
#include "util/str.h"
#include "wire/interface.h"

static bool is_up(const char *state)
{
	static const char *const up[] = {"running", "paused", "migrating", "saving",
					 "shutting-down"};

	return str_lookup(up, ELEMENTSOF(up), state) >= 0;
}

/* It has a configuration here, and is nowhere, although it was not migrated. */
static bool is_missing(struct json_object *g, const char *state)
{
	if (str_equal(state, "failed") || str_equal(state, "crashed"))
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
		const char *state = json_get_string(g, "state");

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
