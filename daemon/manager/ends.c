/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "util/str.h"
#include "world/migrated.h"

/* Keeps for status how guests' ways, and operations of no sequence, have ended. */

/* There was no memory for a reason. */
#define UNKNOWN "the reason is not known"

/* A guest that is down was to be started. All else is said, for a guest that runs tells nothing. */
static int explain_failure(const struct report *report, char **ret)
{
	const char *what = report->goal == GOAL_REACT ? stage_to_string(report->stage)
						      : goal_to_string(report->goal);
	const char *reason = report->reason ? report->reason : UNKNOWN;

	if (goal_is_start(report->goal) || !what)
		return str_replace(ret, reason);
	return str_format(ret, "%s failed: %s", what, reason);
}

/* The guest fails for as long as status finds the reason, and no longer. */
static void keep_refusal(struct manager *m, const struct step *s)
{
	_cleanup_free_ char *refusal = NULL;

	if (str_format(&refusal, "the last start was refused: %s", s->reason) >= 0)
		ledger_file_set_refusal(m->ledger, &s->uuid, refusal);
}

void manager_keep_outcome(struct manager *m, const struct report *report)
{
	const struct step *s = report->step;
	bool failed = report->result == RESULT_FAILED;
	_cleanup_free_ char *failure = NULL;

	/* A guest that is held keeps its recorded failure when its domain is cleaned up. */
	if (!failed && (report->goal == GOAL_REACT || report->result != RESULT_OK))
		return;
	if (failed && s->lasting)
		keep_refusal(m, s);
	else if (!failed && report->reason && s->n_stages > 0)
		ledger_file_set_remark(m->ledger, &s->uuid, s->name, report->reason);
	else if (failed && explain_failure(report, &failure) < 0)
		return;
	else if (failed && report->asked && report->goal == GOAL_STOP)
		ledger_file_set_unended(m->ledger, &s->uuid, s->name, failure, report->domid);
	else
		ledger_file_set_failure(m->ledger, &s->uuid, s->name, failure);
}

void manager_keep_result(struct manager *m, const struct hv_operation *operation,
			 const struct operation_result *result)
{
	_cleanup_free_ char *failure = NULL;

	if (result->outcome == OPERATION_OK ||
	    str_format(&failure, "%s failed: %s", operation_to_string(operation->operation),
		       result->reason ? result->reason : UNKNOWN) >= 0)
		ledger_file_set_failure(m->ledger, &operation->uuid, operation->name, failure);
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
