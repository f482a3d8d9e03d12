/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/places.h"

#include <unistd.h>

#define CREATES_PER_CPU 2

/* Whether its stage needs one of the places for parallel operations. */
static bool needs_place(const struct run *run)
{
	switch (machine_stage(&run->machine)) {
	case STAGE_RESTORE:
	case STAGE_CREATE:
	case STAGE_MIGRATE:
	case STAGE_SAVE:
	case STAGE_RESTART:
		return true;
	case STAGE_RESUME:
	case STAGE_SOFT_RESET:
	case STAGE_UNPAUSE:
	case STAGE_SYSRQ:
	case STAGE_SHUTDOWN:
	case STAGE_SHUTDOWN_ALL:
	case STAGE_DESTROY:
	case STAGE_CLEAN:
	case _STAGE_MAX:
	case _STAGE_INVALID:
		break;
	}
	return false;
}

static bool has_place(const struct run *run)
{
	return run->pausing ||
	       (run->machine.state == MACHINE_WORKING && !run->stalled && needs_place(run));
}

/* Whether its stage builds a guest from scratch, which is hard work for the CPU. */
static bool creates(const struct run *run)
{
	enum stage stage = machine_stage(&run->machine);

	return stage == STAGE_CREATE || stage == STAGE_RESTART;
}

void places_take(struct places *places, const struct run *run)
{
	if (!has_place(run))
		return;
	places->taken++;
	places->stopping += run->machine.goal == GOAL_STOP;
	places->creating += creates(run);
	if (run_saves(run))
		places->saving_kib += MAX(run->step->memory_kib, 1ULL);
}

bool places_have_room(const struct places *places, const struct executor_limits *limits,
		      const struct run *run)
{
	/* A guest that is being built may hang for long: it keeps no other one from its save. */
	unsigned taken = run->machine.goal == GOAL_STOP ? places->stopping : places->taken;

	if (!needs_place(run))
		return true;
	return taken < limits->parallel && (!creates(run) || places->creating < limits->creates) &&
	       (!run_saves(run) || places->saving_kib == 0 ||
		places->saving_kib + run->step->memory_kib <= limits->save_kib);
}

/*
 * Building a guest is work for the CPU, but for some waiting in between; with many more at once
 * than there are CPUs, libxl's own time limits run out.
 */
static unsigned default_creates(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return CREATES_PER_CPU * (cpus < 1 ? 1U : (unsigned)cpus);
}

/*
 * Saves share the disk, and each has XENDOMAINS_STOP_MAXWAIT for itself: only so many go at one
 * time that all of them can keep that. A part is left for what is slower than expected.
 */
static uint64_t saves_at_once(const struct config *c, uint64_t rate)
{
	if (c->stop_limit == USEC_INFINITY)
		return UINT64_MAX;
	return rate * (c->stop_limit / USEC_PER_SEC) * 3 / 4;
}

void places_set_limits(struct executor_limits *limits, const struct config *c, uint64_t rate)
{
	limits->parallel = c->parallel;
	limits->creates = c->parallel_create ? c->parallel_create : default_creates();
	limits->save_kib = saves_at_once(c, rate);
}
