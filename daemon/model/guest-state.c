/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/guest-state.h"

#include <stdio.h>

#include "util/str.h"

static const char *const state_names[_GUEST_STATE_MAX] = {
	[GUEST_STOPPED] = "stopped",     [GUEST_STARTING] = "starting",
	[GUEST_RUNNING] = "running",     [GUEST_PAUSED] = "paused",
	[GUEST_SUSPENDED] = "suspended", [GUEST_SAVING] = "saving",
	[GUEST_SAVED] = "saved",         [GUEST_RESTORING] = "restoring",
	[GUEST_MIGRATING] = "migrating", [GUEST_SHUTTING_DOWN] = "shutting-down",
	[GUEST_CRASHED] = "crashed",     [GUEST_DYING] = "dying",
	[GUEST_FAILED] = "failed",
};

const char *guest_state_to_string(enum guest_state state)
{
	return state_names[state];
}

enum guest_state guest_state_from_string(const char *s)
{
	return (enum guest_state)str_lookup(state_names, _GUEST_STATE_MAX, s);
}

const char *guest_restart_reason(usec_t left, char buffer[RESTART_REASON_MAX])
{
	snprintf(buffer, RESTART_REASON_MAX, "ends repeatedly, restarting in %u s",
		 (unsigned)((left + USEC_PER_SEC - 1) / USEC_PER_SEC));
	return buffer;
}
