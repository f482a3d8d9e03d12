/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <limits.h>

#include "engine/job.h"
#include "manager/private.h"
#include "util/str.h"

/*
 * Runs sequences: plans from the present state, and begins with the guests that are free. Guests
 * of another sequence are left out until they are free as well.
 */

static int make_plan(const struct sequence *s, struct plan **ret)
{
	const struct manager *m = s->manager;
	/* When the host goes down, what other guests lose they lose anyhow. */
	bool stay = !sequence_is_start(s) && !sequence_is_for_host(s) && !m->refusal;
	struct plan *plan;
	int r = sequence_plan(s, m->config, world_inventory(m->world), ledger_file_get(m->ledger),
			      loop_now(m->loop), &plan);

	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->n_steps; i++)
		plan->steps[i].stays = stay;
	*ret = plan;
	return 0;
}

/* A save will leave an image, a migration a record: the plan of a start does not know them yet. */
static bool is_leaving(const struct manager *m, const struct uuid *uuid)
{
	const struct hv_operation *op = hv_operation(world_hv(m->world), uuid);

	return op && (op->operation == OPERATION_SAVE || op->operation == OPERATION_MIGRATE);
}

static bool is_busy(const void *data, const struct step *step)
{
	const struct sequence *s = data;
	usec_t since;

	if (executor_machine(s->manager->executor, &step->uuid, &since))
		return true;
	/* The obstacle to a start may be its own operation: a restore has taken the image.
	 */
	return goal_is_start(s->goal) &&
	       (is_leaving(s->manager, &step->uuid) ||
		(step->n_stages == 0 && hv_operation(world_hv(s->manager->world), &step->uuid)));
}

/* A start by hand or at boot wants the guest to run, whatever it did before. */
static void forgive(struct manager *m, const struct plan *plan)
{
	for (size_t i = 0; goal_is_start(plan->goal) && i < plan->n_steps; i++)
		if (plan->steps[i].n_stages > 0)
			ledger_file_forgive(m->ledger, &plan->steps[i].uuid, plan->steps[i].name);
}

/*
 * A further plan is for the guests that were waited for. Only a stop of all takes in others: what
 * was started, or stopped, since was asked for later.
 */
static bool is_no_news(const void *data, const struct step *step)
{
	const struct sequence *s = data;

	if (uuid_list_has(&s->waits, &step->uuid))
		return false;
	/* The guest was known before, and a stop is for its domain to go. */
	if (!sequence_is_start(s) && uuid_is_null(&step->uuid))
		return true;
	/* A guest that was waited for may have a new UUID, or no configuration any more. */
	if (!sequence_stops_all(s))
		return job_has_had(s->job, plan_goal(s->goal), step);
	return step->n_stages == 0 ||
	       job_knows(s->job, plan_goal(s->goal), step, world_domains(s->manager->world));
}

/* A stop has an end, also where another tool starts a guest each time that it was stopped. */
static int give_up_some(struct plan *plan, const struct job *job)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++) {
		struct step *s = &plan->steps[i];

		if (goal_is_start(plan->goal) || !job_gives_up(job, &s->uuid))
			continue;
		s->n_stages = 0;
		s->result = STEP_FAILED;
		free(TAKE_PTR(s->reason));
		r = str_format(&s->reason,
			       "another tool starts it each time that it was stopped. Run 'xl "
			       "destroy %u' to end it",
			       s->domid);
	}
	return r;
}

static bool builds(const struct hv_operation *op)
{
	return op->operation == OPERATION_CREATE || op->operation == OPERATION_RESTORE;
}

void manager_abort_builds(struct manager *m)
{
	struct hv *hv = world_hv(m->world);
	const struct hv_operation *op;

	for (size_t i = 0; (op = hv_next_operation(hv, i)); i++)
		if (builds(op))
			hv_abort(hv, &op->uuid);
}

/* A stop that was asked for later than a start, or a restart, is the last word. */
static int forbid_starts(const struct sequence *s, const struct uuid *uuid)
{
	struct sequence *other;
	int r = 0;

	TAILQ_FOREACH(other, &s->manager->sequences, entry)
		if (r >= 0 && other->number < s->number &&
		    (sequence_is_start(other) || other->restarts))
			r = uuid_list_add(&other->leave_down, uuid);
	return r;
}

