/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/* What a guest is doing, or what has become of it: the column STATE of "status". */
enum guest_state {
	GUEST_STOPPED,
	GUEST_STARTING,
	GUEST_RUNNING,
	GUEST_PAUSED,
	GUEST_SUSPENDED, /* its memory is in a suspended domain, and no process saves it */
	GUEST_SAVING,
	GUEST_SAVED,
	GUEST_RESTORING,
	GUEST_MIGRATING,
	GUEST_SHUTTING_DOWN,
	GUEST_CRASHED,
	GUEST_DYING,
	GUEST_FAILED,
	_GUEST_STATE_MAX,
	_GUEST_STATE_INVALID = -EINVAL,
};

const char *guest_state_to_string(enum guest_state state);
enum guest_state guest_state_from_string(const char *s);

#define RESTART_REASON_MAX 80

/* Why a guest does not run that is restarted so much later. */
const char *guest_restart_reason(usec_t left, char buffer[RESTART_REASON_MAX]);
