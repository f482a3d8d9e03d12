/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "util/str.h"
#include "wire/interface.h"

static bool can_all_be_done(struct json_object *parameters)
{
	struct json_object *steps = json_get(parameters, "steps", json_type_array);

	for (size_t i = 0; steps && i < json_object_array_length(steps); i++)
		if (str_equal(json_get_string(json_object_array_get_idx(steps, i), "result"),
			      "failed"))
			return false;
	return true;
}

static int run(const struct context *context, char **arguments)
{
	_cleanup_json_ struct json_object *parameters = NULL;
	struct varlink_reply reply;
	int r;

	if (!arguments[0] ||
	    (!str_equal(arguments[0], "start") && !str_equal(arguments[0], "stop"))) {
		fprintf(stderr, "Say what to plan: 'plan start' or 'plan stop'\n");
		return STATUS_USAGE;
	}
	if (context->deadline > 0 && !str_equal(arguments[0], "stop")) {
		fprintf(stderr, "--deadline goes with 'plan stop' only\n");
		return STATUS_USAGE;
	}
	parameters = guests_parameter(arguments + 1);
	if (!parameters || json_add_string(parameters, "goal", arguments[0]) < 0 ||
	    (context->deadline > 0 &&
	     json_add_u64(parameters, "deadline_usec", context->deadline) < 0))
		return explain_error(context, -ENOMEM);
	r = call_once(context, METHOD_PLAN, TAKE_PTR(parameters), &reply);
	if (r < 0)
		return -r;
	context->writer->ops->plan(context->writer, reply.parameters);
	r = can_all_be_done(reply.parameters) ? STATUS_OK : STATUS_FAILED;
	varlink_reply_done(&reply);
	return r;
}

const struct command command_plan = {
	.name = "plan",
	.arguments = "start|stop [GUEST...]",
	.help = "show what would be done, and do nothing",
	.run = run,
};
