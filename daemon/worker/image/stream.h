/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Walks over a saved guest's stream as it passes by: libxl's records and libxc's inside them, from
 * the first byte to the last, without looking into them. A stream that ends early, or goes on
 * behind its end, is not one (docs/specs/lib*-migration-stream.pandoc in Xen's source).
 */

enum stream_state {
	STREAM_LIBXL_HEADER,
	STREAM_LIBXL_RECORD,
	STREAM_LIBXC_HEADER,
	STREAM_LIBXC_RECORD,
	STREAM_COMPLETE,
};

struct stream {
	enum stream_state state;
	uint64_t bytes;   /* walked so far */
	uint64_t skip;    /* bytes of a record's body still to come */
	uint8_t head[40]; /* of the header or record that is being read */
	size_t have;
	bool has_guest;      /* libxc's part has been seen */
	const char *problem; /* NULL, or what is wrong at this place */
};

#define STREAM_INIT ((struct stream){.state = STREAM_LIBXL_HEADER})

/* 0, or -EBADMSG with problem set; then it stays so. */
int stream_feed(struct stream *s, const void *data, size_t size);

/* At the end of the bytes: 0 if the stream is complete, else -EBADMSG with problem set. */
int stream_end(struct stream *s);
