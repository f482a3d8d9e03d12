/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/run.h"

#include "util/str.h"

/* How often a stage of a guest is repeated. */
#define REPEATS_MAX 3

static enum stage begun_stage(const struct run *run)
{
	const struct step *s = run->machine.step;

	return run->began && run->machine.stage < s->n_stages ? machine_stage(&run->machine)
							      : _STAGE_INVALID;
}

static enum result machine_result(const struct machine *m)
{
	switch (m->state) {
	case MACHINE_WAITING:
	case MACHINE_WORKING:
	case MACHINE_ASKED:
	case MACHINE_CLEANING:
	case _MACHINE_STATE_MAX:
	case _MACHINE_STATE_INVALID:
		break;
	case MACHINE_DONE:
		return RESULT_OK;
	case MACHINE_FAILED:
		return RESULT_FAILED;
	case MACHINE_SKIPPED:
		return RESULT_SKIPPED;
	}
	return RESULT_RUNNING;
}

struct report run_report(const struct run *run, usec_t now)
{
	bool final = machine_ended(&run->machine);
	usec_t until = final ? run->ended : now;
	usec_t stage = run->began ? usec_sub(until, run->stage_started) : 0;

	return (struct report){
		.step = run->machine.step,
		.goal = run->machine.goal,
		.domid = run->domid,
		.stage = begun_stage(run),
		.result = machine_result(&run->machine),
		.reason = run->machine.reason,
		.permille = run->permille,
		.bytes = run->bytes,
		.total = run->total,
		.written = run->written,
		.final = final,
		.asked = run->asked,
		.elapsed = final ? usec_sub(until, run->started) : stage,
		.stage_elapsed = stage,
	};
}

struct operation_request run_cleanup(const struct run *run, usec_t patience)
{
	const struct step *s = run->machine.step;

	return (struct operation_request){
		.operation = OPERATION_DESTROY,
		.uuid = s->uuid,
		.name = s->name,
		.other = s->other,
		.domid = run->domid,
		.path = run->machine.left || s->saved ? s->image : NULL,
		.deadline = USEC_INFINITY,
		.patience = patience,
	};
}

struct operation_request run_request(const struct run *run, char *ledger, usec_t stop_deadline,
				     usec_t patience)
{
	const struct step *s = run->machine.step;
	/* The dump of a guest's memory tells nothing of how far it is. */
	struct operation_request request = run_cleanup(run, s->dump ? 0 : patience);

	request.dump = s->dump;
	switch (machine_stage(&run->machine)) {
	case STAGE_RESTORE:
		request.operation = OPERATION_RESTORE;
		request.domid = DOMID_NONE;
		request.path = s->image;
		/* By its configuration a guest is known later, too; its image will be gone. */
		request.source = s->source ? s->source : s->image;
		request.stale = s->stale;
		request.image = s->image_id;
		request.standing = s->standing;
		request.ledger = ledger;
		break;
	case STAGE_CREATE:
		request.operation = OPERATION_CREATE;
		request.domid = DOMID_NONE;
		/* Where a restore was tried before, its image could not be used. */
		request.path = s->image;
		request.config = s->config;
		request.source = s->source;
		request.stale = s->stale;
		request.ledger = ledger;
		request.why = run->machine.reason ? run->machine.reason : s->reason;
		break;
	case STAGE_UNPAUSE:
		request.operation = OPERATION_UNPAUSE;
		request.ledger = ledger;
		break;
	case STAGE_RESUME:
		request.operation = OPERATION_RESUME;
		request.ledger = ledger;
		break;
	case STAGE_MIGRATE:
		request.operation = OPERATION_MIGRATE;
		request.ledger = ledger;
		request.targets = s->targets;
		request.answer_limit = s->answer_limit;
		request.deadline = stop_deadline;
		break;
	case STAGE_SAVE:
		request.operation = OPERATION_SAVE;
		request.path = s->image;
		request.image = s->image_id;
		request.compression = s->compression;
		request.ledger = ledger;
		request.deadline = stop_deadline;
		break;
	case STAGE_RESTART:
		request.operation = OPERATION_RESTART;
		request.ledger = ledger;
		request.source = s->source;
		break;
	case STAGE_SOFT_RESET:
		request.operation = OPERATION_SOFT_RESET;
		request.ledger = ledger;
		request.source = s->source;
		break;
	case STAGE_CLEAN:
	case STAGE_DESTROY:
	case STAGE_SYSRQ:
	case STAGE_SHUTDOWN:
	case STAGE_SHUTDOWN_ALL:
	case _STAGE_MAX:
	case _STAGE_INVALID:
		break;
	}
	return request;
}

const struct domain *run_find_domain(const struct run *run, const struct domain_list *domains)
{
	const struct uuid *uuid = &run->machine.step->uuid;
	const struct domain *d = domain_list_find(domains, uuid, run->domid);

	if (d)
		return d;
	/* A rebuilt guest is alive. A domain of its UUID that has shut down is left over. */
	while ((d = domain_list_next(domains, uuid, d)))
		if (!d->dying && !d->shutdown &&
		    (!run->step->other || domain_is_called(d, run->step->name)))
			return d;
	return NULL;
}

bool run_is_to_be_built(const struct run *run)
{
	return run->machine.state == MACHINE_WAITING && goal_is_start(run->machine.goal) &&
	       (machine_stage(&run->machine) == STAGE_RESTORE ||
		machine_stage(&run->machine) == STAGE_CREATE);
}

bool run_is_for_others(const struct run *run)
{
	return run->machine.step->foreign &&
	       (run->machine.state == MACHINE_WAITING || run->machine.state == MACHINE_ASKED);
}

