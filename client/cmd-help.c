/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"

static int run(const struct context *context _unused_, char **arguments _unused_)
{
	print_usage(stdout);
	return STATUS_OK;
}

const struct command command_help = {
	.name = "help",
	.arguments = "",
	.help = "print this",
	.run = run,
};
