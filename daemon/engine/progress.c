/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/overdue.h"
#include "engine/private.h"

/*
 * A follower is told of the progress of all guests together, so often at most: hundreds of workers
 * tell of theirs twice a second, and what is told wakes the follower and the daemon.
 */
#define PROGRESS_INTERVAL USEC_PER_SEC

struct run *executor_find_at_work(const struct executor *ex, const struct uuid *uuid)
{
	struct run *run = NULL;

	while ((run = executor_next_run(ex, uuid, run)))
		if (run->machine.state == MACHINE_WORKING || run->machine.state == MACHINE_CLEANING)
			return run;
	return NULL;
}

static void tell_progress(struct run *run, usec_t now)
{
	struct report report;

	if (run->machine.state != MACHINE_WORKING || run->permille == run->told)
		return;
	run->told = run->permille;
	report = run_report(run, now);
	executor_tell(run, &report);
}

void executor_on_progress(void *data)
{
	struct executor *ex = data;
	struct job *job;
	struct run *run;

	ex->told = loop_now(ex->loop);
	TAILQ_FOREACH(job, &ex->jobs, entry) {
		TAILQ_FOREACH(run, &job->runs, entry)
			tell_progress(run, ex->told);
		executor_tell_waits(job);
	}
}

void executor_plan_progress(struct executor *ex)
{
	if (!timer_is_set(ex->progress))
		timer_set(ex->progress, MAX(loop_now(ex->loop), ex->told + PROGRESS_INTERVAL));
}

void executor_moved(struct run *run, unsigned permille)
{
	executor_wrote(run, permille);
	executor_has_read(run, permille);
}

void executor_progress(struct executor *ex, const struct hv_operation *operation)
{
	struct run *run = executor_find_at_work(ex, &operation->uuid);
	bool moved;

	if (operation->stuck) {
		executor_kick(ex);
		return;
	}
	if (!run || run->machine.state != MACHINE_WORKING)
		return;
	executor_moved(run, operation->permille);
	moved = operation->permille > run->permille || operation->bytes > run->bytes;
	/* A restore that waits for memory goes on, and does not read. */
	if (!run_restores(run) || moved)
		overdue_progress(run, loop_now(ex->loop), ex->limits.stop_limit);
	run->bytes = operation->bytes;
	run->total = operation->total;
	if (operation->permille <= run->permille)
		return;
	if (run->flowed == 0) {
		run->flows_since = loop_now(ex->loop);
		run->flowed = operation->permille;
	}
	run->permille = operation->permille;
	executor_plan_progress(ex);
}
