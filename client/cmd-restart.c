/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "confirm.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	struct context stopping = *context;
	int stopped, started, r = arguments[0] ? STATUS_OK : confirm_all(context, "Restart");

	if (r != STATUS_OK)
		return r;
	stopping.start_follows = true;
	stopped = run_sequence(&stopping, METHOD_STOP, arguments, USEC_INFINITY);
	if (stopped == STATUS_UNREACHABLE)
		return stopped;
	/* What could be stopped is started again, also where something else could not. */
	started = run_sequence(context, METHOD_START, arguments, USEC_INFINITY);
	return started != STATUS_OK ? started : stopped;
}

const struct command command_restart = {
	.name = "restart",
	.arguments = "[--all] [GUEST...]",
	.help = "stop, then start",
	.run = run,
};
