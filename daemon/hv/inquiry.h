/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/spawn.h"
#include "io/loop.h"
#include "wire/json.h"

/*
 * A question to a worker of its own. The answer can lie on a disk or a server that does not answer,
 * and other callers must not wait for it.
 */
struct inquiry;

struct inquiry_callbacks {
	/* A message of the worker. 1 if it is the last one, 0, or -errno if it is invalid. */
	int (*message)(void *data, const char *text, size_t length);
	/*
	 * The answer is complete (reason NULL) or will never be. Comes once, from the loop; the
	 * inquiry may be freed in it.
	 */
	void (*answered)(void *data, const char *reason);
	void *data;
};

struct inquiry_options {
	const struct program *program; /* the worker */
	const char *verb;
	int given;    /* a descriptor that the worker gets; -1: none; stays the caller's */
	usec_t limit; /* so long it may take; USEC_INFINITY: for ever */
	bool lives;   /* each word of it begins the limit anew */
};

/*
 * Starts the worker. question: messages, each with its NUL byte; taken over, also on failure. 0 or
 * -errno.
 */
int inquiry_new(struct loop *loop, const struct inquiry_options *options, char *question,
		size_t size, const struct inquiry_callbacks *callbacks, struct inquiry **ret);

/*
 * False once the worker has ended. One that was answered because of its limit may live on for a
 * while, killed but held up by a disk; then callbacks come no more.
 */
bool inquiry_is_alive(const struct inquiry *q);

/* Has it end without an answer, which is then told as any other failure. */
void inquiry_kill(struct inquiry *q);

struct inquiry *inquiry_free(struct inquiry *q);

DEFINE_CLEANUP(struct inquiry, inquiry_free);
