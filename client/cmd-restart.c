/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	int stopped = run_sequence(context, METHOD_STOP, arguments, USEC_INFINITY);
	int started;

	if (stopped == STATUS_UNREACHABLE)
		return stopped;
	/* What could be stopped is started again, also where something else could not. */
	started = run_sequence(context, METHOD_START, arguments, USEC_INFINITY);
	return started != STATUS_OK ? started : stopped;
}

const struct command command_restart = {
	.name = "restart",
	.arguments = "[GUEST...]",
	.help = "stop, then start",
	.run = run,
};
