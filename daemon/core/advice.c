/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/advice.h"

#include <ctype.h>

#include "core/plan-guest.h"
#include "util/quote.h"
#include "util/str.h"

/* A shell drops a quoted newline, and a terminal may obey other such characters. */
static bool can_be_typed(const char *word)
{
	for (; *word; word++)
		if (iscntrl((unsigned char)*word))
			return false;
	return true;
}

static int advise(char **ret, const char *command, const char *argument)
{
	if (!can_be_typed(argument))
		return 0;
	return str_format(ret, "%s %s%s", command, argument[0] == '-' ? "-- " : "",
			  QUOTED(argument));
}

/* Another tool may have saved or migrated it. */
static bool ended_unseen(const struct guest *g)
{
	return g->past &&
	       (g->past->lives.last == LIFE_SUSPENDED || g->past->lives.last == LIFE_VANISHED);
}

/*
 * To name a guest is to answer for it: only what a start of all would do, and that without the loss
 * of memory, needs no answer.
 */
static int advise_start(const struct config *config, const struct guest *g, char **ret)
{
	_cleanup_(step_done) struct step s = {0};
	int r = config ? plan_start(&s, config, g, false, false) : 0;

	if (r < 0 || !config || s.result != STEP_TODO || s.cold)
		return r;
	return step_has(&s, STAGE_RESTORE) || (step_has(&s, STAGE_CREATE) && !ended_unseen(g))
		       ? advise(ret, "xendomainsctl start", g->name)
		       : 0;
}

int advice_find(const struct config *config, const struct guest *g, enum guest_state state,
		char **ret)
{
	*ret = NULL;
	if (g->domain || (state != GUEST_STOPPED && state != GUEST_SAVED && state != GUEST_FAILED))
		return 0;
	if (g->image && g->image->error)
		return advise(ret, "xendomainsctl image verify", path_base(g->image->path));
	if (g->config && g->config->error && !g->image)
		return advise(ret, "xl create --dryrun", g->config->path);
	return advise_start(config, g, ret);
}
