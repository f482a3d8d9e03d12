/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/machine.h"

#include "util/str.h"

static const char *const state_names[_MACHINE_STATE_MAX] = {
	[MACHINE_WAITING] = "waiting",   [MACHINE_WORKING] = "working", [MACHINE_ASKED] = "asked",
	[MACHINE_CLEANING] = "cleaning", [MACHINE_DONE] = "done",       [MACHINE_FAILED] = "failed",
	[MACHINE_SKIPPED] = "skipped",
};

const char *machine_state_to_string(enum machine_state state)
{
	return state_names[state];
}

static enum machine_state initial_state(const struct step *step)
{
	switch (step->result) {
	case STEP_TODO:
		break;
	case STEP_OK:
		return MACHINE_DONE;
	case STEP_SKIPPED:
		return MACHINE_SKIPPED;
	case STEP_FAILED:
		return MACHINE_FAILED;
	}
	return MACHINE_WAITING;
}

int machine_init(struct machine *m, const struct step *step, enum goal goal)
{
	*m = (struct machine){.step = step, .goal = goal, .state = initial_state(step)};
	return str_replace(&m->reason, step->reason);
}

void machine_done(struct machine *m)
{
	free(TAKE_PTR(m->reason));
	free(TAKE_PTR(m->cancel_reason));
}

static void set_state(struct machine *m, enum machine_state state, machine_sink_fn sink, void *data)
{
	enum machine_state old = m->state;

	m->state = state;
	if (sink)
		sink(data, m, old);
}

/* Reasons add up: "save: no space left; shutdown: still running after 300 s". */
static void note_reason(struct machine *m, const char *reason)
{
	char *text = NULL;

	if (m->step->n_stages < 2)
		str_replace(&m->reason, reason);
	else if (str_format(&text, "%s%s%s: %s", m->reason ? m->reason : "", m->reason ? "; " : "",
			    stage_to_string(machine_stage(m)), reason) >= 0) {
		free(m->reason);
		m->reason = text;
	}
}

/* Whether the guest is asked for it, rather than a worker. */
static bool is_request(enum stage stage)
{
	return stage == STAGE_SYSRQ || stage == STAGE_SHUTDOWN || stage == STAGE_SHUTDOWN_ALL;
}

static enum machine_action begin(struct machine *m, machine_sink_fn sink, void *data)
{
	if (is_request(machine_stage(m))) {
		set_state(m, MACHINE_ASKED, sink, data);
		return MACHINE_ACTION_ASK;
	}
	set_state(m, MACHINE_WORKING, sink, data);
	return MACHINE_ACTION_WORK;
}

static enum machine_action finish(struct machine *m, enum machine_state state, machine_sink_fn sink,
				  void *data)
{
	set_state(m, state, sink, data);
	return MACHINE_ACTION_FINISH;
}

static enum machine_action skip(struct machine *m, const char *reason, machine_sink_fn sink,
				void *data)
{
	enum machine_action action;

	/* A stage that is under way ends here, without success. */
	m->stage_reason = m->state == MACHINE_WAITING ? NULL : reason;
	str_replace(&m->reason, reason);
	action = finish(m, MACHINE_SKIPPED, sink, data);
	m->stage_reason = NULL;
	return action;
}

/* The stage has failed: with the last one, or where none may follow, so has all of it. */
static enum machine_action fail(struct machine *m, bool last, const char *reason,
				machine_sink_fn sink, void *data)
{
	/* A stop of the guest was asked for, and ended it early. */
	if (m->cancelled && goal_is_start(m->goal))
		return skip(m, m->cancel_reason, sink, data);
	m->stage_reason = reason ? reason : "failed";
	note_reason(m, m->stage_reason);
	/* The sink is told before the stage changes, since this stage failed. */
	set_state(m, last ? MACHINE_FAILED : MACHINE_WAITING, sink, data);
	m->stage_reason = NULL;
	if (last)
		return MACHINE_ACTION_FINISH;
	m->stage++;
	return MACHINE_ACTION_QUEUE;
}

static enum machine_action stage_failed(struct machine *m, const char *reason, machine_sink_fn sink,
					void *data)
{
	return fail(m, m->cancelled || m->stage + 1 == m->step->n_stages, reason, sink, data);
}

