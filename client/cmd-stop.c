/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	return run_sequence(context, METHOD_STOP, arguments);
}

const struct command command_stop = {
	.name = "stop",
	.arguments = "[GUEST...]",
	.help = "save or shut down, as configured",
	.run = run,
};
