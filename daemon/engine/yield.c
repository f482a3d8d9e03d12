/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/ask.h"
#include "engine/job.h"
#include "engine/private.h"

/* Guests on their way that another sequence needs. */

void executor_cancel(struct executor *ex, struct job *job, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry)
		executor_feed(run, MACHINE_EVENT_CANCEL, reason);
	executor_kick(ex);
}

void executor_release(struct executor *ex, struct job *job, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		/* With some of its keys only, it may be left with file systems that are read-only.
		 */
		bool waits = run->machine.state == MACHINE_ASKED &&
			     machine_stage(&run->machine) == STAGE_SYSRQ;

		run->released = !machine_ended(&run->machine);
		executor_feed(run, waits ? MACHINE_EVENT_CANCEL : MACHINE_EVENT_TAKEN, reason);
	}
	executor_kick(ex);
}

void executor_hurry(struct executor *ex, struct job *job, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		/* Its pauses are as long as they are configured. */
		if (run->machine.state == MACHINE_ASKED &&
		    machine_stage(&run->machine) == STAGE_SYSRQ)
			executor_feed(run, MACHINE_EVENT_EXPIRED, reason);
		while (run->machine.state == MACHINE_WAITING && !run->unclean &&
		       machine_can_hurry(&run->machine))
			executor_feed(run, MACHINE_EVENT_HURRY, reason);
	}
	executor_kick(ex);
}

void executor_expire(struct executor *ex, struct job *job, usec_t since, const char *reason)
{
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		if (run->machine.state != MACHINE_ASKED || run->stage_started > since)
			continue;
		/* The tool that made it has not removed it yet. */
		if (executor_has_shut_down(run))
			executor_clean_soon(run);
		else
			executor_feed(run, MACHINE_EVENT_EXPIRED, reason);
	}
	executor_kick(ex);
}

void executor_cancel_start(struct executor *ex, const struct uuid *uuid, const char *reason)
{
	for (struct run *run = NULL; (run = executor_next_run(ex, uuid, run));)
		if (goal_is_start(run->machine.goal))
			executor_feed(run, MACHINE_EVENT_CANCEL, reason);
	executor_kick(ex);
}

/* Whether a guest that was asked to shut down may be waited for until after deadline. */
static bool lasts_beyond(const struct run *run, usec_t deadline)
{
	return run->machine.state == MACHINE_ASKED &&
	       usec_add(run->stage_started, asking_limit(run, &run->job->ex->limits)) > deadline;
}

enum executor_take executor_take(struct executor *ex, const struct job *job,
				 const struct uuid *uuid, usec_t deadline, const char *reason)
{
	enum executor_take result = EXECUTOR_NOT_THERE;

	for (struct run *run = NULL; (run = executor_next_run(ex, uuid, run));) {
		bool takes = !run->unclean &&
			     (run->machine.state == MACHINE_WAITING || lasts_beyond(run, deadline));

		if (run->job != job || run->machine.goal != GOAL_STOP)
			continue;
		result = takes ? EXECUTOR_TAKEN : EXECUTOR_LEFT;
		executor_feed(run, takes ? MACHINE_EVENT_TAKEN : MACHINE_EVENT_CANCEL, reason);
	}
	executor_kick(ex);
	return result;
}
