/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/places.h"

#include <unistd.h>

#define CREATES_PER_CPU 2
#define BRIEF_PER_CPU   4

/* An image that the disk gives in so many seconds is read in a moment. The disk may be slower now.
 */
#define BRIEF_READ         2
#define BRIEF_READ_KIB_MAX (512ULL * 1024)

/* The kind of place that a worker takes. */
enum kind {
	KIND_LONG,  /* it has one of the places for parallel operations */
	KIND_CLEAN, /* it removes a domain */
	KIND_TOUCH, /* it has a domain go on */
	KIND_NONE,  /* there is no worker */
};

static enum kind kind_of(const struct run *run)
{
	if (run->machine.state == MACHINE_CLEANING)
		return KIND_CLEAN;
	switch (machine_stage(&run->machine)) {
	case STAGE_RESTORE:
	case STAGE_CREATE:
	case STAGE_MIGRATE:
	case STAGE_SAVE:
	case STAGE_RESTART:
		return KIND_LONG;
	case STAGE_DESTROY:
	case STAGE_CLEAN:
		return KIND_CLEAN;
	case STAGE_RESUME:
	case STAGE_SOFT_RESET:
	case STAGE_UNPAUSE:
		return KIND_TOUCH;
	case STAGE_SYSRQ:
	case STAGE_SHUTDOWN:
	case STAGE_SHUTDOWN_ALL:
	case _STAGE_MAX:
	case _STAGE_INVALID:
		break;
	}
	return KIND_NONE;
}

