/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/executor.h"

#include <inttypes.h>

#include "engine/ask.h"
#include "engine/frozen.h"
#include "engine/hold.h"
#include "engine/job.h"
#include "engine/overdue.h"
#include "engine/places.h"
#include "engine/private.h"
#include "util/human.h"
#include "util/log.h"
#include "util/str.h"

void executor_kick(struct executor *ex)
{
	timer_set_after(ex->kick, 0);
}

/* Telling. */

void executor_tell(struct run *run, const struct report *report)
{
	struct executor *ex = run->job->ex;
	struct report told = *report;

	told.waiting = run->job->waiting;
	ex->callbacks.report(ex->callbacks.data, run->job, &told);
}

/* The one place that every change of a machine's state passes through. */
static void on_transition(void *data, const struct machine *m, enum machine_state old)
{
	struct run *run = data;
	usec_t now = loop_now(run->job->ex->loop);
	struct report report;

	log_debug("%s: %s -> %s", m->step->name, machine_state_to_string(old),
		  machine_state_to_string(m->state));
	if (m->state == MACHINE_WORKING || m->state == MACHINE_ASKED) {
		if (!run->began || run->tried != m->stage)
			run->first_try = now;
		run->tried = m->stage;
		run->began = true;
		run->asked = run->asked || (m->state == MACHINE_ASKED && run_asks_to_end(run));
		run->stage_started = now;
		run->permille = run->told = run->flowed = 0;
		run->bytes = run->total = run->written = 0;
		report = run_report(run, now);
		report_log(&report);
		executor_tell(run, &report);
		return;
	}
	if (m->state == MACHINE_CLEANING)
		return;
	timer_clear(run->limit);
	timer_clear(run->linger);
	timer_clear(run->again);
	run->overdue = run->stalled = false;
	run->ended = now;
	if (run->began && old != MACHINE_WAITING) {
		report = run_report(run, now);
		report.final = false;
		report.elapsed = report.stage_elapsed;
		report.result = m->stage_reason ? RESULT_FAILED : RESULT_OK;
		report.reason = m->stage_reason;
		report_log(&report);
		if (!machine_ended(m))
			executor_tell(run, &report);
	}
	if (machine_ended(m)) {
		report = run_report(run, now);
		report.cold = old == MACHINE_WORKING && run_is_cold(run);
		report_log(&report);
		executor_tell(run, &report);
	}
}

/* Doing. */

static void work(struct run *run)
{
	struct executor *ex = run->job->ex;
	usec_t deadline = usec_add(run->first_try, ex->limits.stop_limit);
	struct operation_request request = run_request(run, ex->ledger, deadline,
						       ex->limits.patience);
	int r = run->machine.step->preserve ? uuid_random(&request.preserve) : 0;

	if (run_saves(run))
		request.threads = executor_save_threads(ex);
	run->worked_domid = request.domid;
	overdue_begin(run, loop_now(ex->loop), ex->limits.stop_limit);
	r = r < 0 ? r : hv_operate(ex->hv, &request);
	if (r < 0)
		executor_feed(run, MACHINE_EVENT_ERROR, strerror(-r));
}

static void clean(struct run *run)
{
	struct executor *ex = run->job->ex;
	struct operation_request request = run_cleanup(run, ex->limits.patience);
	int r;

	timer_clear(run->limit);
	timer_clear(run->linger);
	timer_clear(run->again);
	overdue_begin(run, loop_now(ex->loop), ex->limits.stop_limit);
	r = hv_operate(ex->hv, &request);
	if (r < 0)
		executor_feed(run, MACHINE_EVENT_ERROR, strerror(-r));
}

static void heed(struct run *run, enum asked asked, const char *reason)
{
	switch (asked) {
	case ASKED_WAIT:
		break;
	case ASKED_DONE:
		executor_feed(run, MACHINE_EVENT_SUCCEEDED, NULL);
		break;
	case ASKED_FAILED:
		executor_feed(run, MACHINE_EVENT_ERROR, reason);
		break;
	}
}

