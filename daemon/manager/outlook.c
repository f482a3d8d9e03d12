/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/plan-guest.h"
#include "engine/wait.h"
#include "manager/private.h"

/* What is to be expected of guests, and of a stop of the host. */

usec_t manager_restart_in(const struct manager *m, const struct guest *g)
{
	usec_t due = restarts_due(m->restarts, g);

	return due == USEC_INFINITY ? due : usec_sub(due, loop_now(m->loop));
}

/* What a sequence waits for with the guests that it will start. NULL: it starts none, or waits not.
 */
static const char *starts_after(const struct sequence *s)
{
	if (manager_waits_for_stop(s))
		return "the stop of all guests";
	return s->restarts && !s->broken_off && !s->failed ? "the other guests of the restart"
							   : NULL;
}

/* As its plan will have it, as far as that can be told now. */
static bool will_start(const struct sequence *s, const struct guest *g)
{
	const struct config *config = manager_config_for(s->manager, GOAL_START);
	_cleanup_(step_done) struct step step = {0};

	if (!config || !sequence_concerns(s, g->name, &g->uuid) ||
	    uuid_list_has(&s->leave_down, &g->uuid))
		return false;
	return plan_start(&step, config, g, s->n_names > 0, s->goal == GOAL_START_COLD) >= 0 &&
	       step.result == STEP_TODO;
}

const char *manager_waits_for(const struct manager *m, const struct guest *g)
{
	const char *awaited = executor_waits_for(m->executor, &g->uuid);
	const struct sequence *s;

	if (awaited || guest_is_alive(g) || !(g->config || g->image))
		return awaited;
	TAILQ_FOREACH(s, &m->sequences, entry)
		if (starts_after(s) && will_start(s, g))
			return starts_after(s);
	return NULL;
}

struct outlook manager_outlook(const struct manager *m)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct outlook outlook = {
		.protects = !TAILQ_EMPTY(&m->sequences) || hv_next_operation(world_hv(m->world), 0),
	};

	if (!m->config ||
	    plan_build(GOAL_STOP, m->config, world_inventory(m->world), NULL, 0, &plan) < 0)
		return outlook;
	plan_estimate(plan, m->config, paces_expect(manager_paces(m)));
	for (size_t i = 0; i < plan->n_steps; i++)
		outlook.protects |= plan->steps[i].result == STEP_TODO;
	outlook.needs = plan->needs;
	return outlook;
}

struct activity manager_activity(const struct manager *m, const struct guest *g)
{
	return activity_of(world_hv(m->world), m->executor, g, loop_now(m->loop));
}