/* The condition of the guest is unknown: no other stage may touch it. */
static enum machine_action give_up(struct machine *m, const char *reason, machine_sink_fn sink,
				   void *data)
{
	return fail(m, true, reason, sink, data);
}

/* The stage succeeded, but the guest is still there: its next stage, if any, waits for its turn. */
static enum machine_action next_stage(struct machine *m, machine_sink_fn sink, void *data)
{
	if (m->stage + 1 == m->step->n_stages)
		return finish(m, MACHINE_DONE, sink, data);
	if (m->cancelled)
		return skip(m, m->cancel_reason, sink, data);
	set_state(m, MACHINE_WAITING, sink, data);
	m->stage++;
	return MACHINE_ACTION_QUEUE;
}

/* Queues the stage once more. The error is reported, but not kept. */
static enum machine_action repeat(struct machine *m, const char *reason, machine_sink_fn sink,
				  void *data)
{
	m->stage_reason = reason;
	set_state(m, MACHINE_WAITING, sink, data);
	m->stage_reason = NULL;
	return MACHINE_ACTION_QUEUE;
}

static enum machine_action clean(struct machine *m, machine_sink_fn sink, void *data)
{
	set_state(m, MACHINE_CLEANING, sink, data);
	return MACHINE_ACTION_CLEAN;
}

void machine_cancel(struct machine *m, const char *reason)
{
	m->cancelled = true;
	str_replace(&m->cancel_reason, reason);
}

static enum machine_action cancel(struct machine *m, const char *reason)
{
	machine_cancel(m, reason);
	return MACHINE_ACTION_NONE;
}

bool machine_can_hurry(const struct machine *m)
{
	enum stage stage;

	if (m->goal != GOAL_STOP || machine_ended(m) || m->cancelled)
		return false;
	stage = machine_stage(m);
	return (stage == STAGE_SAVE || stage == STAGE_MIGRATE) && step_may_shut_down(m->step);
}

static enum machine_action step_waiting(struct machine *m, enum machine_event event,
					const char *reason, machine_sink_fn sink, void *data)
{
	bool ends = m->goal == GOAL_STOP || m->goal == GOAL_REACT;

	switch (event) {
	case MACHINE_EVENT_BEGIN:
		return begin(m, sink, data);
	case MACHINE_EVENT_SHUT_DOWN:
		/* The stages of a reaction are about a domain that has shut down. */
		return m->goal == GOAL_STOP && machine_stage(m) != STAGE_CLEAN
			       ? clean(m, sink, data)
			       : MACHINE_ACTION_NONE;
	case MACHINE_EVENT_GONE:
		return ends ? finish(m, MACHINE_DONE, sink, data) : MACHINE_ACTION_NONE;
	case MACHINE_EVENT_ALIVE:
		return ends ? MACHINE_ACTION_NONE : finish(m, MACHINE_DONE, sink, data);
	case MACHINE_EVENT_CANCEL:
	case MACHINE_EVENT_TAKEN:
		return skip(m, reason, sink, data);
	case MACHINE_EVENT_EXPIRED:
		/* No stage of it could begin, so none can be said to have failed. */
		str_replace(&m->reason, reason);
		return finish(m, MACHINE_FAILED, sink, data);
	case MACHINE_EVENT_HURRY:
		return machine_can_hurry(m) ? stage_failed(m, reason, sink, data)
					    : MACHINE_ACTION_NONE;
	case MACHINE_EVENT_DEAD_END: /* an operation of an earlier daemon, which it waited for */
		return give_up(m, reason, sink, data);
	case MACHINE_EVENT_SUCCEEDED:
	case MACHINE_EVENT_ERROR:
	case MACHINE_EVENT_AGAIN:
	case MACHINE_EVENT_LEFT:
	case _MACHINE_EVENT_MAX:
		break;
	}
	return MACHINE_ACTION_NONE;
}

