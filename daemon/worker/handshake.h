/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * What the two sides of a migration say to each other around the guest's stream, as xl's receiver
 * has it (tools/xl/xl_migrate.c in Xen's source). We are the sender:
 *
 *   receiver   HANDSHAKE_BANNER    it is there
 *   sender     header and stream of a saved guest, live
 *   receiver   HANDSHAKE_READY     the guest is built, paused
 *   sender     handshake_permission: from here on the guest may run there
 *   receiver   HANDSHAKE_REPORT    and a status: 0, it runs there
 *   receiver   HANDSHAKE_RETURN    only after another status: its copy is gone, ours may run
 *
 * No I/O here: bytes go in, and what they mean comes out.
 */

enum handshake_answer {
	HANDSHAKE_BANNER,
	HANDSHAKE_READY,
	HANDSHAKE_REPORT,
	HANDSHAKE_RETURN,
	_HANDSHAKE_MAX,
	_HANDSHAKE_INVALID = -EINVAL,
};

#define HANDSHAKE_ANSWER_MAX 64

struct handshake {
	enum handshake_answer expected;
	uint8_t got[HANDSHAKE_ANSWER_MAX + 1]; /* of the answer, with a terminator */
	size_t n_got;
	uint8_t status; /* of a report */
};

/* The purpose of an answer, in words. */
const char *handshake_answer_name(enum handshake_answer answer);

/* The next answer is awaited. */
void handshake_expect(struct handshake *h, enum handshake_answer answer);

/* How many bytes of it are still to come. */
size_t handshake_missing(const struct handshake *h);

/*
 * Takes bytes, no more than are missing. 1 once the answer is complete, 0 while it is not, or
 * -EBADMSG if it is another one; got then holds what came.
 */
int handshake_feed(struct handshake *h, const void *data, size_t size);

/* What the sender says at the point of no return, with its terminator. */
extern const char handshake_permission[];
extern const size_t handshake_permission_size;

/*
 * The part of what a peer's side wrote to its standard error that tells why it failed: free of
 * control characters, and short; NULL if there is nothing. The caller's to free.
 */
char *handshake_words(const char *said);
