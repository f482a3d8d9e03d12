/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"

/* How many guests are saved at one time: core/lane.h is told what they write. */

/* Where no save tells that it goes on for so long, the disk may not answer ... */
#define SILENCE (5 * USEC_PER_SEC)

/* ... and once it does, all saves tell of that within this time. */
#define ECHO (2 * USEC_PER_SEC)

/* From when on the disk is known to write; USEC_INFINITY: not before a save tells so. */
static usec_t known_to_write(const struct executor *ex, usec_t now)
{
	return usec_sub(now, ex->heard) >= SILENCE ? USEC_INFINITY : ex->woke + ECHO;
}

static void hear(const struct run *run)
{
	struct executor *ex = run->job->ex;
	usec_t now = loop_now(ex->loop);
	bool silent = known_to_write(ex, now) == USEC_INFINITY;

	ex->heard = now;
	if (silent)
		ex->woke = now;
	if (silent || run->stalled)
		executor_kick(ex);
}

usec_t executor_open_lane(struct executor *ex, struct places *places)
{
	const struct executor_limits *limits = &ex->limits;
	usec_t now = loop_now(ex->loop), known = known_to_write(ex, now);
	unsigned allowed, left;

	/* Saves of an earlier daemon can be at work before the first of ours. */
	if (places->saving + places->stalled == 0 || ex->lane.allowed == 0)
		lane_begin(&ex->lane, limits->streams ? limits->streams : limits->parallel,
			   limits->parallel, limits->disk_rate);
	places->may_save = allowed = ex->lane.allowed;
	if (places->stalled == 0 || known <= now)
		return USEC_INFINITY;
	/*
	 * Those that stand still keep their places meanwhile. One more at a time shows whether it
	 * is the disk or only those guests that hang.
	 */
	left = allowed - MIN(places->stalled, allowed);
	left = MAX(left, places->untold + 1);
	places->may_save = MIN(left, allowed);
	return known;
}

/* Guests that are being saved, or wait for that: at most so many of them. */
static unsigned count_saves(const struct executor *ex, unsigned most)
{
	const struct job *job;
	const struct run *run;
	unsigned n = 0;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry) {
			n += !machine_ended(&run->machine) && run_saves(run);
			if (n == most)
				return n;
		}
	return n;
}

unsigned executor_save_threads(const struct executor *ex)
{
	/* More threads than processors are of no use, so more saves need not be counted. */
	unsigned saves = count_saves(ex, MIN(ex->lane.allowed, ex->limits.cpus));

	saves = MAX(saves, 1U);
	return (ex->limits.cpus + saves - 1) / saves;
}

void executor_wrote(struct run *run, unsigned permille)
{
	struct executor *ex = run->job->ex;

	if (run->machine.state != MACHINE_WORKING || !run_saves(run))
		return;
	hear(run);
	if (permille <= run->permille)
		return;
	ex->written_kib += run->step->memory_kib * (permille - run->permille) / 1000;
	if (lane_tell(&ex->lane, loop_now(ex->loop), ex->written_kib, ex->saving))
		executor_kick(ex);
}
