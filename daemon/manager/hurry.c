/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "manager/private.h"
#include "util/log.h"
#include "util/str.h"

/*
 * What does not keep its time: the saves of any stop, and the stop of a host that systemd forces
 * down if it does not go down in time.
 */

/* How often the saves of a stop are looked at. */
#define HURRY_PAUSE USEC_PER_SEC

/* A save that has just begun may be over soon. */
#define PROBATION (5 * USEC_PER_SEC)

/* For naming the guests that still run, and for destroying those of ForcedDestroy=. */
#define LAST_WORD (4 * USEC_PER_SEC)

void manager_set_end(struct sequence *s, usec_t deadline, usec_t end)
{
	usec_t now = loop_now(s->manager->loop);

	s->deadline = deadline;
	s->end = end;
	s->named = false;
	s->save_end = usec_add(now, fit_save_time(usec_left(end, now)));
	timer_set_after(s->manager->hurry, 0);
}

/* One of an earlier daemon does not tell how far it is. */
static bool makes_way(const struct hv_operation *op, usec_t now, usec_t end)
{
	return op->adopted &&
	       (op->operation == OPERATION_SAVE || op->operation == OPERATION_MIGRATE) &&
	       (usec_sub(now, op->started) >= PROBATION || usec_left(end, now) <= 2 * PROBATION);
}

static bool has_any_to_give_up(struct hv *hv, usec_t now, usec_t end)
{
	const struct hv_operation *op;

	for (size_t i = 0; (op = hv_next_operation(hv, i)); i++)
		if (makes_way(op, now, end))
			return true;
	return false;
}

/* An earlier daemon did not know this end. */
static void give_up_adopted(const struct sequence *s, usec_t now)
{
	const struct manager *m = s->manager;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct hv *hv = world_hv(m->world);
	int r;

	/* The plan, which takes a while, only says whose guests can be shut down instead. */
	if (!has_any_to_give_up(hv, now, s->end))
		return;
	r = sequence_plan(s, m->config, world_inventory(m->world), ledger_file_get(m->ledger), now,
			  &plan);
	if (r < 0) {
		log_error_errno(r, "Failed to find the saves to give up");
		return;
	}
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const struct hv_operation *op = hv_operation(hv, &step->uuid);

		if (op && makes_way(op, now, s->end) && step_may_shut_down(step))
			hv_abort(hv, &step->uuid);
	}
}

static void name(const struct manager *m, const struct step *step)
{
	const struct hv_operation *op = hv_operation(world_hv(m->world), &step->uuid);
	struct log_fields fields = {
		.message_id = MSG_GUEST_FAILED,
		.domain = step->name,
		.uuid = &step->uuid,
		.domid = step->domid,
		.operation = goal_to_string(GOAL_STOP),
		.elapsed = USEC_INFINITY,
	};
	_cleanup_free_ char *reason = NULL;

	if (str_format(&reason,
		       "systemd will soon force the host down, and the %s has not finished",
		       op ? operation_to_string(op->operation) : "stop") < 0)
		return;
	log_message(LOG_ERR, &fields, "%s", reason);
	/* Until it has ended after all. */
	ledger_file_set_failure(m->ledger, &step->uuid, step->name, reason);
}

/* A guest that was asked is named when its time is over: executor_expire(). */
static bool is_untold(const struct sequence *s, const struct step *step)
{
	const struct manager *m = s->manager;
	usec_t since;
	const struct machine *machine = executor_machine(m->executor, &step->uuid, &since);

	if (machine)
		return machine->state != MACHINE_ASKED;
	return hv_operation(world_hv(m->world), &step->uuid) || !s->job ||
	       !job_knows(s->job, GOAL_STOP, step, world_domains(m->world));
}

static void name_left(struct sequence *s)
{
	const struct manager *m = s->manager;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	s->named = true;
	if (sequence_plan(s, m->config, world_inventory(m->world), ledger_file_get(m->ledger),
			  loop_now(m->loop), &plan) < 0)
		return;
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];

		if (step->n_stages > 0 && step->stages[0] != STAGE_CLEAN && is_untold(s, step))
			name(m, step);
	}
}

static void hurry(struct sequence *s, usec_t now)
{
	if (s->job)
		executor_hurry(s->manager->executor, s->job, "no time left for a save");
	executor_press(s->manager->executor, s->end);
	give_up_adopted(s, now);
	if (now < usec_sub(s->end, LAST_WORD))
		return;
	/* It may have begun later than that. */
	if (!s->named && now >= s->started + LAST_WORD)
		name_left(s);
	if (s->job)
		executor_expire(
			s->manager->executor, s->job, usec_sub(now, LAST_WORD),
			"systemd will soon force the host down, and the guest is still running");
}

void manager_hurry_saves(struct manager *m)
{
	if (m->saving)
		return;
	m->saving = true;
	timer_set_after(m->hurry, 0);
}

void manager_on_hurry(void *data)
{
	struct manager *m = data;
	usec_t now = loop_now(m->loop), next = USEC_INFINITY, due;
	struct sequence *s;

	/* Also without a limit: what is measured counts near the end of the host. */
	m->saving = executor_press(m->executor, USEC_INFINITY);
	if (m->saving)
		next = now + HURRY_PAUSE;
	TAILQ_FOREACH(s, &m->sequences, entry) {
		if (s->save_end == USEC_INFINITY || s->broken_off)
			continue;
		if (now >= s->save_end)
			hurry(s, now);
		due = MAX(s->save_end, now + HURRY_PAUSE);
		next = MIN(next, due);
	}
	if (next != USEC_INFINITY)
		timer_set(m->hurry, next);
}
