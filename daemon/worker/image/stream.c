/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/stream.h"

#include "util/bytes.h"

#define LIBXL_MAGIC             UINT64_C(0x4c6962786c466d74) /* "LibxlFmt", big-endian like its header */
#define LIBXL_VERSION           2
#define LIBXL_OPTION_BIG_ENDIAN 1U

#define LIBXL_RECORD_END      0U
#define LIBXL_RECORD_LIBXC    1U
#define LIBXL_RECORD_XENSTORE 2U
#define LIBXL_RECORD_EMULATOR 3U
#define RECORD_OPTIONAL       0x80000000U

#define LIBXC_MARKER      UINT64_MAX
#define LIBXC_MAGIC       0x58454E46U /* "XENF" */
#define LIBXC_VERSION_MIN 2U
#define LIBXC_VERSION_MAX 3U
#define LIBXC_PAGE_SHIFT  12U
#define LIBXC_RECORD_END  0U
#define LIBXC_RECORD_LAST 0x12U
#define LIBXC_BODY_MAX    (128U << 20)

static const char *const problem_words[_STREAM_PROBLEM_MAX] = {
	[STREAM_NOT_LIBXL] = "it does not begin with a libxl stream",
	[STREAM_LIBXL_VERSION_UNKNOWN] = "its version of libxl's stream is unknown",
	[STREAM_FOREIGN_BYTE_ORDER] = "it was written by a machine of another byte order",
	[STREAM_LIBXL_RECORD_UNKNOWN] = "it holds an unknown libxl record",
	[STREAM_WITHOUT_GUEST] = "it ends without a guest",
	[STREAM_WITHOUT_GUEST_FIRST] = "it does not begin with a guest",
	[STREAM_SECOND_GUEST] = "it holds more than one guest",
	[STREAM_NOT_LIBXC] = "its guest does not begin with a libxc stream",
	[STREAM_LIBXC_VERSION_UNKNOWN] = "its guest has an unknown version of libxc's stream",
	[STREAM_FOREIGN_PAGE_SIZE] = "its guest has pages of another size",
	[STREAM_LIBXC_RECORD_UNKNOWN] = "it holds an unknown libxc record",
	[STREAM_RECORD_TOO_LONG] = "it holds a record that is too long",
	[STREAM_ODD_END] = "its guest ends with an odd record",
	[STREAM_CUT_SHORT] = "it is truncated",
	[STREAM_GOES_ON] = "data follows its end",
	[STREAM_OTHER_HASH] = "it is damaged: its checksum does not match",
	[STREAM_PACK_DAMAGED] = "it is damaged: its compressed data is invalid",
};

const char *stream_problem_to_string(enum stream_problem problem)
{
	return problem_words[problem];
}

static int refuse(struct stream *s, enum stream_problem problem)
{
	s->problem = problem;
	return -EBADMSG;
}

/* How many bytes of the next header or record are needed before it can be understood. */
static size_t head_size(enum stream_state state)
{
	switch (state) {
	case STREAM_LIBXL_HEADER:
		return 16;
	case STREAM_LIBXC_HEADER:
		return 40; /* of the image, and of the domain */
	case STREAM_LIBXL_RECORD:
	case STREAM_LIBXC_RECORD:
	case STREAM_COMPLETE:
		break;
	}
	return 8;
}

static uint64_t padded(uint32_t length)
{
	return ((uint64_t)length + 7) & ~UINT64_C(7);
}

static int take_libxl_header(struct stream *s)
{
	if (be64_at(s->head) != LIBXL_MAGIC)
		return refuse(s, STREAM_NOT_LIBXL);
	if (be32_at(s->head + 8) != LIBXL_VERSION)
		return refuse(s, STREAM_LIBXL_VERSION_UNKNOWN);
	if (be32_at(s->head + 12) & LIBXL_OPTION_BIG_ENDIAN)
		return refuse(s, STREAM_FOREIGN_BYTE_ORDER);
	s->state = STREAM_LIBXL_RECORD;
	return 0;
}

