/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/frame.h"

#include <string.h>

void framer_done(struct framer *f)
{
	free(f->buffer);
	*f = FRAMER_INIT(f->max);
}

/* Bytes already handed out are given up only here, so that messages stay valid until a feed. */
static void compact(struct framer *f)
{
	if (f->begin == 0)
		return;
	memmove(f->buffer, f->buffer + f->begin, f->size - f->begin);
	f->size -= f->begin;
	f->scanned -= f->begin;
	f->begin = 0;
}

int framer_feed(struct framer *f, const void *data, size_t size)
{
	compact(f);
	if (size == 0)
		return 0;
	if (f->size + size > f->room) {
		size_t room = MAX(f->room * 2, f->size + size);
		char *bigger = realloc(f->buffer, room);

		if (!bigger)
			return -ENOMEM;
		f->buffer = bigger;
		f->room = room;
	}
	memcpy(f->buffer + f->size, data, size);
	f->size += size;
	if (f->size > f->max &&
	    (f->scanned > f->max || !memchr(f->buffer + f->scanned, '\0', f->max + 1 - f->scanned)))
		return -EMSGSIZE;
	return 0;
}

int framer_next(struct framer *f, const char **ret, size_t *ret_length)
{
	const char *end = f->size > f->scanned
				  ? memchr(f->buffer + f->scanned, '\0', f->size - f->scanned)
				  : NULL;

	if (!end) {
		f->scanned = f->size;
		return 0;
	}
	*ret = f->buffer + f->begin;
	*ret_length = (size_t)(end - *ret);
	f->begin += *ret_length + 1;
	f->scanned = f->begin;
	return 1;
}

size_t framer_held(const struct framer *f)
{
	return f->size - f->begin;
}
