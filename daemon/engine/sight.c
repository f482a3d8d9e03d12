/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/frozen.h"
#include "engine/hold.h"
#include "engine/private.h"

/* What has become of the domains, for the runs that wait for that. */

/* How long a dying domain is waited for: if something holds on to its memory, it stays for good. */
#define DYING_LIMIT (30 * USEC_PER_SEC)

static void set_linger(struct run *run, usec_t limit)
{
	if (!timer_is_set(run->linger))
		timer_set_after(run->linger, limit);
}

/* Of all that is asked here, it costs the most. */
static bool is_busy(const struct run *run)
{
	return hv_operation(run->job->ex->hv, &run->machine.step->uuid);
}

static void look_at_domain(struct run *run, const struct domain *d, struct places *places)
{
	bool spared = executor_is_spared(run, d);

	run->unclean = false;
	if (spared) {
		executor_feed(run, MACHINE_EVENT_TAKEN, run->machine.cancel_reason);
		return;
	}
	if (run_is_to_be_built(run)) {
		if (!is_busy(run) && hold_meets(run, run->job->ex->domains))
			executor_feed(run, MACHINE_EVENT_ALIVE, NULL);
		return;
	}
	if (!d && run->rebooting && run_is_for_others(run)) {
		/* The tool that made it builds it again. */
		set_linger(run, FOREIGN_CLEANUP_LIMIT);
		return;
	}
	if (!d) {
		/* While a worker is at it, its word counts. */
		if (!is_busy(run))
			executor_feed(run, MACHINE_EVENT_GONE, NULL);
		return;
	}
	run->rebooting = d->shutdown ? d->reason == SHUTDOWN_REASON_REBOOT
				     : run->rebooting && d->dying;
	if (d->domid != run->domid) {
		/* It rebooted: the domain that was asked is gone, and the new domain has no
		 * request. */
		run->domid = d->domid;
		run->left = false;
		timer_clear(run->linger);
		if (run->machine.state == MACHINE_ASKED)
			executor_ask_anew(run);
	}
	if (run->machine.state == MACHINE_ASKED && !is_busy(run) && frozen_look(run, d))
		executor_ask_anew(run);
	if (d->dying) {
		set_linger(run, DYING_LIMIT);
	} else if (!d->shutdown) {
		run->left = false;
		timer_clear(run->linger);
		if (run->machine.goal != GOAL_STOP && !is_busy(run))
			executor_feed(run, MACHINE_EVENT_ALIVE, NULL);
	} else if (d->reason != SHUTDOWN_REASON_SUSPEND) {
		if (run_is_for_others(run) && !run->left)
			set_linger(run, FOREIGN_CLEANUP_LIMIT);
		else if (!is_busy(run))
			executor_clean_in_turn(run, places);
	}
}

void executor_look_at_domains(struct executor *ex, struct places *places)
{
	struct job *job;
	struct run *run;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry) {
			const struct domain *d;

			if (!run_is_awaited(run))
				continue;
			d = run_find_domain(run, ex->domains);
			if (run->pausing && (!d || d->up)) {
				run->pausing = false;
				timer_clear(run->limit);
			}
			if (!machine_ended(&run->machine))
				look_at_domain(run, d, places);
		}
}
