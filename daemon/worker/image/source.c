/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/source.h"

#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

/* So much of a compressed file is read at a time. */
#define CHUNK (1U << 20)

/* A frame says how much memory its reader needs: ours need less than these 8 MiB. */
#define WINDOW_LOG_MAX 23

struct source {
	int fd;
	ZSTD_DCtx *context; /* NULL: the stream is not compressed */
	uint64_t left;      /* so many bytes are still to come */
	uint8_t *chunk;
	ZSTD_inBuffer in; /* of that */
	bool complete;    /* the frame has ended */
};

static int prepare(struct source *s, uint64_t bytes)
{
	s->context = ZSTD_createDCtx();
	s->chunk = malloc(CHUNK);
	s->in.src = s->chunk;
	s->left = bytes;
	return s->context && s->chunk &&
			       !ZSTD_isError(ZSTD_DCtx_setParameter(s->context, ZSTD_d_windowLogMax,
								    WINDOW_LOG_MAX))
		       ? 0
		       : -ENOMEM;
}

int source_new(int fd, enum compression compression, uint64_t bytes, struct source **ret)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->fd = fd;
	if (compression == COMPRESSION_ZSTD && prepare(s, bytes) < 0) {
		source_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

static ssize_t read_some(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* 1, 0 at the end of the file, or -errno. */
static int fill(struct source *s)
{
	ssize_t n;

	if (s->in.pos < s->in.size)
		return 1;
	n = read_some(s->fd, s->chunk, CHUNK);
	s->in.pos = 0;
	s->in.size = (size_t)MAX(n, (ssize_t)0);
	return n > 0 ? 1 : (int)n;
}

static int refuse(enum stream_problem problem, enum stream_problem *ret_problem)
{
	*ret_problem = problem;
	return -EBADMSG;
}

/* The frame has ended: so has the file, if all is well. */
static int finish(struct source *s, enum stream_problem *ret_problem)
{
	int r = s->left > 0 ? refuse(STREAM_CUT_SHORT, ret_problem) : fill(s);

	return r > 0 ? refuse(STREAM_GOES_ON, ret_problem) : r;
}

/* Decompresses what has been read, without looking for more. */
static int unpack(struct source *s, ZSTD_outBuffer *out, enum stream_problem *ret_problem)
{
	size_t left = ZSTD_decompressStream(s->context, out, &s->in);

	if (ZSTD_isError(left))
		return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation
			       ? -ENOMEM
			       : refuse(STREAM_PACK_DAMAGED, ret_problem);
	s->complete = left == 0;
	return 0;
}

static ssize_t read_packed(struct source *s, void *buffer, size_t size,
			   enum stream_problem *ret_problem)
{
	/* One more than may come, so that it is seen. */
	ZSTD_outBuffer out = {.dst = buffer, .size = (size_t)MIN((uint64_t)size, s->left + 1)};
	int r = 0;

	while (r >= 0 && out.pos == 0 && !s->complete) {
		r = fill(s);
		if (r == 0)
			return refuse(STREAM_CUT_SHORT, ret_problem);
		r = r < 0 ? r : unpack(s, &out, ret_problem);
	}
	if (r < 0)
		return r;
	if (out.pos > s->left)
		return refuse(STREAM_GOES_ON, ret_problem);
	s->left -= out.pos;
	return out.pos > 0 ? (ssize_t)out.pos : finish(s, ret_problem);
}

ssize_t source_read(struct source *s, void *buffer, size_t size, enum stream_problem *ret_problem)
{
	return s->context ? read_packed(s, buffer, size, ret_problem)
			  : read_some(s->fd, buffer, size);
}

struct source *source_free(struct source *s)
{
	if (!s)
		return NULL;
	ZSTD_freeDCtx(s->context);
	free(s->chunk);
	free(s);
	return NULL;
}
