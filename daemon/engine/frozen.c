/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/frozen.h"

#include "engine/hold.h"
#include "util/log.h"

static bool is_suspended(enum domain_condition condition)
{
	return condition == DOMAIN_SAVING || condition == DOMAIN_AWAY ||
	       condition == DOMAIN_SUSPENDED;
}

bool frozen_look(struct run *run, const struct domain *d)
{
	enum domain_condition before = run->condition, now = domain_condition(d);

	/* Keys have their own pauses, and the stage that follows sees to it. */
	if (machine_stage(&run->machine) == STAGE_SYSRQ)
		return false;
	run->condition = now;
	/* The request to suspend was put in the place of ours. */
	if (is_suspended(before) && domain_has_life(d))
		return true;
	if (now == DOMAIN_SUSPENDED && before != now)
		timer_set_after(run->again, SUSPENDED_LIMIT);
	return false;
}

void frozen_end(const struct run *run, const struct domain *d, struct hv *hv, char *ledger,
		usec_t patience)
{
	struct operation_request request = run_cleanup(run, patience);
	int r;

	/* A saved domain must not run any more. */
	if (!d || d->dying || d->saved)
		return;
	if (domain_condition(d) == DOMAIN_SUSPENDED)
		request.operation = OPERATION_RESUME;
	else if (!d->shutdown && d->paused)
		request.operation = OPERATION_UNPAUSE;
	else
		return;
	request.ledger = ledger;
	r = hv_operate(hv, &request);
	if (r < 0 && r != -EBUSY)
		log_warning_errno(r, "%s: Failed to begin the %s", run->step->name,
				  operation_to_string(request.operation));
}
