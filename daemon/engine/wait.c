/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/wait.h"

#include "engine/job.h"
#include "engine/private.h"
#include "util/str.h"

/* What another tool does with a domain, as far as its condition tells: hold_check(). */
static const char *holder(enum domain_condition condition)
{
	switch (condition) {
	case DOMAIN_SAVING:
		return "the tool that saves or migrates it";
	case DOMAIN_SUSPENDED:
		return "the tool that has suspended it";
	case DOMAIN_AWAY:
		return "the tool that has migrated it";
	case DOMAIN_UNBUILT:
		return "the tool that builds it";
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return "another tool";
}

static const char *find_reason(const struct run *run)
{
	const struct run *other;

	switch (run->wait) {
	case WAIT_NONE:
	case WAIT_OPERATION: /* which is told itself */
		break;
	case WAIT_PLACE:
		return "a place (ParallelOperations=)";
	case WAIT_TOOL:
		return holder(run->held_for);
	case WAIT_GUEST:
		other = executor_awaited(run);
		return other ? other->step->name : NULL;
	}
	return NULL;
}

const char *executor_waits_for(const struct executor *ex, const struct uuid *uuid)
{
	const struct run *run = executor_next_run(ex, uuid, NULL);

	return run && run->machine.state == MACHINE_WAITING ? find_reason(run) : NULL;
}
