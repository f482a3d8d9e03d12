/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"

/* Domains that have shut down, and are removed in turn. */

bool executor_has_shut_down(const struct run *run)
{
	const struct domain *d = run_find_domain(run, run->job->ex->domains);

	return d && !d->dying && d->shutdown && d->reason != SHUTDOWN_REASON_SUSPEND;
}

void executor_clean_soon(struct run *run)
{
	run->left = true;
	executor_kick(run->job->ex);
}

bool executor_cleans_anyway(struct run *run, enum machine_event event, const char *reason)
{
	bool cancels = event == MACHINE_EVENT_CANCEL || event == MACHINE_EVENT_TAKEN;

	if (!run->unclean || !executor_has_shut_down(run) ||
	    (!cancels && event != MACHINE_EVENT_EXPIRED))
		return false;
	if (cancels)
		machine_cancel(&run->machine, reason);
	return true;
}

bool executor_is_spared(const struct run *run, const struct domain *d)
{
	return run->unclean && run->machine.cancelled && d && !d->dying &&
	       !executor_has_shut_down(run);
}

/* Whether a domain that has shut down makes a worker begin. */
static bool awaits_clean(const struct run *run)
{
	const struct machine *m = &run->machine;

	return m->state == MACHINE_ASKED || (m->state == MACHINE_WAITING && m->goal == GOAL_STOP &&
					     machine_stage(m) != STAGE_CLEAN);
}

void executor_clean_in_turn(struct run *run, struct places *places)
{
	if (!awaits_clean(run))
		return;
	run->unclean = !places_can_clean(places, &run->job->ex->limits);
	if (run->unclean)
		return;
	executor_feed(run, MACHINE_EVENT_SHUT_DOWN, NULL);
	places_take(places, &run->job->ex->limits, run);
}
