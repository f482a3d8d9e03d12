/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Walks over a saved guest's stream as it passes by: libxl's records and libxc's inside them, from
 * the first byte to the last, without looking into them. A stream that ends early, or has data
 * after its end, is invalid (docs/specs/lib*-migration-stream.pandoc in Xen's source).
 */

enum stream_state {
	STREAM_LIBXL_HEADER,
	STREAM_LIBXL_RECORD,
	STREAM_LIBXC_HEADER,
	STREAM_LIBXC_RECORD,
	STREAM_COMPLETE,
};

/* What can be wrong with a stream. */
enum stream_problem {
	STREAM_NO_PROBLEM,
	STREAM_NOT_LIBXL,
	STREAM_LIBXL_VERSION_UNKNOWN,
	STREAM_FOREIGN_BYTE_ORDER,
	STREAM_LIBXL_RECORD_UNKNOWN,
	STREAM_WITHOUT_GUEST,
	STREAM_WITHOUT_GUEST_FIRST, /* worker/image/check.h finds that */
	STREAM_SECOND_GUEST,
	STREAM_NOT_LIBXC,
	STREAM_LIBXC_VERSION_UNKNOWN,
	STREAM_FOREIGN_PAGE_SIZE,
	STREAM_LIBXC_RECORD_UNKNOWN,
	STREAM_RECORD_TOO_LONG,
	STREAM_ODD_END,
	STREAM_CUT_SHORT,
	STREAM_GOES_ON,
	STREAM_OTHER_HASH,   /* of the whole; the caller compares it */
	STREAM_PACK_DAMAGED, /* what it was compressed to; worker/image/source.h finds that */
	_STREAM_PROBLEM_MAX,
	_STREAM_PROBLEM_INVALID = -EINVAL,
};

struct stream {
	enum stream_state state;
	uint64_t bytes;   /* walked so far */
	uint64_t skip;    /* bytes of a record's body still to come */
	uint8_t head[40]; /* of the header or record that is being read */
	size_t have;
	bool has_guest; /* libxc's part has been seen */
	enum stream_problem problem;
};

#define STREAM_INIT ((struct stream){.state = STREAM_LIBXL_HEADER})

/* The words for it in a message that has named the stream; NULL if there is no problem. */
const char *stream_problem_to_string(enum stream_problem problem);

/* 0, or -EBADMSG with problem set; then it stays so. */
int stream_feed(struct stream *s, const void *data, size_t size);

/* At the end of the bytes: 0 if the stream is complete, else -EBADMSG with problem set. */
int stream_end(struct stream *s);
