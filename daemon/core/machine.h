/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"

/*
 * One guest on its way through the stages of a step. Pure: an event goes in, the state changes in
 * one place, and an action for the executor comes out.
 *
 *      waiting -> working  -> done                 a worker does the stage
 *         ^   \       \-----> cleaning -> done     ... a save, and its domain is still there
 *         |    \-> asked   -> cleaning -> done     the guest was asked to shut down
 *         |         |
 *         +---------+--- a stage that fails makes way for the next one, or ends in failed;
 *                        what is not wanted any more ends in skipped; and what waits for a
 *                        save goes on to wait for a shutdown when there is no time for that
 */
enum machine_state {
	MACHINE_WAITING,  /* for its turn to begin the current stage */
	MACHINE_WORKING,  /* a worker is at it */
	MACHINE_ASKED,    /* asked to shut down; still there */
	MACHINE_CLEANING, /* it has shut down; a worker removes what is left */
	MACHINE_DONE,
	MACHINE_FAILED,
	MACHINE_SKIPPED,
	_MACHINE_STATE_MAX,
	_MACHINE_STATE_INVALID = -EINVAL,
};

enum machine_event {
	MACHINE_EVENT_BEGIN,     /* it is its turn */
	MACHINE_EVENT_SUCCEEDED, /* the worker, or the request where nothing is waited for */
	MACHINE_EVENT_ERROR,     /* the worker failed, or could not be started; with a reason */
	MACHINE_EVENT_DEAD_END,  /* the worker failed, and nothing more may be done; with a reason
				  */
	MACHINE_EVENT_AGAIN,     /* the worker failed, and its cause is over; with a reason */
	MACHINE_EVENT_LEFT,      /* the worker has saved it, and its domain is still there */
	MACHINE_EVENT_SHUT_DOWN, /* the domain has shut down, and it is ours to clean up */
	MACHINE_EVENT_GONE,      /* the domain is gone */
	MACHINE_EVENT_ALIVE,     /* the domain runs, without an operation */
	MACHINE_EVENT_EXPIRED,   /* the time for this stage is over; with a reason */
	MACHINE_EVENT_CANCEL,    /* stages that have not begun are left out; with a reason */
	MACHINE_EVENT_HURRY,     /* there is no time for a save or a migration; with a reason */
	MACHINE_EVENT_TAKEN,     /* nor time to wait for a guest that was asked; with a reason */
	_MACHINE_EVENT_MAX,
};

enum machine_action {
	MACHINE_ACTION_NONE,
	MACHINE_ACTION_WORK,   /* start the worker for machine_stage() */
	MACHINE_ACTION_ASK,    /* ask the guest to shut down */
	MACHINE_ACTION_CLEAN,  /* start a worker that destroys the domain */
	MACHINE_ACTION_QUEUE,  /* wait for the turn of the next stage */
	MACHINE_ACTION_FINISH, /* the way ends here */
};

struct machine {
	const struct step *step; /* borrowed */
	enum goal goal;
	size_t stage;
	enum machine_state state;
	bool cancelled;           /* the stage that has begun is finished, and no other follows */
	char *cancel_reason;      /* why */
	bool left;                /* the domain that is cleaned up was saved */
	char *reason;             /* why stages failed, or why it was skipped */
	const char *stage_reason; /* for the sink: why the stage that ends now failed, or NULL */
};

/* Told of every change of state, after it. */
typedef void (*machine_sink_fn)(void *data, const struct machine *m, enum machine_state old);

const char *machine_state_to_string(enum machine_state state);

/* A step without stages has ended before it began. 0 or -ENOMEM. */
int machine_init(struct machine *m, const struct step *step, enum goal goal);
void machine_done(struct machine *m);

/* An event that means nothing in the present state changes nothing. */
enum machine_action machine_step(struct machine *m, enum machine_event event, const char *reason,
				 machine_sink_fn sink, void *data);

/* For one that has as good as begun with what ends it: nothing follows that. */
void machine_cancel(struct machine *m, const char *reason);

static inline enum stage machine_stage(const struct machine *m)
{
	return m->step->stages[m->stage];
}

/* Whether a save or a migration is next, or under way, that a shutdown would follow. */
bool machine_can_hurry(const struct machine *m);

static inline bool machine_ended(const struct machine *m)
{
	return m->state >= MACHINE_DONE;
}