/* The host's stop takes a guest over from each stop of an administrator's, which waits for it. */
static int take_over(struct sequence *s, const struct uuid *uuid)
{
	struct sequence *other;
	int r = 0;

	TAILQ_FOREACH(other, &s->manager->sequences, entry) {
		enum executor_take take = EXECUTOR_NOT_THERE;

		if (other != s && other->job && r >= 0)
			take = executor_take(s->manager->executor, other->job, uuid, s->deadline,
					     "the host goes down, and stops it");
		if (take != EXECUTOR_NOT_THERE && !other->restarts &&
		    (!other->for_host || uuid_list_has(&other->wanted_down, uuid)))
			r = uuid_list_add(&s->wanted_down, uuid);
		if (take != EXECUTOR_TAKEN || other->broken_off || r < 0)
			continue;
		r = uuid_list_add(&other->waits, uuid);
		other->phase = PHASE_READY;
	}
	return r;
}

/* The host knows later which guests are not to be brought back. */
static int tell_host(const struct sequence *s, const struct uuid *uuid)
{
	struct sequence *other;
	int r = 0;

	if (!s->restarts)
		manager_tell_wanted_down(s->manager, uuid);
	TAILQ_FOREACH(other, &s->manager->sequences, entry)
		if (r >= 0 && !s->restarts && sequence_is_for_host(other))
			r = uuid_list_add(&other->wanted_down, uuid);
	return r;
}

/* What others do with the guests of a stop, and have no claim on the time for. */
static int clear_way(struct sequence *s, const struct plan *plan)
{
	struct executor *ex = s->manager->executor;
	struct hv *hv = world_hv(s->manager->world);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++) {
		const struct step *step = &plan->steps[i];
		const struct hv_operation *op = hv_operation(hv, &step->uuid);

		if (uuid_is_null(&step->uuid))
			continue;
		executor_cancel_start(ex, &step->uuid, "a stop was asked for");
		if (op && builds(op))
			hv_abort(hv, &step->uuid);
		if (!sequence_is_for_host(s)) {
			r = forbid_starts(s, &step->uuid);
			r = r < 0 ? r : tell_host(s, &step->uuid);
		} else if (step->n_stages > 0) {
			r = take_over(s, &step->uuid);
		}
	}
	return r;
}

/* The last word on a guest was another one. */
static int leave_some_down(const struct sequence *s, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++) {
		struct step *step = &plan->steps[i];

		if (!uuid_list_has(&s->leave_down, &step->uuid))
			continue;
		step->n_stages = 0;
		free(TAKE_PTR(step->reason));
		r = step_conclude(step, STEP_SKIPPED, "a stop was asked for");
	}
	return r;
}

/* Guests that the next plan must leave out. */
struct busy {
	const struct sequence *sequence;
	unsigned wave; /* of the first one that is busy, and keeps driver domains */
};

static bool must_wait(const void *data, const struct step *step)
{
	const struct busy *busy = data;

	/* Driver domains start before the guests that use them, and stop after them. */
	return is_busy(busy->sequence, step) || (step->n_stages > 0 && step->wave > busy->wave);
}

/* Begins with the guests that are free, and records those that the sequence waits for. */
static int leave_out_busy(struct sequence *s, struct plan *plan)
{
	const struct manager *m = s->manager;
	struct busy busy = {.sequence = s, .wave = UINT_MAX};
	usec_t turn, next = USEC_INFINITY;
	int r = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		if (!is_busy(s, &plan->steps[i]))
			continue;
		turn = executor_driver_turn(m->executor, &plan->steps[i].uuid, s->started,
					    s->deadline);
		if (turn <= loop_now(m->loop))
			continue;
		busy.wave = MIN(busy.wave, plan->steps[i].wave);
		next = MIN(next, turn);
	}
	if (next != USEC_INFINITY && !timer_is_set(m->advance))
		timer_set(m->advance, next);
	uuid_list_clear(&s->waits);
	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++)
		if (must_wait(&busy, &plan->steps[i]))
			r = uuid_list_add(&s->waits, &plan->steps[i].uuid);
	if (r >= 0)
		plan_drop(plan, must_wait, &busy);
	return r;
}

