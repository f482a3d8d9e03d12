/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/activity.h"

static enum guest_state stage_state(enum stage stage)
{
	switch (stage) {
	case STAGE_RESTORE:
		return GUEST_RESTORING;
	case STAGE_CREATE:
	case STAGE_RESTART:
	case STAGE_RESUME:
	case STAGE_SOFT_RESET:
		return GUEST_STARTING;
	case STAGE_MIGRATE:
		return GUEST_MIGRATING;
	case STAGE_SAVE:
		return GUEST_SAVING;
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
	return GUEST_SHUTTING_DOWN;
}

static enum guest_state operation_state(enum operation operation)
{
	switch (operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTART:
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
		return GUEST_STARTING;
	case OPERATION_MIGRATE:
		return GUEST_MIGRATING;
	case OPERATION_EJECT:
		return GUEST_RUNNING;
	case OPERATION_RESTORE:
		return GUEST_RESTORING;
	case OPERATION_SAVE:
		return GUEST_SAVING;
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return GUEST_SHUTTING_DOWN;
}

struct activity activity_of(struct hv *hv, const struct executor *executor, const struct guest *g,
			    usec_t now)
{
	const struct hv_operation *op = hv_operation(hv, &g->uuid);
	usec_t since;
	const struct machine *machine = executor_machine(executor, &g->uuid, &since);

	if (op)
		return (struct activity){
			.name = operation_to_string(op->operation),
			.state = operation_state(op->operation),
			.elapsed = usec_sub(now, op->started),
			.permille = op->permille,
		};
	if (machine && machine->state == MACHINE_ASKED)
		return (struct activity){
			.name = stage_to_string(machine_stage(machine)),
			.state = stage_state(machine_stage(machine)),
			.elapsed = usec_sub(now, since),
		};
	return (struct activity){.name = NULL};
}
