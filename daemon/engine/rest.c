/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/fit.h"
#include "engine/ask.h"
#include "engine/job.h"
#include "engine/private.h"

/* The host stays up, and its stop ends. */

/* Whether a guest that was asked is waited for in spite of that. */
static bool is_waited_for(const struct run *run)
{
	/* A guest that got only some of its keys may be left with file systems that are read-only.
	 */
	if (machine_stage(&run->machine) == STAGE_SYSRQ)
		return true;
	/* Guests that come back need the driver domain, and it may be about to go. */
	return run->step->wave > 0;
}

/* The others do not wait for it longer than for most guests. */
static void shorten_limit(struct run *run)
{
	const struct executor *ex = run->job->ex;
	usec_t end = MAX(usec_add(run->first_try, SHUTDOWN_TIME), loop_now(ex->loop));

	if (machine_stage(&run->machine) != STAGE_SYSRQ &&
	    usec_add(run->stage_started, asking_limit(run, &ex->limits)) > end)
		timer_set(run->limit, end);
}

void executor_rest(struct executor *ex, struct job *job, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		bool asked = run->machine.state == MACHINE_ASKED;
		bool released = asked && !is_waited_for(run);

		executor_feed(run, released ? MACHINE_EVENT_TAKEN : MACHINE_EVENT_CANCEL, reason);
		if (asked && !released)
			shorten_limit(run);
	}
	executor_kick(ex);
}
