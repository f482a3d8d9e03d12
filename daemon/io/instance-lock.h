/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * One engine at a time: the lock that a daemon, or "xendomainsd --once", holds for as long as it
 * lives. It says who holds it.
 */

/*
 * The lock's descriptor, -EBUSY with the holder in *ret_holder (0: not known), or -errno. On a file
 * system that is read-only: -EROFS if there is no file; one that is there is locked as it is, and
 * does not name the holder.
 *
 * A holder that sleeps in the kernel (a disk or a server that does not answer) does not end when it
 * is killed. But it executes no further instruction of its own then: it dies where it returns from
 * the kernel. So the lock of a holder that was killed is taken beside it, after 2 s, and
 * its number is in *ret_beside (otherwise 0). What it can still do is to complete the one call that
 * it is in, and to hold locks.
 */
int instance_lock_take(const char *path, pid_t *ret_holder, pid_t *ret_beside);

/*
 * The same, but ends a holder first: with SIGTERM and, after limit_msec, with SIGKILL. Neither
 * touches a guest, nor a worker. Waits for that.
 */
int instance_lock_take_over(const char *path, int limit_msec, pid_t *ret_beside);

/* Whether the process that the lock's file names lives. Waits for nothing. */
bool instance_lock_holder_lives(const char *path);
