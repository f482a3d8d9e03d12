/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/advice.h"

#include "core/leftover.h"
#include "core/plan-guest.h"
#include "util/quote.h"
#include "util/str.h"

static int advise(char **ret, const char *command, const char *argument)
{
	/* It could not be typed. */
	if (!str_is_printable(argument))
		return 0;
	return str_format(ret, "%s %s", command, AS_ARGUMENT(argument));
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
	return step_has(&s, STAGE_RESTORE) || step_has(&s, STAGE_RESUME) ||
			       (step_has(&s, STAGE_CREATE) && !ended_unseen(g))
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

/* And no process will resume it. libvirt suspends the guests that it migrates, and does not tell.
 */
static bool is_suspended(const struct guest *g)
{
	const struct domain *d = g->domain;

	return d && !g->busy && domain_condition(d) == DOMAIN_SUSPENDED &&
	       d->manager != DOMAIN_MANAGER_LIBVIRT && !guest_is_undecided(g) && !guest_is_left(g);
}

int advice_find(const struct config *config, const struct guest *g, enum guest_state state,
		char **ret)
{
	*ret = NULL;
	if (is_suspended(g))
		return advise_start(config, g, ret);
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

	/* The mark of what a restart has left says "preserve". */
	if (guest_is_preserved(g))
		r = str_format(&setting, " (%s=\"rename-restart\")", death_setting(d->reason));
	else if (domain_death_action(d) == DEATH_PRESERVE)
		r = str_format(&setting, " (%s=\"preserve\")", death_setting(d->reason));
	if (r >= 0 && (g->config || g->image) && !guest_is_superseded(g))
		r = str_format(&start, ", and 'xendomainsctl start %s' to start the guest",
			       AS_ARGUMENT(g->name));
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

/* A guest that has a domain, which neither runs nor has ended. */
static int explain_standstill(const struct guest *g, char **ret)
{
	switch (domain_condition(g->domain)) {
	case DOMAIN_PAUSED:
	case DOMAIN_UNBUILT:
	case DOMAIN_NEVER_RUN:
		return leftover_explain(g->domain, ret);
	case DOMAIN_SUSPENDED:
		return is_suspended(g)
			       ? str_format(ret,
					    "is suspended, and no process saves or migrates it")
			       : 0;
	case DOMAIN_RUNNING:
	case DOMAIN_SAVING:
	case DOMAIN_AWAY:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return 0;
}

/* What a start of all would say of a guest that is down, where that is no plain start. */
static int explain_start(const struct config *config, const struct guest *g, char **ret)
{
	_cleanup_(step_done) struct step s = {0};
	int r = plan_start(&s, config, g, false, false);
	bool creates = s.result == STEP_TODO && !step_has(&s, STAGE_RESTORE);

	if (r < 0)
		return r;
	if (g->vanished || (creates && ended_unseen(g)))
		return str_format(
			ret,
			"its domain has disappeared: another tool may have saved, migrated or "
			"destroyed it. If it runs nowhere else, run 'xendomainsctl start %s'",
			AS_ARGUMENT(g->name));
	if (creates && s.cold)
		return str_format(
			ret,
			"'xendomainsctl start %s' starts it without the memory that was saved: %s",
			AS_ARGUMENT(g->name), s.reason);
	if (s.result == STEP_FAILED)
		*ret = TAKE_PTR(s.reason);
	return 0;
}

static bool is_of_now(const struct guest *g, const char *reason)
{
	return reason && !guest_reason_is_past(g, reason);
}

static int explain_state(const struct config *config, const struct guest *g, const char *reason,
			 char **ret)
{
	if (g->domain)
		return g->busy ? 0 : explain_standstill(g, ret);
	return config && g->config && !is_of_now(g, reason) ? explain_start(config, g, ret) : 0;
}

int advice_explain(const struct config *config, const struct guest *g, const char *reason,
		   char **ret)
{
	_cleanup_free_ char *now = NULL;
	int r;

	*ret = NULL;
	if (!g->domain && g->image && g->image->error && reason == g->image->error)
		return plan_explain_image(g, ret);
	/* What is on record is about a start, and perhaps that the domain was in its way. */
	if (g->warning)
		return 0;
	if (has_ended(g, DOMAIN_MANAGER_XL))
		return explain_left_to_xl(g, ret);
	if (is_kept(g))
		return explain_kept(g, ret);
	r = explain_state(config, g, reason, &now);
	if (r < 0 || !now || (reason && strstr(reason, now)))
		return r;
	if (reason)
		return str_format(ret, "%s; %s", reason, now);
	*ret = TAKE_PTR(now);
	return 0;
}