/* The plan for the guests that can begin now. */
static int plan_free_ones(struct sequence *s, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r;

	/* Images may go to another disk now. */
	manager_set_limits(s->manager);
	r = make_plan(s, &plan);
	s->arrivals = world_arrivals(s->manager->world);
	if (r >= 0 && s->planned) {
		plan_drop(plan, is_no_news, s);
		r = give_up_some(plan, s->job);
	}
	if (r >= 0 && sequence_is_start(s))
		r = leave_some_down(s, plan);
	else if (r >= 0)
		r = clear_way(s, plan);
	r = r < 0 ? r : leave_out_busy(s, plan);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

bool manager_has_news(const struct sequence *s)
{
	return sequence_stops_all(s) && s->planned && !s->broken_off && !s->failed &&
	       s->arrivals != world_arrivals(s->manager->world);
}

bool manager_waits_in_vain(const struct sequence *s)
{
	for (size_t i = 0; i < s->waits.n; i++) {
		const struct step step = {.uuid = s->waits.items[i]};

		if (!is_busy(s, &step))
			return false;
	}
	return s->waits.n > 0;
}

/* Carries out a plan, after the guests that the sequence has begun with, if any. */
static int carry_out(struct sequence *s, struct plan *plan_taken)
{
	_cleanup_(plan_freep) struct plan *plan = plan_taken;
	struct executor *ex = s->manager->executor;
	int r;

	sequence_say_plainly(plan);
	s->squeezed = s->squeezed || plan->squeezed;
	s->phase = s->waits.n > 0 ? PHASE_READY : PHASE_RUNNING;
	if (s->job && plan->n_steps == 0) {
		executor_kick(ex);
		return 0;
	}
	r = s->job ? executor_extend(ex, s->job, TAKE_PTR(plan))
		   : executor_run(ex, TAKE_PTR(plan), s, &s->job);
	s->planned = s->job;
	return r;
}

int manager_begin_free(struct sequence *s, const char **ret_reason)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct manager *m = s->manager;
	int r;

	if (world_update(m->world) < 0) {
		*ret_reason = "failed to list the domains";
		return -EIO;
	}
	if (manager_veto(m, s->goal)) {
		*ret_reason = manager_veto(m, s->goal);
		return -EPERM;
	}
	r = plan_free_ones(s, &plan);
	if (r < 0)
		return r;
	forgive(m, plan);
	if (!s->job)
		sequence_log_begin(s);
	return carry_out(s, TAKE_PTR(plan));
}

/* A stop of all takes in guests that have come up meanwhile. 1 if there are any, 0, or -errno. */
static int take_in(struct sequence *s)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct manager *m = s->manager;
	int r;

	/* The saves of this stop have used some of it. */
	world_forget_room(m->world);
	r = world_update(m->world);
	r = r < 0 ? r : plan_free_ones(s, &plan);
	if (r < 0 || (plan->n_steps == 0 && s->waits.n == 0))
		return r;
	r = carry_out(s, TAKE_PTR(plan));
	return r < 0 ? r : 1;
}

/* Starts the guests that were stopped, also if another guest could not be stopped. */
static void turn_round(struct sequence *s)
{
	struct manager *m = s->manager;

	sequence_log_end(s, 0, NULL, loop_now(m->loop));
	s->restarts = s->planned = false;
	s->restarted = true;
	s->goal = GOAL_START;
	s->phase = PHASE_NEW;
	s->started = loop_now(m->loop);
	sequence_log_begin(s);
	timer_set_after(m->advance, 0);
}

void manager_put_back(struct sequence *s, const char *reason)
{
	struct manager *m = s->manager;

	if (s->phase == PHASE_LOOKING)
		world_unrefresh(m->world, s->refresh);
	uuid_list_clear(&s->waits);
	s->planned = false;
	s->phase = PHASE_NEW;
	executor_cancel(m->executor, s->job, reason);
}

bool manager_drained(struct sequence *s)
{
	struct manager *m = s->manager;
	int r = 0;

	if (s->broken_off)
		return false;
	if (s->phase != PHASE_RUNNING)
		return true;
	if (s->failed)
		return false;
	/* The host goes down after it. This comes before the domains are listed, or each listing
	 * would lead to the next one. */
	if (sequence_stops_all(s) && hv_next_operation(world_hv(m->world), 0))
		return true;
	if (sequence_stops_all(s))
		r = take_in(s);
	if (r < 0)
		return manager_try_again(s, "Failed to check for guests that came up during the "
					    "stop. Run 'xendomainsctl stop' again");
	if (r == 0 && s->restarts)
		turn_round(s);
	return s->phase != PHASE_RUNNING || r > 0;
}
