/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "worker/image/source.h"
#include "worker/xl/xl.h"

#define CHUNK (1U << 20)

static int refuse(enum stream_problem problem, enum stream_problem *ret_problem)
{
	*ret_problem = problem;
	return -EBADMSG;
}

int check_size(const struct image_header *header, uint64_t size, enum stream_problem *ret_problem)
{
	*ret_problem = STREAM_NO_PROBLEM;
	if (!header->ours || size == image_file_size(header))
		return 0;
	return refuse(size < image_file_size(header) ? STREAM_CUT_SHORT : STREAM_GOES_ON,
		      ret_problem);
}

static int open_stream(int fd, const struct image_header *h, struct source **ret)
{
	if (lseek(fd, h->stream, SEEK_SET) < 0)
		return -errno;
	return source_new(fd, h->facts.compression, h->facts.stream_bytes, ret);
}

/* As much as there is, up to size. How much, or as source_read(). */
static ssize_t read_begin(struct source *source, uint8_t *buffer, size_t size,
			  enum stream_problem *ret_problem)
{
	size_t have = 0;
	ssize_t n = 1;

	while (n > 0 && have < size) {
		n = source_read(source, buffer + have, size - have, ret_problem);
		have += (size_t)MAX(n, (ssize_t)0);
	}
	return n < 0 ? n : (ssize_t)have;
}

int check_beginning(int fd, const struct image_header *header, enum stream_problem *ret_problem)
{
	_cleanup_(source_freep) struct source *source = NULL;
	struct stream stream = STREAM_INIT;
	uint8_t head[XL_STREAM_HEAD];
	ssize_t n;
	int r;

	*ret_problem = STREAM_NO_PROBLEM;
	r = open_stream(fd, header, &source);
	if (r < 0)
		return r;
	n = read_begin(source, head, sizeof(head), ret_problem);
	if (n < 0)
		return (int)n;
	r = stream_feed(&stream, head, (size_t)n);
	r = r < 0 || (size_t)n == sizeof(head) ? r : stream_end(&stream);
	if (r < 0)
		return refuse(stream.problem, ret_problem);
	return stream.has_guest ? 0 : refuse(STREAM_WITHOUT_GUEST_FIRST, ret_problem);
}

/* The stream as it is read, and what has been found of it. */
struct passage {
	struct source *source;
	struct stream stream;
	XXH64_state_t *hash;
	uint8_t *buffer;
};

static void passage_done(struct passage *w)
{
	source_free(w->source);
	XXH64_freeState(w->hash);
	free(w->buffer);
}

static int pass_on(struct passage *w, check_fn fn, void *data)
{
	ssize_t n = source_read(w->source, w->buffer, CHUNK, &w->stream.problem);
	int r;

	if (n <= 0)
		return n < 0 ? (int)n : stream_end(&w->stream);
	r = stream_feed(&w->stream, w->buffer, (size_t)n);
	if (r < 0)
		return r;
	XXH64_update(w->hash, w->buffer, (size_t)n);
	r = fn ? fn(data, w->buffer, (size_t)n) : 0;
	return r < 0 ? r : 1;
}

int check_stream(int fd, const struct image_header *header, check_fn fn, void *data,
		 enum stream_problem *ret_problem)
{
	_cleanup_(passage_done) struct passage w = {
		.stream = STREAM_INIT,
		.hash = XXH64_createState(),
		.buffer = malloc(CHUNK),
	};
	int r = w.hash && w.buffer ? open_stream(fd, header, &w.source) : -ENOMEM;

	*ret_problem = STREAM_NO_PROBLEM;
	if (r < 0)
		return r;
	XXH64_reset(w.hash, 0);
	do {
		r = pass_on(&w, fn, data);
		/* A check of an image must not push other data out of memory. */
		posix_fadvise(fd, 0, lseek(fd, 0, SEEK_CUR), POSIX_FADV_DONTNEED);
	} while (r > 0);
	*ret_problem = w.stream.problem;
	if (r >= 0 && header->ours && XXH64_digest(w.hash) != header->facts.stream_hash)
		return refuse(STREAM_OTHER_HASH, ret_problem);
	return r;
}