static void ask(struct run *run, bool anew)
{
	struct executor *ex = run->job->ex;
	const char *reason = NULL;
	enum asked asked = anew ? asking_renew(run, ex->hv, &reason)
				: asking_begin(run, ex->hv, asking_limit(run, &ex->limits),
					       &reason);

	heed(run, asked, reason);
	/* It may have ended before it could be asked, and then nothing would happen any more. */
	executor_kick(ex);
}

void executor_ask_anew(struct run *run)
{
	ask(run, true);
}

static void on_again(void *data)
{
	struct run *run = data;
	const struct executor *ex = run->job->ex;
	const struct domain *d = run_find_domain(run, ex->domains);
	bool alive = d && !d->dying && !d->shutdown;

	frozen_end(run, d, ex->hv, ex->ledger, ex->limits.patience);
	asking_repeat(run, ex->hv, alive);
}

/* After a create the place is kept for a moment, so that booting guests do not thrash the disk. */
static void pause_after(struct run *run)
{
	const struct executor *ex = run->job->ex;

	if (run->machine.state != MACHINE_DONE || !run->began ||
	    machine_stage(&run->machine) != STAGE_CREATE || ex->limits.create_pause == 0)
		return;
	run->pausing = true;
	timer_set_after(run->limit, ex->limits.create_pause);
}

void executor_feed(struct run *run, enum machine_event event, const char *reason)
{
	if (executor_cleans_anyway(run, event, reason))
		return;
	switch (machine_step(&run->machine, event, reason, on_transition, run)) {
	case MACHINE_ACTION_NONE:
		break;
	case MACHINE_ACTION_WORK:
		work(run);
		break;
	case MACHINE_ACTION_ASK:
		ask(run, false);
		break;
	case MACHINE_ACTION_CLEAN:
		clean(run);
		break;
	case MACHINE_ACTION_FINISH:
		pause_after(run);
		executor_kick(run->job->ex);
		break;
	case MACHINE_ACTION_QUEUE:
		executor_kick(run->job->ex);
		break;
	}
}

static void on_limit(void *data)
{
	struct run *run = data;
	struct executor *ex = run->job->ex;
	_cleanup_free_ char *reason = NULL;
	const char *problem = NULL;
	enum asked asked;

	if (run->pausing) {
		run->pausing = false;
		executor_kick(ex);
	} else if (run->machine.state == MACHINE_WORKING ||
		   run->machine.state == MACHINE_CLEANING) {
		overdue_expire(run, loop_now(ex->loop), ex->limits.stop_limit);
		executor_kick(ex);
	} else if (run->held) {
		problem = hold_end(run);
		if (problem)
			executor_feed(run, MACHINE_EVENT_EXPIRED, problem);
		else
			executor_kick(ex);
	} else if (!run->unclean && machine_stage(&run->machine) == STAGE_SYSRQ) {
		asked = asking_go_on(run, ex->hv, asking_limit(run, &ex->limits), &problem);
		heed(run, asked, problem);
	} else if (executor_has_shut_down(run)) {
		/* It has done what was asked, and its toolstack does not remove it. */
		executor_clean_soon(run);
		/* Before there is a place for a worker it may have another domain, which runs. */
		timer_set_after(run->limit, FOREIGN_CLEANUP_LIMIT);
	} else if (run->machine.cancelled) {
		executor_feed(run, MACHINE_EVENT_TAKEN, run->machine.cancel_reason);
	} else if (str_format(&reason, "%s, and it is still there after %s",
			      asking_silence(run, ex->hv), DURATION(ex->limits.stop_limit)) >= 0) {
		executor_feed(run, MACHINE_EVENT_EXPIRED, reason);
	}
}

/* Whose turn it is. */

static bool is_held(struct run *run)
{
	const struct executor *ex = run->job->ex;
	const struct domain *d = ex->domains ? run_find_domain(run, ex->domains) : NULL;

	return hold_check(run, d, ex->limits.stop_limit);
}

/* The plan may know an old condition of the domain. */
static void prepare(struct run *run)
{
	const struct domain_list *domains = run->job->ex->domains;
	const struct domain *d = domains ? run_find_domain(run, domains) : NULL;

	if (!run->began && d && run->machine.goal == GOAL_STOP)
		step_prepare(run->step, d);
}

