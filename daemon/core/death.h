/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* How a domain ends, and what is done with it then. */

/* Xen's numbers (xen/include/public/sched.h). */
enum shutdown_reason {
	SHUTDOWN_REASON_POWEROFF = 0,
	SHUTDOWN_REASON_REBOOT = 1,
	SHUTDOWN_REASON_SUSPEND = 2,
	SHUTDOWN_REASON_CRASH = 3,
	SHUTDOWN_REASON_WATCHDOG = 4,
	SHUTDOWN_REASON_SOFT_RESET = 5,
	_SHUTDOWN_REASON_MAX,
	_SHUTDOWN_REASON_INVALID = -EINVAL,
};

/* What happens to a domain that has ended. */
enum death_action {
	DEATH_DESTROY,
	DEATH_RESTART,
	DEATH_RENAME_RESTART, /* the dead domain is kept under another name, and another one created
			       */
	DEATH_PRESERVE,
	DEATH_COREDUMP_DESTROY,
	DEATH_COREDUMP_RESTART,
	DEATH_SOFT_RESET, /* its memory is kept: it boots another kernel by itself (kexec) */
	_DEATH_ACTION_MAX,
	_DEATH_ACTION_INVALID = -EINVAL,
};

const char *shutdown_reason_to_string(enum shutdown_reason reason);
enum shutdown_reason shutdown_reason_from_string(const char *s);

/* libxl's name of an action. NULL is libxl's default, destroy. */
const char *death_action_to_string(enum death_action action);
enum death_action death_action_from_string(const char *s);

/* Whether the guest is to run again after an action, and whether its memory is to be kept in a
 * file. */
bool death_action_restarts(enum death_action action);
bool death_action_dumps(enum death_action action);

/* The setting of a configuration that says what follows an end for this reason ("on_crash"). */
const char *death_setting(enum shutdown_reason reason);
