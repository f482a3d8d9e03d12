/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "unit.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	const struct occasion occasion = {.until = USEC_INFINITY};
	const char *skip = context->unit ? unit_skips_start() : NULL;

	if (skip) {
		fprintf(stderr, "No guest is started, this once: %s\n", skip);
		tell_unit("No guest was started: %s", skip);
		return STATUS_OK;
	}
	return call_and_follow(context, METHOD_START, arguments, &occasion);
}

const struct command command_start = {
	.name = "start",
	.arguments = "[--cold] [GUEST...]",
	.help = "restore saved guests and start configured ones",
	.run = run,
};
