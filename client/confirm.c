/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "confirm.h"

#include <strings.h>
#include <unistd.h>

#include "util/str.h"
#include "wire/interface.h"

/*
 * A script that is run from a terminal often has its output elsewhere, and no person to answer. A
 * script for the host's way down can have the console, and says --or-once.
 */
static bool has_person(const struct context *context)
{
	return !context->unit && !context->or_once && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

/*
 * With how many guests a start or stop would do something: 0, or a negative exit status with
 * everything said.
 */
static int count_guests(const struct context *context, const char *goal, unsigned *ret)
{
	_cleanup_json_ struct json_object *parameters = json_object_new_object();
	struct varlink_reply reply;
	struct json_object *steps;
	unsigned n = 0;
	int r = parameters ? json_add_string(parameters, "goal", goal) : -ENOMEM;

	if (r < 0)
		return -explain_error(context, r);
	r = call_once(context, METHOD_PLAN, TAKE_PTR(parameters), &reply);
	if (r < 0)
		return r;
	steps = json_get(reply.parameters, "steps", json_type_array);
	for (size_t i = 0; steps && i < json_object_array_length(steps); i++)
		n += !json_get_string(json_object_array_get_idx(steps, i), "result");
	varlink_reply_done(&reply);
	*ret = n;
	return 0;
}

static bool read_yes(void)
{
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	if (getline(&line, &room, stdin) < 0) {
		fputc('\n', stderr);
		return false;
	}
	line[strcspn(line, "\n")] = '\0';
	return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* n: guests that are stopped, down: guests that a restart starts beside them. */
static void ask(const char *what, unsigned n, unsigned down)
{
	fprintf(stderr, "%s %u guest%s", what, n, n == 1 ? "" : "s");
	if (down > 0)
		fprintf(stderr, ", and start %u that %s not run", down, down == 1 ? "does" : "do");
	fputs("? [y/N] ", stderr);
}

int confirm_all(const struct context *context, bool restart)
{
	unsigned n = 0, down = 0;
	int r = 0;

	if (context->all || context->yes || !has_person(context))
		return STATUS_OK;
	r = count_guests(context, "stop", &n);
	if (r >= 0 && restart && n > 0)
		r = count_guests(context, "start", &down);
	if (r < 0)
		return -r;
	if (n == 0)
		return STATUS_OK;
	ask(restart ? "Restart" : "Stop", n, down);
	if (read_yes())
		return STATUS_OK;
	fprintf(stderr, "Nothing was done\n");
	return STATUS_FAILED;
}