/* A guest that reboots, or that another tool builds anew, has another domain all of a sudden. */
static bool is_renewed(const struct run *run, const struct operation_result *result,
		       const struct domain_list *domains)
{
	const struct domain *d = domains ? run_find_domain(run, domains) : NULL;

	return run->machine.state == MACHINE_WORKING && run->machine.goal == GOAL_STOP &&
	       result->outcome == OPERATION_FAILED && d && !d->dying &&
	       d->domid != run->worked_domid;
}

/* Where many guests start together, the scripts of their devices wait for each other. */
static bool is_timed_out(const struct machine *m, const struct operation_result *result)
{
	return result->outcome == OPERATION_TIMED_OUT && m->state == MACHINE_WORKING &&
	       (machine_stage(m) == STAGE_CREATE || machine_stage(m) == STAGE_RESTORE);
}

/* Of the failed stages only a save may be repeated on another domain: others end one domain. */
static bool is_for_another_try(const struct run *run, const struct operation_result *result,
			       const struct domain_list *domains)
{
	return is_timed_out(&run->machine, result) ||
	       (is_renewed(run, result, domains) && machine_stage(&run->machine) == STAGE_SAVE);
}

enum machine_event run_event(struct run *run, const struct operation_result *result,
			     const struct domain_list *domains)
{
	const struct machine *m = &run->machine;

	if (result->outcome == OPERATION_OK)
		return MACHINE_EVENT_SUCCEEDED;
	if (result->outcome == OPERATION_LEFT_BEHIND && m->state == MACHINE_WORKING &&
	    machine_stage(m) == STAGE_SAVE)
		return MACHINE_EVENT_LEFT;
	if (is_for_another_try(run, result, domains) && run->repeats++ < REPEATS_MAX)
		return MACHINE_EVENT_AGAIN;
	if (is_renewed(run, result, domains) && machine_stage(m) == STAGE_CLEAN) {
		/* The domain is gone; the next plan of this job deals with the other one. */
		run->domid = run->worked_domid;
		return MACHINE_EVENT_SUCCEEDED;
	}
	if (!step_allows_next(m->step, machine_stage(m), result->outcome))
		return MACHINE_EVENT_DEAD_END;
	return MACHINE_EVENT_ERROR;
}

int run_find_obstacle(const struct run *run, const struct domain_list *domains, char **ret)
{
	const struct domain *d = domains ? run_find_domain(run, domains) : NULL;

	if (run->met)
		return str_replace(
			ret, "another tool had a domain of the guest while this start waited, "
			     "and may have saved or migrated it. If it does not run on "
			     "another host, run the command again");
	/* No guest loses a disk, or the network, because it could not be stopped. */
	if (run->step->stays && d && d->serves)
		return str_format(
			ret, "%s uses a device of this domain and was not stopped. Stop %s first",
			d->serves, d->serves);
	return 0;
}

bool run_is_awaited(const struct run *run)
{
	return !machine_ended(&run->machine) || run->pausing;
}

bool run_comes_behind(const struct run *run, const struct run *other)
{
	unsigned wave = run->machine.step->wave, before = other->machine.step->wave;

	if (!run_is_awaited(other))
		return false;
	if (before != wave)
		return before < wave;
	/* A run does not wait for guests that appear later: there may always be more. */
	return !other->overdue && other->round <= run->round &&
	       machine_stage(&run->machine) == STAGE_SHUTDOWN_ALL &&
	       machine_stage(&other->machine) < STAGE_SHUTDOWN_ALL;
}

bool run_asks_to_end(const struct run *run)
{
	/* The key "o" switches the guest off. */
	return machine_stage(&run->machine) != STAGE_SYSRQ || strchr(run->step->sysrq, 'o');
}

bool run_waits(const struct run *run)
{
	const struct step *s = run->machine.step;

	return machine_stage(&run->machine) == STAGE_SHUTDOWN_ALL ? s->wait_all : s->wait;
}

bool run_streams(const struct run *run)
{
	return run_saves(run) || machine_stage(&run->machine) == STAGE_MIGRATE;
}

bool run_saves(const struct run *run)
{
	return machine_stage(&run->machine) == STAGE_SAVE;
}

bool run_restores(const struct run *run)
{
	return machine_stage(&run->machine) == STAGE_RESTORE;
}

bool run_is_cold(const struct run *run)
{
	const struct machine *m = &run->machine;

	return m->state == MACHINE_DONE && machine_stage(m) == STAGE_CREATE &&
	       (m->step->cold || step_has(m->step, STAGE_RESTORE));
}

void run_free(struct run *run)
{
	machine_done(&run->machine);
	free(run->wait_told);
	timer_free(run->limit);
	timer_free(run->linger);
	timer_free(run->again);
	free(run);
}

int run_new(struct loop *loop, struct job *job, struct step *step, enum goal goal,
	    const struct run_timers *timers, struct run **ret)
{
	struct run *run = calloc(1, sizeof(*run));
	usec_t now = loop_now(loop);
	int r;

	if (!run)
		return -ENOMEM;
	*run = (struct run){
		.job = job,
		.step = step,
		.domid = step->domid,
		.started = now,
		.stage_started = now,
		.ended = now,
	};
	r = machine_init(&run->machine, step, goal);
	r = r < 0 ? r : timer_new(loop, timers->limit, run, &run->limit);
	r = r < 0 ? r : timer_new(loop, timers->linger, run, &run->linger);
	r = r < 0 ? r : timer_new(loop, timers->again, run, &run->again);
	if (r < 0) {
		run_free(run);
		return r;
	}
	*ret = run;
	return 0;
}
