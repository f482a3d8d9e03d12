/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "engine/private.h"

/* The host stays up, and its stop ends. */

/* Whether a guest that was asked is waited for all the same. */
static bool is_waited_for(const struct run *run)
{
	/* A guest that got only some of its keys may be left with file systems that are read-only.
	 */
	if (machine_stage(&run->machine) == STAGE_SYSRQ)
		return true;
	/* Guests that come back need the driver domain, and it may be about to go. */
	return run->step->wave > 0;
}

void executor_rest(struct executor *ex, struct job *job, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		bool released = run->machine.state == MACHINE_ASKED && !is_waited_for(run);

		executor_feed(run, released ? MACHINE_EVENT_TAKEN : MACHINE_EVENT_CANCEL, reason);
	}
	executor_kick(ex);
}
