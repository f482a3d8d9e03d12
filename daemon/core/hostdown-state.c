/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/hostdown-state.h"

/* The part of the time that logind grants that is kept for stages slower than planned. */
#define MARGIN_SHARE 10
#define MARGIN_MAX   (30 * USEC_PER_SEC)

/* What other units may take to stop, as systemd comes (DefaultTimeoutStopSec=), and 30 s. */
#define TIME_OF_OTHERS (120 * USEC_PER_SEC)

static const char *const state_names[_HOSTDOWN_STATE_MAX] = {
	[HOSTDOWN_UP] = "up",
	[HOSTDOWN_STOPPING] = "stopping",
	[HOSTDOWN_READY] = "ready",
	[HOSTDOWN_CANCELLED] = "cancelled",
};

const char *hostdown_state_to_string(enum hostdown_state state)
{
	return state_names[state];
}

static enum hostdown_action prepare(enum hostdown_state *state)
{
	switch (*state) {
	case HOSTDOWN_UP:
	case HOSTDOWN_CANCELLED:
		*state = HOSTDOWN_STOPPING;
		return HOSTDOWN_ACTION_STOP;
	case HOSTDOWN_STOPPING:
	case HOSTDOWN_READY:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		break;
	}
	return HOSTDOWN_ACTION_NONE;
}

/* What was left when logind did not wait any more is stopped now. */
static enum hostdown_action leave(enum hostdown_state *state)
{
	if (*state != HOSTDOWN_READY)
		return prepare(state);
	*state = HOSTDOWN_STOPPING;
	return HOSTDOWN_ACTION_STOP;
}

static enum hostdown_action cancel(enum hostdown_state *state)
{
	switch (*state) {
	case HOSTDOWN_STOPPING:
		*state = HOSTDOWN_CANCELLED;
		return HOSTDOWN_ACTION_REST;
	case HOSTDOWN_READY:
		*state = HOSTDOWN_UP;
		return HOSTDOWN_ACTION_RETURN;
	case HOSTDOWN_UP:
	case HOSTDOWN_CANCELLED:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		break;
	}
	return HOSTDOWN_ACTION_NONE;
}

static enum hostdown_action stopped(enum hostdown_state *state)
{
	switch (*state) {
	case HOSTDOWN_STOPPING:
		*state = HOSTDOWN_READY;
		break;
	case HOSTDOWN_CANCELLED:
		*state = HOSTDOWN_UP;
		return HOSTDOWN_ACTION_RETURN;
	case HOSTDOWN_UP:
	case HOSTDOWN_READY:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		break;
	}
	return HOSTDOWN_ACTION_NONE;
}

enum hostdown_action hostdown_step(enum hostdown_state *state, enum hostdown_event event)
{
	switch (event) {
	case HOSTDOWN_EVENT_PREPARE:
		return prepare(state);
	case HOSTDOWN_EVENT_LEAVE:
		return leave(state);
	case HOSTDOWN_EVENT_CANCEL:
		return cancel(state);
	case HOSTDOWN_EVENT_STOPPED:
		return stopped(state);
	}
	return HOSTDOWN_ACTION_NONE;
}

bool hostdown_wants_lock(enum hostdown_state state, bool protects)
{
	switch (state) {
	case HOSTDOWN_STOPPING:
		return true;
	case HOSTDOWN_READY:
		return false;
	case HOSTDOWN_UP:
	case HOSTDOWN_CANCELLED:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		break;
	}
	return protects;
}

bool hostdown_refuses_starts(enum hostdown_state state)
{
	return state == HOSTDOWN_STOPPING || state == HOSTDOWN_READY;
}

usec_t hostdown_end(usec_t window, usec_t job_timeout)
{
	if (job_timeout == USEC_INFINITY)
		return job_timeout;
	/* Of a limit that is short, guests have at least half. */
	return usec_add(window, job_timeout - MIN(TIME_OF_OTHERS, job_timeout / 2));
}

usec_t hostdown_budget(usec_t delay_max)
{
	/* With no limit at all logind fails to wait, and the host goes down at once. */
	if (delay_max == USEC_INFINITY)
		return 0;
	return delay_max - MIN(delay_max / MARGIN_SHARE, MARGIN_MAX);
}
