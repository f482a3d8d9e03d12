/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <limits.h>

#include "core/fit.h"
#include "engine/job.h"
#include "engine/private.h"

/* Guests of a job that wait for others of it: whose turn it is. */

/* Within each of the two waves, the last stage comes after all others. */
#define LEVELS 4

static unsigned level_of(const struct run *run)
{
	return 2 * MIN(run->machine.step->wave, 1U) +
	       (machine_stage(&run->machine) == STAGE_SHUTDOWN_ALL);
}

/*
 * When the guest must begin, so that the time that the host has left is enough for it and for the
 * guests after it. USEC_INFINITY: the host waits. In any case the others get the
 * time that most guests need: there may be more time after a deadline that is too short for that.
 */
static usec_t latest_turn(const struct run *run)
{
	const struct executor_callbacks *callbacks = &run->job->ex->callbacks;
	usec_t deadline = callbacks->deadline(callbacks->data, run->job);
	usec_t each = fit_shutdown_time(run->job->ex->limits.stop_limit), needed = 0;
	bool used[LEVELS] = {false};
	const struct run *other;

	if (deadline == USEC_INFINITY)
		return USEC_INFINITY;
	TAILQ_FOREACH(other, &run->job->runs, entry)
		if (!machine_ended(&other->machine))
			used[level_of(other)] = true;
	for (unsigned i = level_of(run); i < LEVELS; i++)
		needed += used[i] ? each : 0;
	return MAX(usec_sub(deadline, needed), usec_add(run->job->begun, each));
}

/* A stop does not keep a driver domain for a guest whose worker may never end. */
static bool is_given_up(const struct run *run)
{
	const struct hv_operation *operation = hv_operation(run->job->ex->hv,
							    &run->machine.step->uuid);

	return run->machine.goal == GOAL_STOP && operation && operation->stuck;
}

/*
 * How long a driver domain waits at most for a guest, which may use it: to the end for a guest
 * that is being saved or migrated, or whose turn has not come. The others have had the time that
 * most guests need.
 */
static usec_t until_without_driver(const struct run *other, usec_t latest)
{
	bool operated = hv_operation(other->job->ex->hv, &other->machine.step->uuid);

	switch (other->machine.state) {
	case MACHINE_ASKED:
		return MAX(latest, usec_add(other->first_try,
					    fit_shutdown_time(other->job->ex->limits.stop_limit)));
	case MACHINE_WAITING:
		/* For another tool, for a worker of an earlier daemon, or to be removed. */
		return other->held || operated || other->unclean ? latest : USEC_INFINITY;
	case MACHINE_WORKING:
		return run_streams(other) && !other->stalled ? USEC_INFINITY : latest;
	case MACHINE_CLEANING:
		return latest;
	case MACHINE_DONE:
	case MACHINE_FAILED:
	case MACHINE_SKIPPED:
	case _MACHINE_STATE_MAX:
	case _MACHINE_STATE_INVALID:
		break;
	}
	return USEC_INFINITY;
}

void executor_look_ahead(struct job *job)
{
	struct front front = {.wave = UINT_MAX};
	struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		if (!run_is_awaited(run))
			continue;
		front.first = front.first ? front.first : run;
		front.wave = MIN(front.wave, run->machine.step->wave);
		front.others |= !run->overdue && machine_stage(&run->machine) < STAGE_SHUTDOWN_ALL;
	}
	job->front = front;
}

/* Most wait for none: that is known without a look at each of the others. */
static bool is_at_front(const struct run *run)
{
	const struct front *front = &run->job->front;

	return front->wave >= run->machine.step->wave &&
	       (!front->others || machine_stage(&run->machine) != STAGE_SHUTDOWN_ALL);
}

const struct run *executor_awaited(const struct run *run)
{
	const struct run *other;

	TAILQ_FOREACH(other, &run->job->runs, entry)
		if (run_comes_behind(run, other) && !is_given_up(other))
			return other;
	return NULL;
}

usec_t executor_turn(const struct run *run, usec_t now)
{
	const struct run *other = is_at_front(run) ? NULL : run->job->front.first;
	usec_t latest = USEC_INFINITY, until;
	bool known = false;

	for (; other; other = TAILQ_NEXT(other, entry)) {
		if (!run_comes_behind(run, other) || is_given_up(other))
			continue;
		if (!known)
			latest = latest_turn(run);
		known = true;
		until = latest;
		if (latest != USEC_INFINITY && other->machine.step->wave != run->machine.step->wave)
			until = until_without_driver(other, latest);
		if (until > now)
			return until;
	}
	return 0;
}

usec_t executor_driver_turn(const struct executor *ex, const struct uuid *uuid, usec_t begun,
			    usec_t deadline)
{
	const struct run *run = executor_next_run(ex, uuid, NULL);
	usec_t each = fit_shutdown_time(ex->limits.stop_limit);

	if (run && is_given_up(run))
		return 0;
	if (!run || deadline == USEC_INFINITY)
		return USEC_INFINITY;
	return until_without_driver(run, MAX(usec_sub(deadline, each), usec_add(begun, each)));
}
