/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "confirm.h"
#include "unit.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	_cleanup_free_ char *reason = NULL;
	struct occasion occasion = {.until = USEC_INFINITY};
	int r;

	if (context->unit && unit_may_stop(context->unit, &reason, &occasion) < 0)
		return explain_error(context, -ENOMEM);
	if (reason) {
		fprintf(stderr, "%s\n", reason);
		return STATUS_OK;
	}
	r = arguments[0] ? STATUS_OK : confirm_all(context, false);
	return r != STATUS_OK ? r : call_and_follow(context, METHOD_STOP, arguments, &occasion);
}

const struct command command_stop = {
	.name = "stop",
	.arguments = "[--all] [GUEST...]",
	.help = "save or shut down, as configured",
	.run = run,
};
