/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "meant.h"
#include "results.h"
#include "util/nearest.h"
#include "util/str.h"
#include "wire/interface.h"

static bool can_all_be_done(struct json_object *parameters)
{
	struct json_object *steps = json_get(parameters, "steps", json_type_array);

	return count_results(steps, RESULT_FAILED) == 0;
}

static struct json_object *make_parameters(const struct context *context, const char *goal,
					   char **names)
{
	_cleanup_json_ struct json_object *o = guests_parameter(names);
	bool host = str_equal(goal, "stop") && !names[0] && !context->no_deadline;
	int r = o ? json_add_string(o, "goal", goal) : -ENOMEM;

	if (context->deadline > 0)
		r = r < 0 ? r : json_add_u64(o, "deadline_usec", context->deadline);
	else if (host)
		r = r < 0 ? r : json_add_bool(o, "host", true);
	return r < 0 ? NULL : TAKE_PTR(o);
}

static int explain_goal(const char *word)
{
	static const char *const goals[] = {"start", "stop"};
	const char *meant = word ? nearest_word(word, goals, ELEMENTSOF(goals)) : NULL;

	fputs("Say what to plan: 'plan start' or 'plan stop'", stderr);
	if (meant)
		meant_ask(stderr, meant);
	fputc('\n', stderr);
	return STATUS_USAGE;
}

static int run(const struct context *context, char **arguments)
{
	_cleanup_json_ struct json_object *parameters = NULL;
	struct varlink_reply reply;
	bool stop;
	int r;

	if (!arguments[0] ||
	    (!str_equal(arguments[0], "start") && !str_equal(arguments[0], "stop")))
		return explain_goal(arguments[0]);
	stop = str_equal(arguments[0], "stop");
	if ((context->deadline > 0 || context->no_deadline) && !stop) {
		fprintf(stderr, "--deadline and --no-deadline go with 'plan stop' only\n");
		return STATUS_USAGE;
	}
	parameters = make_parameters(context, arguments[0], arguments + 1);
	if (!parameters)
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
	.help = "show the plan of a start or stop; change nothing",
	.run = run,
};
