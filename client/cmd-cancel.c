/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	struct varlink_reply reply;
	int r;

	if (arguments[0]) {
		fprintf(stderr,
			"cancel takes no guests: it ends each start, stop and restart that is "
			"under way\n");
		return STATUS_USAGE;
	}
	r = call_once(context, METHOD_CANCEL, NULL, &reply);
	if (r < 0)
		return -r;
	context->writer->ops->cancelled(context->writer, reply.parameters);
	varlink_reply_done(&reply);
	return STATUS_OK;
}

const struct command command_cancel = {
	.name = "cancel",
	.arguments = "",
	.help = "end starts, stops and restarts; what has begun goes on",
	.run = run,
};
