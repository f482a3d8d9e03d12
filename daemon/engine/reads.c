/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"

/* How many images are read at one time: core/lane.h is told what the guests have of them. */

void executor_open_reads(struct executor *ex, struct places *places)
{
	const struct executor_limits *limits = &ex->limits;

	if (places->restores == 0 || ex->read_lane.allowed == 0)
		lane_begin(&ex->read_lane, limits->streams ? limits->streams : limits->parallel,
			   limits->parallel, limits->disk_rate);
	places->may_read = ex->read_lane.allowed;
}

void executor_has_read(struct run *run, unsigned permille)
{
	struct executor *ex = run->job->ex;

	if (run->machine.state != MACHINE_WORKING || !run_restores(run) ||
	    permille <= run->permille)
		return;
	ex->read_kib += run->step->memory_kib * (permille - run->permille) / 1000;
	if (lane_tell(&ex->read_lane, loop_now(ex->loop), ex->read_kib, ex->reading) ||
	    permille >= OPERATION_PERMILLE_MOVED)
		executor_kick(ex);
}
