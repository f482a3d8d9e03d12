/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/migrate-target.h"
#include "util/time.h"
#include "worker/handshake.h"

/*
 * The other side of a migration: a process, ssh as a rule, whose other end is xl's receiver. It is
 * started without a shell, and has nothing of ours but the three descriptors. What it writes to
 * its standard error is kept, to tell why it failed.
 */
struct peer;

/* What peer_await() watches besides the peer: 0, or a reason to wait no longer, which it returns.
 */
typedef int (*peer_check_fn)(void *data);

int peer_start(const struct target *target, struct peer **ret);

/* Ends it, whatever it does, and takes note of how. */
struct peer *peer_free(struct peer *p);

/* Where the guest goes in. */
int peer_input(const struct peer *p);

/*
 * Waits for an answer. 0; -ETIMEDOUT after so long; -EPIPE if there will be none; -EBADMSG if it is
 * another one (peer_explain() has it); what check returned; or another -errno.
 */
int peer_await(struct peer *p, enum handshake_answer answer, usec_t limit, peer_check_fn check,
	       void *data);

/* The status after the answer HANDSHAKE_REPORT. */
unsigned peer_status(const struct peer *p);

/* Takes what it has written to its standard error, so that it can go on. Does not wait. */
void peer_listen(struct peer *p);

/* Ends the process, so that a writer to it gets on. */
void peer_kill(struct peer *p);

/*
 * Why it failed, in words: what peer_await() returned, or -EPIPE where it would take no more of
 * the guest. Waits a moment for its last words. NULL: no memory.
 */
char *peer_explain(struct peer *p, int error);

DEFINE_CLEANUP(struct peer, peer_free);
