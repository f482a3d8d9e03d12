/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "confirm.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	const struct occasion occasion = {.until = USEC_INFINITY};
	int r = arguments[0] ? STATUS_OK : confirm_all(context, true);

	return r != STATUS_OK ? r : call_and_follow(context, METHOD_RESTART, arguments, &occasion);
}

const struct command command_restart = {
	.name = "restart",
	.arguments = "[--all] [GUEST...]",
	.help = "stop, then start",
	.run = run,
};
