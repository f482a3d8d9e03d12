/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"
#include "model/host-lock.h"

/*
 * logind: whether the host is about to go down, and the lock that puts this off.
 *
 * The content of a signal is not trusted, since any process can send one, and some versions of
 * logind forget to. A signal is only a reason to read logind's properties.
 */
struct logind;

/* The lock's name in systemd's store of descriptors, where it outlives a crash of the daemon. */
#define LOGIND_STORED_LOCK "shutdown-lock"

struct logind_callbacks {
	/* The results of the functions below have changed. */
	void (*changed)(void *data);
	void *data;
};

/* lock: the stored one, taken over also on failure, or -1. 0 or -ENOMEM. */
int logind_new(struct loop *loop, int lock, const struct logind_callbacks *callbacks,
	       struct logind **ret);
struct logind *logind_free(struct logind *l);

/* Holds the lock from now on, or releases it for good. Logs the result. */
void logind_want_lock(struct logind *l, bool wanted);
enum host_lock logind_lock(const struct logind *l);

/* Whether logind has ever been read. */
bool logind_is_known(const struct logind *l);

/*
 * systemd is stopping the system, as a client has asked it and says. That counts as logind's word,
 * until systemd says something else.
 */
void logind_note_stopping(struct logind *l);

/* Whether the host is about to go down, and how: "poweroff", "reboot" ..., or NULL. */
bool logind_is_preparing(const struct logind *l);
const char *logind_kind(const struct logind *l);

/* For how long a lock can put it off: InhibitDelayMaxUSec. */
usec_t logind_delay_max(const struct logind *l);

/* After which time PID 1 forces the host down, from when the lock is over; or USEC_INFINITY. */
usec_t logind_job_timeout(const struct logind *l);

DEFINE_CLEANUP(struct logind, logind_free);
