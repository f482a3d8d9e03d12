/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"

/* How many guests are saved at one time: core/lane.h is told what they write. */

void executor_open_lane(struct executor *ex, struct places *places)
{
	const struct executor_limits *limits = &ex->limits;

	/* Saves of an earlier daemon can be at work before the first of ours. */
	if (places->saving == 0 || ex->lane.allowed == 0)
		lane_begin(&ex->lane, limits->saves ? limits->saves : limits->parallel,
			   limits->parallel, limits->disk_rate);
	places->may_save = ex->lane.allowed;
}

/* Guests that are being saved, or wait for that. */
static unsigned count_saves(const struct executor *ex)
{
	const struct job *job;
	const struct run *run;
	unsigned n = 0;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			n += !machine_ended(&run->machine) && run_saves(run);
	return n;
}

unsigned executor_save_threads(const struct executor *ex)
{
	unsigned saves = MIN(count_saves(ex), ex->lane.allowed);

	saves = MAX(saves, 1U);
	return (ex->limits.cpus + saves - 1) / saves;
}

void executor_wrote(struct run *run, unsigned permille)
{
	struct executor *ex = run->job->ex;

	if (run->machine.state != MACHINE_WORKING || !run_saves(run) || permille <= run->permille)
		return;
	ex->written_kib += run->step->memory_kib * (permille - run->permille) / 1000;
	if (lane_tell(&ex->lane, loop_now(ex->loop), ex->written_kib, ex->saving))
		executor_kick(ex);
}
