/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/advice.h"

#include <ctype.h>

#include "core/leftover.h"
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

/* It is not tried again but by a start. */
static bool has_failed_to_restart(const struct guest *g)
{
	const struct domain *d = g->domain;

	return !g->busy && domain_condition(d) == DOMAIN_ENDED &&
	       d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	       death_action_restarts(domain_death_action(d)) && !guest_is_superseded(g) &&
	       g->past && g->past->failure;
}

int advice_find(const struct config *config, const struct guest *g, enum guest_state state,
		char **ret)
{
	*ret = NULL;
	if (g->domain)
		return config && has_failed_to_restart(g)
			       ? advise(ret, "xendomainsctl start", g->name)
			       : 0;
	if (state != GUEST_STOPPED && state != GUEST_SAVED && state != GUEST_FAILED)
		return 0;
	/* The choices cost something: advice_explain(). */
	if (g->image && g->image->error)
		return 0;
	if (g->config && g->config->error && !g->image)
		return advise(ret, "xl create --dryrun", g->config->path);
	return advise_start(config, g, ret);
}

/* Whether it has ended by itself, and the domain is that tool's. */
static bool has_ended(const struct guest *g, enum domain_manager manager)
{
	const struct domain *d = g->domain;

	return d && !g->busy && domain_condition(d) == DOMAIN_ENDED && d->manager == manager;
}

/* ... and the domain is neither restarted nor removed. */
static bool is_kept(const struct guest *g)
{
	return has_ended(g, DOMAIN_MANAGER_XENDOMAINSD) &&
	       (domain_death_action(g->domain) == DEATH_PRESERVE || guest_is_superseded(g));
}

static int explain_kept(const struct guest *g, char **ret)
{
	const struct domain *d = g->domain;
	_cleanup_free_ char *start = NULL, *setting = NULL;
	int r = 0;

	if (domain_death_action(d) == DEATH_PRESERVE)
		r = str_format(&setting, " (%s=\"preserve\")", death_setting(d->reason));
	if (r >= 0 && (g->config || g->image) && !guest_is_superseded(g))
		r = str_format(&start, ", and 'xendomainsctl start %s' to start the guest",
			       QUOTED(g->name));
	return r < 0 ? r
		     : str_format(ret,
				  "has ended (%s), and its domain %u is kept%s. If you do not need "
				  "it any more, run 'xl destroy %u' to remove it%s",
				  shutdown_reason_to_string(d->reason), d->domid,
				  setting ? setting : "", d->domid, start ? start : "");
}

static int explain_left_to_xl(const struct guest *g, char **ret)
{
	const struct domain *d = g->domain;

	return str_format(ret, "has ended (%s), and xl has its domain %u. " LEFT_TO_XL,
			  shutdown_reason_to_string(d->reason), d->domid);
}

int advice_explain(const struct guest *g, const char *reason, char **ret)
{
	*ret = NULL;
	if (!g->domain && g->image && g->image->error && reason == g->image->error)
		return plan_explain_image(g, ret);
	/* What is on record is about a start, and perhaps that the domain was in its way. */
	if (g->warning)
		return 0;
	if (has_ended(g, DOMAIN_MANAGER_XL))
		return explain_left_to_xl(g, ret);
	return is_kept(g) ? explain_kept(g, ret) : 0;
}
