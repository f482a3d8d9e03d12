/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "job.h"
#include "manager-private.h"
#include "util/log.h"
#include "util/str.h"

/*
 * Runs sequences: plans what is to be done from what is true now, and begins with the guests that
 * are free. Those that another sequence is at work on are left out until they are free as well.
 */

static int make_plan(const struct sequence *s, struct plan **ret)
{
	const struct manager *m = s->manager;

	return sequence_plan(s, m->config, world_inventory(m->world), ledger_file_get(m->ledger),
			     loop_now(m->loop), ret);
}

/* A save will leave an image, a migration a note, of which the plan for a start knows nothing. */
static bool is_leaving(const struct manager *m, const struct uuid *uuid)
{
	const struct hv_operation *op = hv_operation(world_hv(m->world), uuid);

	return op && (op->operation == OPERATION_SAVE || op->operation == OPERATION_MIGRATE);
}

static bool is_busy(const void *data, const struct step *step)
{
	const struct sequence *s = data;
	usec_t since;

	return executor_machine(s->manager->executor, &step->uuid, &since) ||
	       (goal_is_start(s->goal) && is_leaving(s->manager, &step->uuid));
}

/* Whoever starts a guest by hand or at boot wants it to run, whatever it did before. */
static void forgive(struct manager *m, const struct plan *plan)
{
	for (size_t i = 0; goal_is_start(plan->goal) && i < plan->n_steps; i++)
		if (plan->steps[i].n_stages > 0)
			ledger_file_forgive(m->ledger, &plan->steps[i].uuid, plan->steps[i].name);
}

/* Further plans of a job are for what it has not dealt with. */
static bool is_no_news(const void *data, const struct step *step)
{
	const struct sequence *s = data;
	bool lost = goal_is_start(s->goal) && uuid_is_null(&step->uuid);

	return job_knows(s->job, plan_goal(s->goal), step) ||
	       (job_has_goal(s->job, plan_goal(s->goal)) && step->n_stages == 0 && !lost &&
		!sequence_waits_for(s, &step->uuid));
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

/* What others do with the guests of a stop, and have no claim on the time for. */
static void clear_way(struct sequence *s, struct plan *plan)
{
	struct executor *ex = s->manager->executor;
	struct hv *hv = world_hv(s->manager->world);

	for (size_t i = 0; i < plan->n_steps; i++) {
		struct step *step = &plan->steps[i];
		const struct hv_operation *op = hv_operation(hv, &step->uuid);

		executor_cancel_start(ex, &step->uuid, "a stop was asked for");
		if (op && builds(op))
			hv_abort(hv, &step->uuid);
		if (sequence_is_for_host(s))
			step->wanted_down = executor_take(ex, s->job, &step->uuid, s->deadline,
							  "the host goes down, and stops it");
		else
			executor_want_down(ex, s->job, &step->uuid);
	}
}

/* The plan for what can begin now; the sequence notes what it waits for. */
static int plan_free_ones(struct sequence *s, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r = make_plan(s, &plan);

	if (r >= 0 && s->job) {
		plan_drop(plan, is_no_news, s);
		r = give_up_some(plan, s->job);
	}
	if (r < 0)
		return r;
	if (!goal_is_start(s->goal))
		clear_way(s, plan);
	sequence_forget_waits(s);
	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++)
		if (is_busy(s, &plan->steps[i]))
			r = sequence_wait_for(s, &plan->steps[i].uuid);
	if (r < 0)
		return r;
	plan_drop(plan, is_busy, s);
	*ret = TAKE_PTR(plan);
	return 0;
}

int manager_run_sequence(struct sequence *s, const char **ret_reason)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct manager *m = s->manager;
	int r;

	if (world_update(m->world) < 0) {
		*ret_reason = "the domains cannot be listed";
		return -EIO;
	}
	r = plan_free_ones(s, &plan);
	if (r < 0)
		return r;
	forgive(m, plan);
	if (!s->job)
		sequence_log(s, LOG_NOTICE, MSG_SEQUENCE_STARTED, NULL, "begins",
			     loop_now(m->loop));
	sequence_say_plainly(plan);
	s->squeezed = s->squeezed || plan->squeezed;
	s->phase = s->n_waits > 0 ? PHASE_READY : PHASE_RUNNING;
	return s->job ? executor_extend(m->executor, s->job, TAKE_PTR(plan))
		      : executor_run(m->executor, TAKE_PTR(plan), s, &s->job);
}

/* A stop of all guests takes in those that have come up meanwhile. */
static bool take_in(struct sequence *s)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct manager *m = s->manager;
	bool more = false;
	int r;

	/* The saves of this stop have used some of it. */
	world_forget_room(m->world);
	r = world_update(m->world);
	r = r < 0 ? r : plan_free_ones(s, &plan);
	if (r >= 0 && (plan->n_steps > 0 || s->n_waits > 0)) {
		sequence_say_plainly(plan);
		s->squeezed = s->squeezed || plan->squeezed;
		s->phase = s->n_waits > 0 ? PHASE_READY : PHASE_RUNNING;
		r = executor_extend(m->executor, s->job, TAKE_PTR(plan));
		more = true;
	}
	if (r < 0)
		sequence_fail(s, "Failed to check for guests that came up during the stop. Run "
				 "'xendomainsctl stop' again");
	return r >= 0 && more;
}

/* What could be stopped is started again, also where something else could not. */
static void turn_round(struct sequence *s)
{
	struct manager *m = s->manager;
	bool ok = job_succeeded(s->job);

	sequence_log(s, ok ? LOG_NOTICE : LOG_ERR, ok ? MSG_SEQUENCE_DONE : MSG_SEQUENCE_FAILED,
		     ok ? "ok" : "failed", ok ? "done" : "done, but not of all", loop_now(m->loop));
	s->restarts = false;
	s->goal = GOAL_START;
	s->phase = PHASE_NEW;
	sequence_log(s, LOG_NOTICE, MSG_SEQUENCE_STARTED, NULL, "begins", loop_now(m->loop));
	timer_set_after(m->advance, 0);
}

bool manager_drained(struct sequence *s)
{
	struct manager *m = s->manager;

	if (s->broken_off)
		return false;
	if (s->phase != PHASE_RUNNING)
		return true;
	if (s->failed)
		return false;
	/* The host goes down behind it. Before the domains are listed, or each listing would lead
	 * to the next one. */
	if (sequence_stops_all(s) && hv_next_operation(world_hv(m->world), 0))
		return true;
	if (sequence_stops_all(s) && take_in(s))
		return true;
	if (!s->restarts || s->failed)
		return false;
	turn_round(s);
	return true;
}
