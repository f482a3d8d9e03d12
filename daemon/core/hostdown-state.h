/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/*
 * The state machine of a shutdown of the host, which may be cancelled: events go in, actions come
 * out.
 */

enum hostdown_state {
	HOSTDOWN_UP,        /* the host is up, and stays so */
	HOSTDOWN_STOPPING,  /* it goes down: guests are being stopped */
	HOSTDOWN_READY,     /* they are, and it may */
	HOSTDOWN_CANCELLED, /* it stays up after all, and the stop has not ended yet */
	_HOSTDOWN_STATE_MAX,
	_HOSTDOWN_STATE_INVALID = -EINVAL,
};

enum hostdown_event {
	HOSTDOWN_EVENT_PREPARE, /* the host goes down: logind waits for guests */
	HOSTDOWN_EVENT_LEAVE,   /* systemd is stopping it, and the unit that waits for guests */
	HOSTDOWN_EVENT_CANCEL,  /* it does not */
	HOSTDOWN_EVENT_STOPPED, /* all stops that were begun have ended, however it went */
};

enum hostdown_action {
	HOSTDOWN_ACTION_NONE,
	HOSTDOWN_ACTION_STOP,   /* begin a stop of all guests */
	HOSTDOWN_ACTION_REST,   /* end it where guests have not been begun with */
	HOSTDOWN_ACTION_RETURN, /* see to the guests that were stopped */
};

const char *hostdown_state_to_string(enum hostdown_state state);

/* Changes the state, and returns the action. */
enum hostdown_action hostdown_step(enum hostdown_state *state, enum hostdown_event event);

/* Whether the lock is wanted, where there is something to protect or not. */
bool hostdown_wants_lock(enum hostdown_state state, bool protects);

/* Whether a start of guests now would hinder the shutdown. */
bool hostdown_refuses_starts(enum hostdown_state state);

/*
 * After what time systemd forces the host down, less what it has to do after the guests.
 * window: how long logind waits before; USEC_INFINITY: systemd does not.
 */
usec_t hostdown_end(usec_t window, usec_t job_timeout);

/* How much of the time that a lock grants a plan may use; 0: none. */
usec_t hostdown_budget(usec_t delay_max);
