/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "check-result.h"
#include "command.h"
#include "printable.h"
#include "status-ask.h"
#include "util/str.h"
#include "width.h"
#include "wire/interface.h"

static void fail(const struct context *context, const char *why)
{
	struct check_result result = {.status = CHECK_UNKNOWN, .text = (char *)why};

	check_print(stdout, &result, context->json);
}

/*
 * The guests to judge, the worst first. What went wrong is said on standard output, which is all
 * that a monitoring system reads.
 */
static int ask(const struct context *context, char **names, struct varlink_reply *ret)
{
	_cleanup_free_ char *clean = NULL, *text = NULL;
	const char *unknown = NULL;
	int r = ask_within(context, CHECK_LIMIT, METHOD_STATUS, NULL, ret);

	if (r >= 0 && !ret->error) {
		r = status_keep_named(ret->parameters, names, &unknown);
		r = r < 0 ? r : status_sort(ret->parameters, STATUS_SORT_STATE);
	}
	clean = unknown ? text_clean(unknown) : NULL;
	if (clean)
		r = str_format(&text, "no guest named \"%s\"", clean);
	else if (r < 0)
		r = str_format(&text, "failed to reach xendomainsd at %s: %s", context->socket,
			       strerror(-r));
	else if (ret->error && str_equal(ret->error, VARLINK_ERROR_PERMISSION_DENIED))
		r = str_format(&text, "permission denied: requires ReadGroup= "
				      "(xendomains.conf(5))");
	else if (ret->error)
		r = str_format(&text, "xendomainsd answers %s", ret->error);
	else
		return 0;
	varlink_reply_done(ret);
	if (r >= 0)
		check_clean_bars(text);
	fail(context, r < 0 ? "out of memory" : text);
	return CHECK_UNKNOWN;
}

static int run(const struct context *context, char **arguments)
{
	struct check_result result;
	struct varlink_reply reply;
	int status = ask(context, arguments, &reply);

	if (status != 0)
		return status;
	make_printable(reply.parameters);
	if (check_judge(reply.parameters, arguments[0], &result) < 0) {
		fail(context, "out of memory");
		status = CHECK_UNKNOWN;
	} else {
		check_print(stdout, &result, context->json);
		status = result.status;
		check_done(&result);
	}
	varlink_reply_done(&reply);
	return status;
}

const struct command command_check = {
	.name = "check",
	.arguments = "[GUEST...]",
	.help = "one line for Nagios and Icinga, with their exit statuses",
	.run = run,
};
