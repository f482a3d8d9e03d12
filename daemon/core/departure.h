/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/*
 * What is to be done when the host goes down, or is said to and then stays: a state, events in,
 * actions out.
 */

enum departure_state {
	DEPARTURE_HOME,      /* the host is up, and stays so */
	DEPARTURE_STOPPING,  /* it goes down: guests are being stopped */
	DEPARTURE_READY,     /* they are, and it may */
	DEPARTURE_CANCELLED, /* it stays up after all, and the stop has not ended yet */
	_DEPARTURE_STATE_MAX,
	_DEPARTURE_STATE_INVALID = -EINVAL,
};

enum departure_event {
	DEPARTURE_EVENT_PREPARE, /* the host goes down: logind waits for guests */
	DEPARTURE_EVENT_LEAVE,   /* systemd is stopping it, and the unit that waits for guests */
	DEPARTURE_EVENT_CANCEL,  /* it does not */
	DEPARTURE_EVENT_STOPPED, /* all stops that were begun have ended, however it went */
};

enum departure_action {
	DEPARTURE_ACTION_NONE,
	DEPARTURE_ACTION_STOP,   /* begin a stop of all guests */
	DEPARTURE_ACTION_REST,   /* end it where guests have not been begun with */
	DEPARTURE_ACTION_RETURN, /* see to the guests that were stopped */
};

const char *departure_state_to_string(enum departure_state state);

/* Changes the state, and tells what is to be done. */
enum departure_action departure_step(enum departure_state *state, enum departure_event event);

/* Whether the lock is wanted, where there is something to protect or not. */
bool departure_wants_lock(enum departure_state state, bool protects);

/* Whether guests that are to be started now would be in the way. */
bool departure_refuses_starts(enum departure_state state);

/*
 * After what time systemd ends the host by force, less what it has to do behind the guests.
 * window: how long logind waits before; USEC_INFINITY: systemd does not.
 */
usec_t departure_end(usec_t window, usec_t job_timeout);

/* What of the time that a lock grants can be planned with; 0: none. */
usec_t departure_budget(usec_t delay_max);
