/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/wait.h"

#include "engine/job.h"
#include "engine/private.h"
#include "util/str.h"

/* More lines are not read, and each is told anew when the guest that it names has ended. */
#define TOLD_MAX 5

/* What another tool does with a domain, as far as its condition tells: hold_check(). */
static const char *holder(enum domain_condition condition)
{
	switch (condition) {
	case DOMAIN_SAVING:
		return "the tool that saves or migrates it";
	case DOMAIN_SUSPENDED:
		return "the tool that has suspended it";
	case DOMAIN_AWAY:
		return "the tool that has migrated it";
	case DOMAIN_UNBUILT:
		return "the tool that builds it";
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return "another tool";
}

static const char *find_reason(const struct run *run)
{
	const struct run *other;

	switch (run->wait) {
	case WAIT_NONE:
	case WAIT_OPERATION: /* which is told itself */
		break;
	case WAIT_PLACE:
		return "a place (ParallelOperations=)";
	case WAIT_DISK:
		return "the disk of the images";
	case WAIT_TOOL:
		return holder(run->held_for);
	case WAIT_GUEST:
		other = executor_awaited(run);
		return other ? other->step->name : NULL;
	}
	return NULL;
}

const char *executor_waits_for(const struct executor *ex, const struct uuid *uuid)
{
	const struct run *run = executor_next_run(ex, uuid, NULL);

	return run && run->machine.state == MACHINE_WAITING ? find_reason(run) : NULL;
}

static bool waits(const struct run *run)
{
	return run->machine.state == MACHINE_WAITING && run->wait != WAIT_NONE;
}

void executor_note_waits(struct executor *ex)
{
	struct job *job;
	struct run *run;

	if (!ex->callbacks.waits)
		return;
	TAILQ_FOREACH(job, &ex->jobs, entry) {
		job->waiting = 0;
		TAILQ_FOREACH(run, &job->runs, entry)
			job->waiting += waits(run);
		if (job->waiting > 0)
			executor_plan_progress(ex);
	}
}

/* True if it is told, now or before, and has not changed. */
static bool tell(struct run *run)
{
	const struct executor *ex = run->job->ex;
	/* That some wait for a place is told by their number. */
	bool told_in_sum = run->wait == WAIT_PLACE || run->wait == WAIT_DISK;
	const char *what = waits(run) && !told_in_sum ? find_reason(run) : NULL;
	struct report report;

	if (!what || str_equal(what, run->wait_told))
		return what;
	str_replace(&run->wait_told, what);
	report = run_report(run, loop_now(ex->loop));
	report.stage = _STAGE_INVALID;
	report.reason = NULL;
	report.waits_for = what;
	report.waiting = run->job->waiting;
	ex->callbacks.waits(ex->callbacks.data, run->job, &report);
	return true;
}

void executor_tell_waits(struct job *job)
{
	unsigned told = 0;
	struct run *run;

	if (!job->ex->callbacks.waits || job->waiting == 0)
		return;
	TAILQ_FOREACH(run, &job->runs, entry) {
		told += tell(run);
		if (told == TOLD_MAX)
			break;
	}
}
