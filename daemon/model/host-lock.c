/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/host-lock.h"

#include "util/str.h"

static const char *const lock_names[_HOST_LOCK_MAX] = {
	[HOST_LOCK_NONE] = "none",
	[HOST_LOCK_ASKED] = "asked",
	[HOST_LOCK_HELD] = "held",
};

const char *host_lock_to_string(enum host_lock lock)
{
	return lock_names[lock];
}

enum host_lock host_lock_from_string(const char *s)
{
	return (enum host_lock)str_lookup(lock_names, _HOST_LOCK_MAX, s);
}
