/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/departure.h"

/* Kept back of the time that logind grants: for what goes slower than planned. */
#define MARGIN_SHARE 10
#define MARGIN_MAX   (30 * USEC_PER_SEC)

/* What other units may take to stop, as systemd comes (DefaultTimeoutStopSec=), and 30 s. */
#define TIME_OF_OTHERS (120 * USEC_PER_SEC)

static const char *const state_names[_DEPARTURE_STATE_MAX] = {
	[DEPARTURE_HOME] = "home",
	[DEPARTURE_STOPPING] = "stopping",
	[DEPARTURE_READY] = "ready",
	[DEPARTURE_CANCELLED] = "cancelled",
};

const char *departure_state_to_string(enum departure_state state)
{
	return state_names[state];
}

static enum departure_action prepare(enum departure_state *state)
{
	switch (*state) {
	case DEPARTURE_HOME:
	case DEPARTURE_CANCELLED:
		*state = DEPARTURE_STOPPING;
		return DEPARTURE_ACTION_STOP;
	case DEPARTURE_STOPPING:
	case DEPARTURE_READY:
	case _DEPARTURE_STATE_MAX:
	case _DEPARTURE_STATE_INVALID:
		break;
	}
	return DEPARTURE_ACTION_NONE;
}

/* What was left when logind did not wait any more is stopped now. */
static enum departure_action leave(enum departure_state *state)
{
	if (*state != DEPARTURE_READY)
		return prepare(state);
	*state = DEPARTURE_STOPPING;
	return DEPARTURE_ACTION_STOP;
}

static enum departure_action cancel(enum departure_state *state)
{
	switch (*state) {
	case DEPARTURE_STOPPING:
		*state = DEPARTURE_CANCELLED;
		return DEPARTURE_ACTION_REST;
	case DEPARTURE_READY:
		*state = DEPARTURE_HOME;
		return DEPARTURE_ACTION_RETURN;
	case DEPARTURE_HOME:
	case DEPARTURE_CANCELLED:
	case _DEPARTURE_STATE_MAX:
	case _DEPARTURE_STATE_INVALID:
		break;
	}
	return DEPARTURE_ACTION_NONE;
}

static enum departure_action stopped(enum departure_state *state)
{
	switch (*state) {
	case DEPARTURE_STOPPING:
		*state = DEPARTURE_READY;
		break;
	case DEPARTURE_CANCELLED:
		*state = DEPARTURE_HOME;
		return DEPARTURE_ACTION_RETURN;
	case DEPARTURE_HOME:
	case DEPARTURE_READY:
	case _DEPARTURE_STATE_MAX:
	case _DEPARTURE_STATE_INVALID:
		break;
	}
	return DEPARTURE_ACTION_NONE;
}

enum departure_action departure_step(enum departure_state *state, enum departure_event event)
{
	switch (event) {
	case DEPARTURE_EVENT_PREPARE:
		return prepare(state);
	case DEPARTURE_EVENT_LEAVE:
		return leave(state);
	case DEPARTURE_EVENT_CANCEL:
		return cancel(state);
	case DEPARTURE_EVENT_STOPPED:
		return stopped(state);
	}
	return DEPARTURE_ACTION_NONE;
}

bool departure_wants_lock(enum departure_state state, bool protects)
{
	switch (state) {
	case DEPARTURE_STOPPING:
		return true;
	case DEPARTURE_READY:
		return false;
	case DEPARTURE_HOME:
	case DEPARTURE_CANCELLED:
	case _DEPARTURE_STATE_MAX:
	case _DEPARTURE_STATE_INVALID:
		break;
	}
	return protects;
}

bool departure_refuses_starts(enum departure_state state)
{
	return state == DEPARTURE_STOPPING || state == DEPARTURE_READY;
}

usec_t departure_end(usec_t window, usec_t job_timeout)
{
	if (job_timeout == USEC_INFINITY)
		return job_timeout;
	return usec_add(window, usec_sub(job_timeout, TIME_OF_OTHERS));
}

usec_t departure_budget(usec_t delay_max)
{
	/* With no limit at all logind fails to wait, and the host goes down at once. */
	if (delay_max == USEC_INFINITY)
		return 0;
	return delay_max - MIN(delay_max / MARGIN_SHARE, MARGIN_MAX);
}
