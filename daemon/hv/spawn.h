/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Starts a worker in a session of its own, so that it outlives the daemon. record may be -1; both
 * descriptors stay the caller's. *ret_channel is the daemon's end, not blocking. Returns a
 * descriptor that is readable once the worker has ended (see spawn_reap()), or -errno.
 */
int spawn_worker(const char *program, const char *verb, int record, int *ret_channel);

/* Takes note that a worker of ours has ended. The descriptor stays the caller's. */
void spawn_reap(int pidfd);
