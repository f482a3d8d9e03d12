/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"

/* How many images are read at one time: core/lane.h is told what the guests have of them. */

/* What waits for another tool, or for a worker of an earlier daemon, may do so for long. */
static bool could_begin(const struct run *run, usec_t now)
{
	return run->machine.state == MACHINE_WAITING && run_restores(run) &&
	       run->wait != WAIT_TOOL && run->wait != WAIT_OPERATION &&
	       executor_turn(run, now) <= now;
}

static uint64_t find_smallest(const struct executor *ex)
{
	usec_t now = loop_now(ex->loop);
	uint64_t smallest = UINT64_MAX;
	const struct job *job;
	const struct run *run;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			if (could_begin(run, now))
				smallest = MIN(smallest, run->step->memory_kib);
	return smallest;
}

void executor_open_reads(struct executor *ex, struct places *places)
{
	const struct executor_limits *limits = &ex->limits;

	if (places->restores == 0 || ex->read_lane.allowed == 0)
		lane_begin(&ex->read_lane, limits->streams ? limits->streams : limits->parallel,
			   limits->parallel, limits->disk_rate);
	places->may_read = ex->read_lane.allowed;
	places->smallest_kib = places->restores > 0 ? find_smallest(ex) : 0;
}

void executor_has_read(struct run *run, unsigned permille)
{
	struct executor *ex = run->job->ex;

	if (run->machine.state != MACHINE_WORKING || !run_restores(run) ||
	    permille <= run->permille)
		return;
	ex->read_kib += run->step->memory_kib * (permille - run->permille) / 1000;
	if (lane_tell(&ex->read_lane, loop_now(ex->loop), ex->read_kib, ex->reading) ||
	    run->flowed == 0 || run->stalled || permille >= OPERATION_PERMILLE_MOVED)
		executor_kick(ex);
}
