/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Messages ended by a NUL byte, cut out of a stream of bytes. Does no I/O: bytes are put in as
 * they come, whole messages are taken out until none is left.
 */
struct framer {
	char *buffer;
	size_t size, room;
	size_t begin;   /* of the next message */
	size_t scanned; /* from begin up to here there is no NUL */
	size_t max;     /* longest message that is taken */
};

#define FRAMER_INIT(limit) ((struct framer){.max = (limit)})

void framer_done(struct framer *f);

/* 0, -ENOMEM, or -EMSGSIZE if the bytes held are longer than the longest message. */
int framer_feed(struct framer *f, const void *data, size_t size);

/*
 * 1 and the next message (terminated, valid until the next call of this module), or 0 when more
 * bytes are needed.
 */
int framer_next(struct framer *f, const char **ret, size_t *ret_length);

/* The number of bytes that were put in and not taken out. */
size_t framer_held(const struct framer *f);