static enum kind kind_of_operation(enum operation operation)
{
	switch (operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
	case OPERATION_SAVE:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE:
		return KIND_LONG;
	case OPERATION_DESTROY:
		return KIND_CLEAN;
	case OPERATION_UNPAUSE:
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
		return KIND_TOUCH;
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return KIND_NONE;
}

bool places_are_brief(const struct run *run)
{
	enum kind kind = kind_of(run);

	return kind == KIND_CLEAN || kind == KIND_TOUCH;
}

static bool has_place(const struct run *run)
{
	return run->pausing ||
	       ((run->machine.state == MACHINE_WORKING || run->machine.state == MACHINE_CLEANING) &&
		(!run->stalled || run_restores(run)));
}

/* A guest that is read, or about to be, keeps others from the disk. Its devices come later. */
static bool reads(const struct run *run)
{
	return run->machine.state == MACHINE_WORKING && run_restores(run) && !run->stalled &&
	       run->permille < OPERATION_PERMILLE_MOVED;
}

/* One that hangs may do so for ever. */
static bool is_to_be_restored(const struct run *run)
{
	return !machine_ended(&run->machine) && run_restores(run) && !run->stalled;
}

static bool is_large(const struct run *run, const struct executor_limits *limits)
{
	return run->step->memory_kib > limits->brief_kib;
}

/* Whether its stage builds a guest from scratch, which is hard work for the CPU. */
static bool creates(const struct run *run)
{
	enum stage stage = machine_stage(&run->machine);

	return stage == STAGE_CREATE || stage == STAGE_RESTART;
}

/* Another tool removes its own domain. */
static bool is_asked_to_end(const struct run *run)
{
	return run->machine.state == MACHINE_ASKED && run_asks_to_end(run) && !run->step->foreign;
}

void places_take(struct places *places, const struct executor_limits *limits, const struct run *run)
{
	enum kind kind = kind_of(run);

	places->asked += is_asked_to_end(run);
	places->restores += is_to_be_restored(run);
	places->large += is_to_be_restored(run) && is_large(run, limits);
	places->reading += reads(run);
	places->flowing += reads(run) && run->flowed > 0;
	places->small += reads(run) && run->small;
	places->stalled += kind == KIND_LONG && run_saves(run) && run->stalled && !run->overdue;
	if (!has_place(run))
		return;
	places->cleaning += kind == KIND_CLEAN;
	places->touching += kind == KIND_TOUCH;
	if (kind != KIND_LONG)
		return;
	places->taken++;
	places->stopping += run->machine.goal == GOAL_STOP;
	places->creating += creates(run);
	places->booting += run->pausing;
	if (!run_saves(run))
		return;
	places->saving++;
	places->saving_kib += run->step->memory_kib;
}

void places_take_adopted(struct places *places, const struct hv_operation *operation,
			 uint64_t memory_kib)
{
	enum kind kind = kind_of_operation(operation->operation);
	bool saves = operation->operation == OPERATION_SAVE;

	places->cleaning += kind == KIND_CLEAN;
	places->touching += kind == KIND_TOUCH;
	if (kind != KIND_LONG)
		return;
	places->taken++;
	/* Whether it reads, or waits for memory, is not known. */
	places->beside += operation->operation == OPERATION_RESTORE;
	places->stopping += saves || operation->operation == OPERATION_MIGRATE;
	places->creating += operation->operation == OPERATION_CREATE ||
			    operation->operation == OPERATION_RESTART;
	if (!saves)
		return;
	places->saving++;
	places->untold++;
	places->saving_kib += memory_kib;
}

bool places_can_clean(const struct places *places, const struct executor_limits *limits)
{
	return places->cleaning < limits->brief;
}

static bool can_create(const struct places *places, const struct executor_limits *limits)
{
	unsigned built = places->creating - places->booting;

	if (limits->boots_count)
		return places->creating < limits->creates;
	/* Guests that boot leave a place for one that is restored. */
	return built < limits->creates &&
	       places->creating < MAX(limits->creates, limits->parallel - 1);
}

static bool can_save(const struct places *places, const struct executor_limits *limits,
		     const struct run *run)
{
	return places->saving == 0 ||
	       (places->saving < places->may_save &&
		places->saving_kib + run->step->memory_kib <= limits->save_kib);
}

/*
 * The largest images come first. Where the disk is slow, the others would wait for all of them, and
 * for those that a trial of more let in: so half of the places are for the smallest.
 */
static unsigned small_places(const struct places *places, const struct executor_limits *limits)
{
	return places->may_read <= limits->parallel / 2 ? places->may_read / 2 : 0;
}

bool places_begins_small(const struct places *places, const struct executor_limits *limits,
			 const struct run *run)
{
	return run_restores(run) && places->small < small_places(places, limits) &&
	       run->step->memory_kib <= places->smallest_kib;
}

static bool can_read(const struct places *places, const struct executor_limits *limits,
		     const struct run *run)
{
	unsigned others = places->reading - places->small;

	return places->large == 0 || places_begins_small(places, limits, run) ||
	       others < places->may_read - small_places(places, limits);
}

enum wait places_wait(const struct places *places, const struct executor_limits *limits,
		      const struct run *run)
{
	/* A guest that is being built may hang for long: it keeps no other one from its save. */
	unsigned taken = run->machine.goal == GOAL_STOP ? places->stopping : places->taken;

	switch (kind_of(run)) {
	case KIND_LONG:
		break;
	case KIND_CLEAN:
		return places_can_clean(places, limits) ? WAIT_NONE : WAIT_PLACE;
	case KIND_TOUCH:
		return places->touching < limits->brief ? WAIT_NONE : WAIT_PLACE;
	case KIND_NONE:
		return WAIT_NONE;
	}
	if (taken >= limits->parallel || (creates(run) && !can_create(places, limits)))
		return WAIT_PLACE;
	if ((run_saves(run) && !can_save(places, limits, run)) ||
	    (run_restores(run) && !can_read(places, limits, run)))
		return WAIT_DISK;
	return WAIT_NONE;
}

static unsigned count_cpus(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1U : (unsigned)cpus;
}

/*
 * Building a guest is work for the CPU, but for some waiting in between; with many more at once
 * than there are CPUs, libxl's own time limits run out. A guest that boots is no matter for libxl,
 * and counts only where the administrator says how many come at one time.
 */
static unsigned default_creates(void)
{
	return CREATES_PER_CPU * count_cpus();
}

/*
 * A worker that removes a domain mostly waits for scripts and XenStore. But hundreds of such
 * workers take the memory and the CPUs that dom0 needs for saves.
 */
static unsigned brief_at_once(const struct config *c)
{
	return MAX(c->parallel, BRIEF_PER_CPU * count_cpus());
}

/*
 * Saves share the disk, and each has XENDOMAINS_STOP_MAXWAIT for itself: only so many run at one
 * time that all of them keep that limit. A part of it is kept for saves that are slower than
 * expected.
 */
static uint64_t saves_at_once(const struct config *c, uint64_t rate)
{
	if (c->stop_limit == USEC_INFINITY)
		return UINT64_MAX;
	return rate * (c->stop_limit / USEC_PER_SEC) * 3 / 4;
}

void places_set_limits(struct executor_limits *limits, const struct config *c,
		       const struct paces *paces)
{
	limits->parallel = c->parallel;
	limits->creates = c->parallel_create ? c->parallel_create : default_creates();
	limits->boots_count = c->parallel_create > 0;
	limits->brief = brief_at_once(c);
	limits->save_kib = saves_at_once(c, paces_expect(paces));
	limits->cpus = count_cpus();
	limits->streams = paces_places(paces);
	limits->disk_rate = paces_disk(paces);
	limits->brief_kib = MIN(BRIEF_READ * limits->disk_rate, BRIEF_READ_KIB_MAX);
}
