/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	return run_sequence(context, METHOD_START, arguments);
}

const struct command command_start = {
	.name = "start",
	.arguments = "[GUEST...]",
	.help = "restore what is saved and start what is configured",
	.run = run,
};
