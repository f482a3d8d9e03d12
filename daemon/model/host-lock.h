/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Whether logind has given the inhibitor lock, for which a shutdown of the host waits. */
enum host_lock {
	HOST_LOCK_NONE,
	HOST_LOCK_ASKED, /* not granted yet, or refused and tried again */
	HOST_LOCK_HELD,
	_HOST_LOCK_MAX,
	_HOST_LOCK_INVALID = -EINVAL,
};

const char *host_lock_to_string(enum host_lock lock);
enum host_lock host_lock_from_string(const char *s);
