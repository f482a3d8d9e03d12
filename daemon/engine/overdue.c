/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/overdue.h"

#include "engine/places.h"
#include "util/log.h"

/* How much longer than its limit a worker may take before no guest waits for it any more. */
#define GRACE (10 * USEC_PER_SEC)

/*
 * A save or a migration that makes no progress for so long leaves its place to others, and so does
 * a worker that should end in a moment. A restore leaves the disk to others.
 */
#define STALL_LIMIT (10 * USEC_PER_SEC)

static usec_t end_of_work(const struct run *run, usec_t stop_limit)
{
	return usec_add(run->work_started, usec_add(stop_limit, GRACE));
}

static void set_timer(struct run *run, usec_t now, usec_t stop_limit)
{
	bool stops = run->machine.goal == GOAL_STOP;
	usec_t next = stops ? end_of_work(run, stop_limit) : USEC_INFINITY;

	if (!run->stalled &&
	    (places_are_brief(run) || run_restores(run) || (stops && run_streams(run))))
		next = MIN(next, usec_add(now, STALL_LIMIT));
	if (next != USEC_INFINITY)
		timer_set(run->limit, next);
}

void overdue_begin(struct run *run, usec_t now, usec_t stop_limit)
{
	run->work_started = now;
	run->stalled = run->overdue = run->given_up = false;
	set_timer(run, now, stop_limit);
}

void overdue_progress(struct run *run, usec_t now, usec_t stop_limit)
{
	if (run->overdue)
		return;
	run->stalled = false;
	set_timer(run, now, stop_limit);
}

static void log_overdue(const struct run *run)
{
	struct log_fields fields = {
		.message_id = MSG_WORKER_OVERDUE,
		.domain = run->step->name,
		.uuid = &run->step->uuid,
		.operation = goal_to_string(run->machine.goal),
		.stage = stage_to_string(machine_stage(&run->machine)),
		LOG_FIELDS_NONE,
	};

	log_message(LOG_WARNING, &fields,
		    "the %s has exceeded its deadline, going on with the other guests",
		    fields.stage);
}

void overdue_expire(struct run *run, usec_t now, usec_t stop_limit)
{
	run->stalled = true;
	run->overdue = run->machine.goal == GOAL_STOP && now >= end_of_work(run, stop_limit);
	if (run->overdue)
		log_overdue(run);
	else
		set_timer(run, now, stop_limit);
}

static usec_t end_of_adopted(const struct hv_operation *operation, usec_t stop_limit)
{
	return usec_add(operation->started, usec_add(stop_limit, GRACE));
}

usec_t overdue_adopted(const struct hv_operation *operation, usec_t stop_limit)
{
	switch (operation->operation) {
	case OPERATION_SAVE:
	case OPERATION_MIGRATE:
		return MIN(end_of_adopted(operation, stop_limit),
			   usec_add(operation->heard, STALL_LIMIT));
	case OPERATION_DESTROY:
	case OPERATION_UNPAUSE:
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
		return usec_add(operation->started, STALL_LIMIT);
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
	case OPERATION_RESTART:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return USEC_INFINITY;
}

bool overdue_adopted_stalls(const struct hv_operation *operation, usec_t now, usec_t stop_limit)
{
	return now >= usec_add(operation->heard, STALL_LIMIT) &&
	       now < end_of_adopted(operation, stop_limit);
}
