/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "confirm.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	int r = arguments[0] ? STATUS_OK : confirm_all(context, "Restart");

	return r != STATUS_OK ? r : run_sequence(context, METHOD_RESTART, arguments, USEC_INFINITY);
}

const struct command command_restart = {
	.name = "restart",
	.arguments = "[--all] [GUEST...]",
	.help = "stop, then start",
	.run = run,
};
