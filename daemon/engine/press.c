/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "engine/private.h"
#include "util/log.h"

/* Saves and migrations that will not be over in time. */

/* One that has just begun does not tell yet how long it takes. */
#define PROBATION (5 * USEC_PER_SEC)

static bool streams(const struct run *run)
{
	return run->machine.state == MACHINE_WORKING && run_streams(run) && !run->given_up;
}

/* The time in which its guest is suspended tells nothing of the disk. */
static usec_t own_time(const struct run *run, usec_t now)
{
	unsigned permille = MIN(run->permille, 1000U);

	return permille > run->flowed ? usec_sub(now, run->flows_since) * (1000 - permille) /
						(permille - run->flowed)
				      : USEC_INFINITY;
}

/*
 * What is measured early can be wrong, and a save is given up only once. With half of its time
 * left it does not have to be yet: without the others, the ones that stay are still in time.
 */
static bool is_early(const struct run *run, usec_t now)
{
	return usec_sub(now, run->first_try) < run->job->ex->limits.stop_limit / 2;
}

static struct flight describe(struct run *run, usec_t now, usec_t end)
{
	usec_t limit = usec_add(run->first_try, run->job->ex->limits.stop_limit);
	usec_t until = usec_left(MIN(limit, end), now);
	usec_t taken = usec_sub(now, run->flowed > 0 ? run->flows_since : run->work_started);
	/* Also of a stop that was cancelled: another one may have the guest then. */
	bool may_end = step_may_shut_down(run->step);

	return (struct flight){
		.left = run->step->memory_kib * (1000 - MIN(run->permille, 1000U)) / 1000,
		.until = until,
		.own = own_time(run, now),
		.may_end = may_end,
		/* At the end of the host one that can only be saved goes on. */
		.kept = (taken < PROBATION && until > 2 * PROBATION) ||
			(end != USEC_INFINITY ? !may_end : is_early(run, now)),
		.data = run,
	};
}

static void give_up(struct run *run)
{
	log_warning("%s: giving up the %s, which would not be over in time", run->step->name,
		    stage_to_string(machine_stage(&run->machine)));
	run->given_up = true;
	hv_abort(run->job->ex->hv, &run->step->uuid);
}

/* Until all of them write, what the disk takes in a while is less than it can. */
static bool are_writing(struct executor *ex)
{
	struct job *job;
	struct run *run;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			if (streams(run) && run_saves(run) && !run->stalled && run->flowed == 0)
				return false;
	return true;
}

static size_t list_saves(struct executor *ex, usec_t now, usec_t end, struct flight *flights)
{
	struct job *job;
	struct run *run;
	size_t n = 0;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry) {
			if (!streams(run) || !run_saves(run))
				continue;
			if (flights)
				flights[n] = describe(run, now, end);
			n++;
		}
	return n;
}

/* What is migrated shares no disk: each one is judged for itself. */
static void press_migrations(struct executor *ex, usec_t now, usec_t end)
{
	struct job *job;
	struct run *run;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry) {
			struct flight f;

			if (!streams(run) || run_saves(run))
				continue;
			f = describe(run, now, end);
			if (!f.kept && f.own > f.until)
				give_up(run);
		}
}

bool executor_press(struct executor *ex, usec_t end)
{
	usec_t now = loop_now(ex->loop);
	size_t n = list_saves(ex, now, end, NULL);
	_cleanup_free_ struct flight *flights = calloc(n + 1, sizeof(*flights));

	if (n == 0)
		ex->flow = (struct flow){0};
	else if (!are_writing(ex))
		/* What was measured before still tells of the disk. */
		ex->flow.since = 0;
	else
		flow_tell(&ex->flow, now, ex->written_kib);
	if (!flights)
		return n > 0;
	n = list_saves(ex, now, end, flights);
	press_judge(flights, n, ex->flow.rate, end != USEC_INFINITY);
	for (size_t i = 0; i < n; i++)
		if (flights[i].given_up)
			give_up(flights[i].data);
	if (end != USEC_INFINITY)
		press_migrations(ex, now, end);
	return n > 0;
}
