/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/death.h"

#include "util/str.h"

static const char *const reason_names[_SHUTDOWN_REASON_MAX] = {
	[SHUTDOWN_REASON_POWEROFF] = "poweroff", [SHUTDOWN_REASON_REBOOT] = "reboot",
	[SHUTDOWN_REASON_SUSPEND] = "suspend",   [SHUTDOWN_REASON_CRASH] = "crash",
	[SHUTDOWN_REASON_WATCHDOG] = "watchdog", [SHUTDOWN_REASON_SOFT_RESET] = "soft-reset",
};

/* As libxl spells them. */
static const char *const action_names[_DEATH_ACTION_MAX] = {
	[DEATH_DESTROY] = "destroy",
	[DEATH_RESTART] = "restart",
	[DEATH_RENAME_RESTART] = "restart_rename",
	[DEATH_PRESERVE] = "preserve",
	[DEATH_COREDUMP_DESTROY] = "coredump_destroy",
	[DEATH_COREDUMP_RESTART] = "coredump_restart",
	[DEATH_SOFT_RESET] = "soft_reset",
};

const char *shutdown_reason_to_string(enum shutdown_reason reason)
{
	return reason < 0 || reason >= _SHUTDOWN_REASON_MAX ? "unknown" : reason_names[reason];
}

enum shutdown_reason shutdown_reason_from_string(const char *s)
{
	return (enum shutdown_reason)str_lookup(reason_names, _SHUTDOWN_REASON_MAX, s);
}

const char *death_action_to_string(enum death_action action)
{
	return action_names[action];
}

enum death_action death_action_from_string(const char *s)
{
	return s ? (enum death_action)str_lookup(action_names, _DEATH_ACTION_MAX, s)
		 : DEATH_DESTROY;
}

bool death_action_restarts(enum death_action action)
{
	switch (action) {
	case DEATH_RESTART:
	case DEATH_RENAME_RESTART:
	case DEATH_COREDUMP_RESTART:
	case DEATH_SOFT_RESET:
		return true;
	case DEATH_DESTROY:
	case DEATH_PRESERVE:
	case DEATH_COREDUMP_DESTROY:
	case _DEATH_ACTION_MAX:
	case _DEATH_ACTION_INVALID:
		break;
	}
	return false;
}

bool death_action_dumps(enum death_action action)
{
	return action == DEATH_COREDUMP_DESTROY || action == DEATH_COREDUMP_RESTART;
}

const char *death_setting(enum shutdown_reason reason)
{
	switch (reason) {
	case SHUTDOWN_REASON_POWEROFF:
		return "on_poweroff";
	case SHUTDOWN_REASON_REBOOT:
		return "on_reboot";
	case SHUTDOWN_REASON_WATCHDOG:
		return "on_watchdog";
	case SHUTDOWN_REASON_SOFT_RESET:
		return "on_soft_reset";
	case SHUTDOWN_REASON_SUSPEND:
	case SHUTDOWN_REASON_CRASH:
	case _SHUTDOWN_REASON_MAX:
	case _SHUTDOWN_REASON_INVALID:
		break;
	}
	return "on_crash";
}