static enum machine_action step_working(struct machine *m, enum machine_event event,
					const char *reason, machine_sink_fn sink, void *data)
{
	switch (event) {
	case MACHINE_EVENT_SUCCEEDED:
		return stage_is_preparation(machine_stage(m)) ? next_stage(m, sink, data)
							      : finish(m, MACHINE_DONE, sink, data);
	case MACHINE_EVENT_ERROR:
		return stage_failed(m, reason, sink, data);
	case MACHINE_EVENT_DEAD_END:
		return give_up(m, reason, sink, data);
	case MACHINE_EVENT_CANCEL:
	case MACHINE_EVENT_TAKEN:
		return cancel(m, reason);
	case MACHINE_EVENT_AGAIN:
		return m->cancelled ? stage_failed(m, reason, sink, data)
				    : repeat(m, reason, sink, data);
	case MACHINE_EVENT_LEFT:
		if (machine_stage(m) != STAGE_SAVE)
			return MACHINE_ACTION_NONE;
		m->left = true;
		return clean(m, sink, data);
	case MACHINE_EVENT_BEGIN:
	case MACHINE_EVENT_SHUT_DOWN: /* the worker that saves it sees to that */
	case MACHINE_EVENT_GONE:
	case MACHINE_EVENT_ALIVE:
	case MACHINE_EVENT_EXPIRED: /* the worker keeps its own time and says so */
	case MACHINE_EVENT_HURRY:
	case _MACHINE_EVENT_MAX:
		break;
	}
	return MACHINE_ACTION_NONE;
}

static enum machine_action step_asked(struct machine *m, enum machine_event event,
				      const char *reason, machine_sink_fn sink, void *data)
{
	switch (event) {
	case MACHINE_EVENT_GONE:
		return finish(m, MACHINE_DONE, sink, data);
	case MACHINE_EVENT_SUCCEEDED:
		/* Asked is all that was wanted. */
		return next_stage(m, sink, data);
	case MACHINE_EVENT_SHUT_DOWN:
		return clean(m, sink, data);
	case MACHINE_EVENT_ERROR:
	case MACHINE_EVENT_EXPIRED:
		return stage_failed(m, reason, sink, data);
	case MACHINE_EVENT_TAKEN:
		return skip(m, reason, sink, data);
	case MACHINE_EVENT_CANCEL:
		return cancel(m, reason);
	case MACHINE_EVENT_BEGIN:
	case MACHINE_EVENT_DEAD_END:
	case MACHINE_EVENT_AGAIN:
	case MACHINE_EVENT_LEFT:
	case MACHINE_EVENT_ALIVE:
	case MACHINE_EVENT_HURRY:
	case _MACHINE_EVENT_MAX:
		break;
	}
	return MACHINE_ACTION_NONE;
}

static enum machine_action step_cleaning(struct machine *m, enum machine_event event,
					 const char *reason, machine_sink_fn sink, void *data)
{
	switch (event) {
	case MACHINE_EVENT_SUCCEEDED:
		return finish(m, MACHINE_DONE, sink, data);
	case MACHINE_EVENT_ERROR:
	case MACHINE_EVENT_DEAD_END:
		m->stage = m->step->n_stages - 1;
		return stage_failed(m, reason, sink, data);
	case MACHINE_EVENT_BEGIN:
	case MACHINE_EVENT_AGAIN:
	case MACHINE_EVENT_LEFT:
	case MACHINE_EVENT_SHUT_DOWN:
	case MACHINE_EVENT_GONE: /* the worker has still to end */
	case MACHINE_EVENT_ALIVE:
	case MACHINE_EVENT_EXPIRED:
	case MACHINE_EVENT_CANCEL:
	case MACHINE_EVENT_TAKEN:
	case MACHINE_EVENT_HURRY:
	case _MACHINE_EVENT_MAX:
		break;
	}
	return MACHINE_ACTION_NONE;
}

enum machine_action machine_step(struct machine *m, enum machine_event event, const char *reason,
				 machine_sink_fn sink, void *data)
{
	switch (m->state) {
	case MACHINE_WAITING:
		return step_waiting(m, event, reason, sink, data);
	case MACHINE_WORKING:
		return step_working(m, event, reason, sink, data);
	case MACHINE_ASKED:
		return step_asked(m, event, reason, sink, data);
	case MACHINE_CLEANING:
		return step_cleaning(m, event, reason, sink, data);
	case MACHINE_DONE:
	case MACHINE_FAILED:
	case MACHINE_SKIPPED:
	case _MACHINE_STATE_MAX:
	case _MACHINE_STATE_INVALID:
		break;
	}
	return MACHINE_ACTION_NONE;
}
