/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "wire/interface.h"

static int run(const struct context *context, char **arguments)
{
	struct varlink_reply reply;
	int r;

	if (arguments[0]) {
		fprintf(stderr, "reload takes no guests; it reads the settings of xendomainsd\n");
		return STATUS_USAGE;
	}
	r = call_once(context, METHOD_RELOAD, NULL, &reply);
	if (r < 0)
		return -r;
	context->writer->ops->reloaded(context->writer, reply.parameters);
	varlink_reply_done(&reply);
	return STATUS_OK;
}

const struct command command_reload = {
	.name = "reload",
	.arguments = "",
	.help = "read the settings from their files; touches no guest",
	.run = run,
};
