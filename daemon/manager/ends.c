/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "world/migrated.h"

/* Ends of operations that belong to no sequence. */

void manager_keep_result(struct manager *m, const struct hv_operation *operation,
			 const struct operation_result *result)
{
	ledger_file_set_failure(m->ledger, &operation->uuid, operation->name,
				result->outcome == OPERATION_OK ? NULL : result->reason);
}

/* A guest that is held down keeps its recorded failure when its domain is removed. */
static bool says_nothing(const struct manager *m, const struct hv_end *end)
{
	usec_t since;
	const struct machine *machine = m->executor ? executor_machine(m->executor,
								       &end->operation.uuid, &since)
						    : NULL;

	return end->operation.operation == OPERATION_EJECT ||
	       (end->result.outcome == OPERATION_OK && machine && machine->goal == GOAL_REACT);
}

void manager_keep_ends(struct manager *m)
{
	struct hv_ends ends = hv_take_ends(world_hv(m->world));

	for (const struct hv_end *end = ends.items; end < ends.items + ends.n; end++) {
		migrated_note(m->ledger, &end->operation, &end->result);
		if (!says_nothing(m, end))
			manager_keep_result(m, &end->operation, &end->result);
	}
	hv_ends_done(&ends);
}
