/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "util/macro.h"

/*
 * A process by its number and the time when it started, which together mean one process only,
 * however long one waits.
 */

/* Field 22 of /proc/PID/stat: clock ticks since the boot. 0 or -errno. */
int process_start_time(pid_t pid, uint64_t *ret);

/* A descriptor that is readable once the process has ended; -ESRCH if it is not there any more. */
int process_open(pid_t pid, uint64_t start_time);

/* Whether that process has ended, even if its parent has not taken note of it. Waits for nothing.
 */
bool process_has_ended(int pidfd);

/*
 * Whether SIGKILL is on its way to the process, so that it executes no further instruction of its
 * own. 1, 0 or -errno.
 */
int process_is_killed(pid_t pid);

/* Whether the process has ended, or is killed like that; of its number alone. Waits for nothing. */
bool process_is_over(pid_t pid);

/* Sends a signal through such a descriptor. 0 or -errno. */
int process_signal(int pidfd, int signal);
