/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "util/log.h"

static void react_to(struct manager *m, const struct guest *g)
{
	enum death_action action = restarts_decide(m->restarts, g, m->config, loop_now(m->loop),
						   sequences_stop_all(&m->sequences) || m->refusal);
	struct sequence *s;
	struct plan *plan;
	int r;

	if (action < 0)
		return;
	r = sequence_new(m, GOAL_REACT, NULL, 0, loop_now(m->loop), &s);
	if (r < 0) {
		log_error_errno(r, "%s: Failed to handle its end", g->name);
		return;
	}
	TAILQ_INSERT_TAIL(&m->sequences, s, entry);
	s->phase = PHASE_RUNNING;
	r = plan_reaction(m->config, g, action, &plan);
	r = r < 0 ? r : executor_run(m->executor, plan, s, &s->job);
	if (r >= 0)
		return;
	/* The end of a sequence leads to a new look at all ended guests: this would never stop. */
	restarts_give_up(m->restarts, &g->uuid, g->domain->domid);
	manager_end_sequence(s, r, strerror(-r));
}

/* Starts an operation of its own, not a step of a sequence. */
static void operate(struct manager *m, const struct guest *g, enum operation operation)
{
	struct operation_request request = {
		.operation = operation,
		.uuid = g->uuid,
		.name = (char *)g->name,
		.domid = g->domain->domid,
		.device = operation == OPERATION_EJECT ? g->domain->eject : NULL,
		.ledger = (char *)ledger_file_path(m->ledger),
		.deadline = USEC_INFINITY,
		.patience = m->config->patience,
	};
	int r = hv_operate(world_hv(m->world), &request);

	if (r < 0)
		log_warning_errno(r, "%s: Failed to start the %s", g->name,
				  operation_to_string(operation));
}

void manager_react(struct manager *m)
{
	const struct inventory *inventory = world_inventory(m->world);
	/* In an old list a domain may be gone already, and the reaction would repeat. */
	bool may = manager_config(m) && !manager_veto(m, GOAL_REACT) && !world_is_stale(m->world);
	usec_t since, now = loop_now(m->loop), next;

	restarts_forget_gone(m->restarts, inventory);
	for (size_t i = 0; may && i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (!restarts_concern(m->restarts, g) ||
		    executor_machine(m->executor, &g->uuid, &since))
			continue;
		if (restarts_wanted(m->restarts, g))
			react_to(m, g);
		else if (!sequences_stop_all(&m->sequences) && restarts_eject(m->restarts, g, now))
			operate(m, g, OPERATION_EJECT);
		else if (restarts_resume(m->restarts, g, now))
			operate(m, g, OPERATION_RESUME);
	}
	next = restarts_next(m->restarts, now);
	if (next == USEC_INFINITY)
		timer_clear(m->react);
	else
		timer_set(m->react, next);
}

void manager_on_react(void *data)
{
	manager_react(data);
}