static int take_libxl_record(struct stream *s)
{
	uint32_t type = le32_at(s->head), length = le32_at(s->head + 4);

	switch (type) {
	case LIBXL_RECORD_END:
		if (length != 0 || !s->has_guest)
			return refuse(s, STREAM_WITHOUT_GUEST);
		s->state = STREAM_COMPLETE;
		return 0;
	case LIBXL_RECORD_LIBXC:
		if (length != 0 || s->has_guest)
			return refuse(s, STREAM_SECOND_GUEST);
		s->has_guest = true;
		s->state = STREAM_LIBXC_HEADER;
		return 0;
	case LIBXL_RECORD_XENSTORE:
	case LIBXL_RECORD_EMULATOR:
		break;
	default:
		if (!(type & RECORD_OPTIONAL))
			return refuse(s, STREAM_LIBXL_RECORD_UNKNOWN);
	}
	s->skip = padded(length);
	return 0;
}

static int take_libxc_header(struct stream *s)
{
	uint32_t version = be32_at(s->head + 12);

	if (be64_at(s->head) != LIBXC_MARKER || be32_at(s->head + 8) != LIBXC_MAGIC)
		return refuse(s, STREAM_NOT_LIBXC);
	if (version < LIBXC_VERSION_MIN || version > LIBXC_VERSION_MAX)
		return refuse(s, STREAM_LIBXC_VERSION_UNKNOWN);
	if (be16_at(s->head + 16) != 0)
		return refuse(s, STREAM_FOREIGN_BYTE_ORDER);
	if (le16_at(s->head + 28) != LIBXC_PAGE_SHIFT)
		return refuse(s, STREAM_FOREIGN_PAGE_SIZE);
	s->state = STREAM_LIBXC_RECORD;
	return 0;
}

static int take_libxc_record(struct stream *s)
{
	uint32_t type = le32_at(s->head), length = le32_at(s->head + 4);

	if (type == LIBXC_RECORD_END) {
		if (length != 0)
			return refuse(s, STREAM_ODD_END);
		s->state = STREAM_LIBXL_RECORD;
		return 0;
	}
	if (type > LIBXC_RECORD_LAST && !(type & RECORD_OPTIONAL))
		return refuse(s, STREAM_LIBXC_RECORD_UNKNOWN);
	if (length > LIBXC_BODY_MAX)
		return refuse(s, STREAM_RECORD_TOO_LONG);
	s->skip = padded(length);
	return 0;
}

static int take_head(struct stream *s)
{
	switch (s->state) {
	case STREAM_LIBXL_HEADER:
		return take_libxl_header(s);
	case STREAM_LIBXL_RECORD:
		return take_libxl_record(s);
	case STREAM_LIBXC_HEADER:
		return take_libxc_header(s);
	case STREAM_LIBXC_RECORD:
		return take_libxc_record(s);
	case STREAM_COMPLETE:
		break;
	}
	return refuse(s, STREAM_GOES_ON);
}

int stream_feed(struct stream *s, const void *data, size_t size)
{
	const uint8_t *p = data;
	int r = s->problem != STREAM_NO_PROBLEM ? -EBADMSG : 0;

	while (r >= 0 && size > 0) {
		size_t n;

		if (s->skip > 0) {
			n = (size_t)MIN(s->skip, (uint64_t)size);
			s->skip -= n;
		} else {
			n = MIN(head_size(s->state) - s->have, size);
			memcpy(s->head + s->have, p, n);
			s->have += n;
			if (s->have == head_size(s->state) || s->state == STREAM_COMPLETE) {
				s->have = 0;
				r = take_head(s);
			}
		}
		p += n;
		size -= n;
		s->bytes += n;
	}
	return r;
}

int stream_end(struct stream *s)
{
	if (s->problem != STREAM_NO_PROBLEM)
		return -EBADMSG;
	if (s->state != STREAM_COMPLETE || s->skip > 0 || s->have > 0)
		return refuse(s, STREAM_CUT_SHORT);
	return 0;
}
