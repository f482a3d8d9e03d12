/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"

/* Messages to systemd, and descriptors from it. Without systemd the functions do nothing.
 */

void notify_ready(void);
void notify_stopping(void);
void notify_reloading(void);
void notify_status(const char *format, ...) _printf_(1, 2);

/* Puts off systemd's timeout for a unit that is starting or stopping. */
void notify_extend_timeout(usec_t by);

/*
 * Keeps a duplicate of a descriptor where it outlives this process, as long as the unit is not
 * stopped; and gives up what is kept under the name.
 */
void notify_store_fd(const char *name, int fd);
void notify_forget_fd(const char *name);

/* The descriptors that systemd passed at start; -1 for a missing one. */
struct notify_fds {
	int listen; /* the listening socket */
	int stored; /* kept by notify_store_fd() under the name asked for */
};

/* To be called once. All that is handed over and has no place here is closed. 0 or -errno. */
int notify_take_fds(const char *stored_name, struct notify_fds *ret);

/*
 * Tells systemd's watchdog, if there is one, that the loop is alive. 0 or -errno; *ret is NULL
 * without a watchdog.
 */
struct watchdog;
int watchdog_new(struct loop *loop, struct watchdog **ret);
struct watchdog *watchdog_free(struct watchdog *watchdog);

DEFINE_CLEANUP(struct watchdog, watchdog_free);
