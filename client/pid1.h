/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/*
 * Asks PID 1 why a unit is being stopped, over the socket of PID 1, which works to the end, also
 * without the bus.
 */
struct pid1;

/* 0 or -errno. */
int pid1_open(struct pid1 **ret);
struct pid1 *pid1_free(struct pid1 *p);

/*
 * The target by which the host goes down ("reboot.target"), or NULL where it does not: *ret is the
 * caller's. 0 or -errno.
 */
int pid1_going_down(struct pid1 *p, char **ret);

/*
 * The unit that runs, or is being started, and conflicts with this one; NULL if there is none. 0 or
 * -errno.
 */
int pid1_conflict(struct pid1 *p, const char *unit, char **ret);

/*
 * For how long from now a stop may go on when the host goes down by this target, so that PID 1
 * still has time for the rest before it forces the host down. USEC_INFINITY: it does not.
 */
usec_t pid1_patience(struct pid1 *p, const char *target);

/* The same where PID 1 cannot be asked. */
usec_t pid1_usual_patience(void);

DEFINE_CLEANUP(struct pid1, pid1_free);