/* The run stops waiting, and its stage begins. */
static void begin(struct run *run)
{
	_cleanup_free_ char *obstacle = NULL;
	int r;

	prepare(run);
	r = run_find_obstacle(run, run->job->ex->domains, &obstacle);
	if (r < 0 || obstacle)
		executor_feed(run, MACHINE_EVENT_EXPIRED, r < 0 ? strerror(-r) : obstacle);
	else
		executor_feed(run, MACHINE_EVENT_BEGIN, NULL);
}

/* *ret_next: when a place comes free that an operation goes on without. */
static struct places count_places(const struct executor *ex, usec_t *ret_next)
{
	struct places places = {0};
	struct job *job;
	struct run *run;

	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			places_take(&places, &ex->limits, run);
	*ret_next = executor_take_adopted(ex, &places);
	return places;
}

/* Why the run cannot begin now; turn: when it comes before the others that are to go first. */
static enum wait find_wait(struct run *run, const struct places *places, usec_t turn, usec_t now)
{
	const struct executor *ex = run->job->ex;

	if (turn > now)
		return WAIT_GUEST;
	if (hv_operation(ex->hv, &run->machine.step->uuid))
		return WAIT_OPERATION;
	if (is_held(run))
		return WAIT_TOOL;
	return places_wait(places, &ex->limits, run);
}

static void begin_waiting(struct executor *ex)
{
	usec_t now = loop_now(ex->loop), turn, next;
	struct places places = count_places(ex, &next);
	struct job *job;
	struct run *run;

	next = MIN(next, executor_open_lane(ex, &places));
	TAILQ_FOREACH(job, &ex->jobs, entry)
		executor_look_ahead(job);
	executor_open_reads(ex, &places);
	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry) {
			if (run->machine.state != MACHINE_WAITING || run->unclean)
				continue;
			turn = executor_turn(run, now);
			if (turn > now)
				next = MIN(next, turn);
			run->wait = find_wait(run, &places, turn, now);
			if (run->wait != WAIT_NONE)
				continue;
			run->small = places_begins_small(&places, &ex->limits, run);
			begin(run);
			places_take(&places, &ex->limits, run);
		}
	ex->saving = places.untold > 0 ? 0 : places.saving;
	ex->reading = places.beside > 0 || places.flowing < places.reading ? 0 : places.reading;
	hv_expect(ex->hv, MIN(places.asked, ex->limits.parallel));
	executor_note_waits(ex);
	if (next != USEC_INFINITY && !timer_is_set(ex->kick))
		timer_set(ex->kick, next);
}

static void end_drained(struct executor *ex)
{
	struct job *job = TAILQ_FIRST(&ex->jobs);

	while (job) {
		struct job *next = TAILQ_NEXT(job, entry);

		if (!job_is_open(job) && !ex->callbacks.drained(ex->callbacks.data, job) &&
		    !job_is_open(job)) {
			TAILQ_REMOVE(&ex->jobs, job, entry);
			executor_drop_runs(ex);
			ex->callbacks.finished(ex->callbacks.data, job);
			job_free(job);
		}
		job = next;
	}
}

static void on_kick(void *data)
{
	struct executor *ex = data;
	struct places places;
	usec_t next;

	if (ex->domains) {
		places = count_places(ex, &next);
		executor_look_at_domains(ex, &places);
	}
	begin_waiting(ex);
	end_drained(ex);
}

int executor_new(struct loop *loop, struct hv *hv, const char *ledger,
		 const struct executor_callbacks *callbacks, struct executor **ret)
{
	_cleanup_(executor_freep) struct executor *ex = calloc(1, sizeof(*ex));
	int r;

	if (!ex)
		return -ENOMEM;
	*ex = (struct executor){.loop = loop, .hv = hv, .callbacks = *callbacks};
	TAILQ_INIT(&ex->jobs);
	r = runs_new(&ex->runs);
	r = r < 0 ? r : str_replace(&ex->ledger, ledger);
	r = r < 0 ? r : timer_new(loop, on_kick, ex, &ex->kick);
	r = r < 0 ? r : timer_new(loop, executor_on_progress, ex, &ex->progress);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(ex);
	return 0;
}

struct executor *executor_free(struct executor *ex)
{
	struct job *job;

