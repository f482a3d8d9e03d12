/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"

/* What systemd is told, and what it hands over. All of it does nothing where there is no systemd.
 */

void notify_ready(void);
void notify_stopping(void);
void notify_reloading(void);
void notify_status(const char *format, ...) _printf_(1, 2);

/* Puts off the end of systemd's patience with a unit that is starting or stopping. */
void notify_extend_timeout(usec_t by);

/* The one listening socket that was handed over: a descriptor, 0 for none, or -errno. */
int notify_listen_fd(void);

/*
 * Tells systemd's watchdog, if there is one, that the loop is alive. 0 or -errno; *ret is NULL
 * where nobody wants to know.
 */
struct watchdog;
int watchdog_new(struct loop *loop, struct watchdog **ret);
struct watchdog *watchdog_free(struct watchdog *watchdog);

DEFINE_CLEANUP(struct watchdog, watchdog_free);
