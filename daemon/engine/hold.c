/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/hold.h"

#include "util/log.h"
#include "util/str.h"

/* How long another tool may take to build a domain. */
#define BUILD_LIMIT (60 * USEC_PER_SEC)

static usec_t find_limit(const struct run *run, const struct domain *d, usec_t stop_limit)
{
	const struct step *s = run->machine.step;

	/* A domain that our save or migration has left belongs to no other tool. */
	if (!d || d->dying || s->saved || d->saved ||
	    (run->machine.goal != GOAL_STOP && !s->foreign))
		return 0;
	switch (domain_condition(d)) {
	case DOMAIN_SAVING:
		return stop_limit;
	case DOMAIN_SUSPENDED:
		return run->hold_over ? 0 : MIN(stop_limit, SUSPENDED_LIMIT);
	case DOMAIN_AWAY:
		return MIN(stop_limit, SUSPENDED_LIMIT);
	case DOMAIN_UNBUILT:
		return MIN(stop_limit, BUILD_LIMIT);
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return 0;
}

static void log_wait(const struct run *run, const struct domain *d)
{
	const struct step *s = run->machine.step;
	struct log_fields fields = {
		.message_id = MSG_GUEST_AWAITED,
		.domain = s->name,
		.uuid = &s->uuid,
		.domid = d->domid,
		.operation = goal_to_string(run->machine.goal),
		.elapsed = USEC_INFINITY,
	};

	log_message(LOG_INFO, &fields, "waiting for another tool that works on its domain");
}

bool hold_check(struct run *run, const struct domain *d, usec_t stop_limit)
{
	enum domain_condition condition = d ? domain_condition(d) : DOMAIN_RUNNING;
	usec_t limit;

	run->hold_over = run->hold_over && condition == DOMAIN_SUSPENDED;
	limit = find_limit(run, d, stop_limit);
	if (limit == 0 && run->held) {
		timer_clear(run->limit);
	} else if (limit > 0 && (!run->held || condition != run->held_for)) {
		log_wait(run, d);
		if (limit != USEC_INFINITY)
			timer_set_after(run->limit, limit);
	}
	run->held = limit > 0;
	run->held_for = condition;
	return run->held;
}

/* A clone that kept the UUID is not it; nor may it run beside that. */
static bool is_it(const struct run *run, const struct domain *d)
{
	return domain_is_called(d, run->step->name) ||
	       (d->source && str_equal(d->source, run->step->source));
}

/* Whether a domain of its UUID or its name, and so met, is the guest, and runs. */
static bool runs_as(struct run *run, const struct domain *d)
{
	bool same = uuid_equal(&d->uuid, &run->step->uuid);

	if (d->system || d->dying)
		return false;
	if (same && domain_condition(d) == DOMAIN_RUNNING && is_it(run, d))
		return true;
	run->met = true;
	return false;
}

bool hold_meets(struct run *run, const struct domain_list *domains)
{
	const struct domain *d = NULL;
	bool runs = false;

	while ((d = domain_list_next(domains, &run->step->uuid, d)))
		runs |= runs_as(run, d);
	while ((d = domain_list_next_called(domains, run->step->name, d)))
		runs |= runs_as(run, d);
	return runs;
}

const char *hold_end(struct run *run)
{
	switch (run->held_for) {
	case DOMAIN_SUSPENDED:
		run->hold_over = true;
		return NULL;
	case DOMAIN_AWAY:
		return "another tool has migrated the guest: it may be running on another host";
	case DOMAIN_UNBUILT:
		return "timed out waiting for another tool that builds the domain";
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_SAVING:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return "suspended by another tool that has not finished saving it";
}