	if (!ex)
		return NULL;
	while ((job = TAILQ_FIRST(&ex->jobs))) {
		TAILQ_REMOVE(&ex->jobs, job, entry);
		job_free(job);
	}
	runs_free(ex->runs);
	timer_free(ex->kick);
	timer_free(ex->progress);
	free(ex->ledger);
	free(ex);
	return NULL;
}

void executor_set_limits(struct executor *ex, const struct executor_limits *limits)
{
	struct job *job;
	struct run *run;

	/* What was learned of the disk was within the old ones. */
	if (limits->parallel != ex->limits.parallel || limits->streams != ex->limits.streams ||
	    limits->disk_rate != ex->limits.disk_rate)
		ex->lane.allowed = ex->read_lane.allowed = 0;
	ex->limits = *limits;
	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			if (run->machine.state == MACHINE_ASKED)
				asking_set_limit(run, &ex->limits);
	executor_kick(ex);
}

static void on_linger(void *data)
{
	struct run *run = data;

	/* Dying for so long, or abandoned by its toolstack. */
	if (run_is_for_others(run) && executor_has_shut_down(run))
		executor_clean_soon(run);
	else if (run_is_for_others(run))
		executor_feed(run, MACHINE_EVENT_SHUT_DOWN, NULL);
	else
		executor_feed(run, MACHINE_EVENT_GONE, NULL);
}

static int add_run(struct executor *ex, struct job *job, enum goal goal, struct step *step)
{
	static const struct run_timers timers = {
		.limit = on_limit,
		.linger = on_linger,
		.again = on_again,
	};
	struct run *run;
	int r = run_new(ex->loop, job, step, goal, &timers, &run);

	if (r < 0)
		return r;
	r = executor_index_run(ex, run);
	r = r < 0 ? r : job_add_run(job, run);
	if (r < 0) {
		executor_drop_runs(ex);
		run_free(run);
		return r;
	}
	if (machine_ended(&run->machine)) {
		struct report report = run_report(run, loop_now(run->job->ex->loop));

		report_log(&report);
		executor_tell(run, &report);
	}
	return 0;
}

int executor_extend(struct executor *ex, struct job *job, struct plan *plan)
{
	int r = job_add_plan(job, plan);

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++)
		r = add_run(ex, job, plan->goal, &plan->steps[i]);
	executor_kick(ex);
	return r;
}

int executor_run(struct executor *ex, struct plan *plan_taken, void *data, struct job **ret)
{
	_cleanup_(plan_freep) struct plan *plan = plan_taken;
	struct job *job = job_new(ex, ex->loop, data);
	int r;

	if (!job)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(&ex->jobs, job, entry);
	r = executor_extend(ex, job, TAKE_PTR(plan));
	if (r < 0) {
		TAILQ_REMOVE(&ex->jobs, job, entry);
		executor_drop_runs(ex);
		job_free(job);
		return r;
	}
	*ret = job;
	return 0;
}

/* Reports of the hypervisor. */

void executor_domains_changed(struct executor *ex, const struct domain_list *domains)
{
	ex->domains = domains;
	executor_kick(ex);
}

void executor_operation_finished(struct executor *ex, const struct hv_operation *operation,
				 const struct operation_result *result)
{
	struct run *run = executor_find_at_work(ex, &operation->uuid);

	/* A run here only waited for one of an earlier daemon, and goes on if that decided. */
	if (!run && result->outcome == OPERATION_UNDECIDED)
		run = executor_next_run(ex, &operation->uuid, NULL);
	else if (operation->adopted && result->outcome != OPERATION_UNDECIDED)
		run = NULL;
	if (run) {
		if (result->domid != DOMID_NONE)
			run->domid = result->domid;
		if (result->outcome == OPERATION_OK)
			executor_moved(run, 1000);
		run->written = result->written;
		executor_feed(run, run_event(run, result, ex->domains),
			      result->reason ? result->reason : strerror(-result->error));
	}
	executor_kick(ex);
}

const struct machine *executor_machine(const struct executor *ex, const struct uuid *uuid,
				       usec_t *ret_since)
{
	const struct run *run = executor_next_run(ex, uuid, NULL);

	if (!run)
		return NULL;
	*ret_since = run->stage_started;
	return &run->machine;
}
