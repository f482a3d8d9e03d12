/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-ask.h"

#include "util/str.h"
#include "wire/interface.h"

bool status_is_pattern(const char *word)
{
	return strpbrk(word, "*?[") != NULL;
}

/* The daemon knows names and UUIDs only. What else a word means is found among all guests. */
static int ask_for_all(const struct context *context, char **names, struct varlink_reply *ret)
{
	const char *unknown = NULL;
	int r = call_once(context, METHOD_STATUS, NULL, ret);

	if (r < 0)
		return r;
	r = status_keep_named(ret->parameters, names, &unknown);
	if (r >= 0)
		return 0;
	varlink_reply_done(ret);
	return -(unknown ? explain_no_guest(context, unknown) : explain_error(context, r));
}

int status_ask(const struct context *context, char **names, struct varlink_reply *ret)
{
	struct varlink_reply reply;
	int r;

	if (!names[0])
		return call_once(context, METHOD_STATUS, NULL, ret);
	r = ask_within(context, ANSWER_LIMIT, METHOD_STATUS, guests_parameter(names), &reply);
	if (r < 0)
		return -explain_error(context, r);
	if (!reply.error) {
		*ret = reply;
		return 0;
	}
	r = str_equal(reply.error, ERROR_NO_SUCH_GUEST) ? 0 : -explain_reply(&reply);
	varlink_reply_done(&reply);
	return r < 0 ? r : ask_for_all(context, names, ret);
}
