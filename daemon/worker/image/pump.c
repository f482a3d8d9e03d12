/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/pump.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <xxhash.h>

#include "util/fd.h"

#define CHUNK (1U << 20)

/* Of what was read, so much at a time is dropped from the page cache. */
#define DROP_CHUNK (16U << 20)

/* So large that a disk which serves several images at once has little to seek between them. */
#define WRITE_CHUNK (4U << 20)

/* What a write past the page cache must begin and end at; no disk is known that asks for more. */
#define ALIGNMENT 4096U

struct pump {
	pthread_t thread;
	int file, pipe; /* the pipe is ours */
	int (*carry)(struct pump *p);
	struct stream stream;
	XXH64_state_t *hash;
	_Atomic uint64_t bytes;
	usec_t limit; /* for a write to a peer */
	_Atomic bool ended;
	int error;
};

static void pump_free(struct pump *p)
{
	if (p->pipe >= 0)
		close(p->pipe);
	if (p->hash)
		XXH64_freeState(p->hash);
	free(p);
}

static ssize_t read_some(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

/* Reads, walks and hashes what comes. How much that is, 0 at the end, or -errno. */
static ssize_t take(struct pump *p, int fd, void *buffer, size_t size)
{
	ssize_t n = read_some(fd, buffer, size);
	int r = n > 0 ? stream_feed(&p->stream, buffer, (size_t)n) : 0;

	if (r < 0)
		return r;
	if (n > 0)
		XXH64_update(p->hash, buffer, (size_t)n);
	return n;
}

static void count(struct pump *p, size_t size)
{
	atomic_store(&p->bytes, atomic_load(&p->bytes) + size);
}

/*
 * Past the page cache, which is for those who need it: an image is not read again soon. Where a
 * file system cannot do that, what is in the cache is sent on its way to the disk, and what was
 * before it can go, so that the sync at the end finds little to do.
 */
static int write_direct(int fd, const uint8_t *data, size_t size, off_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	int r = -EINVAL;

	if (size > 0 && flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) >= 0) {
		r = fd_pwrite_all(fd, data, size, offset);
		fcntl(fd, F_SETFL, flags);
	}
	if (r != -EINVAL)
		return r;
	r = fd_pwrite_all(fd, data, size, offset);
	sync_file_range(fd, offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
	posix_fadvise(fd, 0, offset, POSIX_FADV_DONTNEED);
	return r;
}

/* Writes the buffer from begin to end, to where it would stand if it all began at offset. */
static int write_chunk(int fd, const uint8_t *buffer, size_t begin, size_t end, off_t offset)
{
	size_t first = MIN((begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, end);
	size_t last = MAX(end / ALIGNMENT * ALIGNMENT, first);
	int r = fd_pwrite_all(fd, buffer + begin, first - begin, offset + (off_t)begin);

	r = r < 0 ? r : write_direct(fd, buffer + first, last - first, offset + (off_t)first);
	return r < 0 ? r : fd_pwrite_all(fd, buffer + last, end - last, offset + (off_t)last);
}

static int write_file(struct pump *p)
{
	_cleanup_free_ uint8_t *buffer = aligned_alloc(ALIGNMENT, WRITE_CHUNK);
	off_t at = lseek(p->file, 0, SEEK_CUR);
	ssize_t n = buffer ? 1 : -ENOMEM;

	if (at < 0)
		return -errno;
	while (n > 0) {
		size_t begin = (size_t)(at % ALIGNMENT), end = begin;

		while (n > 0 && end < WRITE_CHUNK) {
			n = take(p, p->pipe, buffer + end, WRITE_CHUNK - end);
			end += n > 0 ? (size_t)n : 0;
		}
		if (n >= 0) {
			int r = write_chunk(p->file, buffer, begin, end, at - (off_t)begin);

			if (r < 0)
				return r;
			count(p, end - begin);
			at += (off_t)(end - begin);
		}
	}
	return (int)n;
}

/* What was read goes from the page cache too, so that others keep it. */
static int write_to_libxl(const struct pump *p, const uint8_t *data, size_t size)
{
	uint64_t before = atomic_load(&p->bytes);
	int r = fd_write_all(p->pipe, data, size);

	if (r >= 0 && before / DROP_CHUNK != (before + size) / DROP_CHUNK)
		posix_fadvise(p->file, 0, lseek(p->file, 0, SEEK_CUR), POSIX_FADV_DONTNEED);
	return r;
}

/* The peer's descriptor does not block: a peer that takes nothing must not keep us for ever. */
static int write_to_peer(const struct pump *p, const uint8_t *data, size_t size)
{
	while (size > 0) {
		struct pollfd fd = {.fd = p->file, .events = POLLOUT};
		ssize_t n = write(p->file, data, size);

		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		} else if (poll(&fd, 1, (int)MIN(p->limit / USEC_PER_MSEC, (usec_t)INT_MAX)) == 0) {
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static int pass_on(struct pump *p, int from,
		   int (*deliver)(const struct pump *p, const uint8_t *data, size_t size))
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	ssize_t n = buffer ? 1 : -ENOMEM;

	while (n > 0) {
		n = take(p, from, buffer, CHUNK);
		if (n > 0) {
			int r = deliver(p, buffer, (size_t)n);

			if (r < 0)
				return r;
			count(p, (size_t)n);
		}
	}
	return (int)n;
}

static int read_file(struct pump *p)
{
	return pass_on(p, p->file, write_to_libxl);
}

static int feed_peer(struct pump *p)
{
	return pass_on(p, p->pipe, write_to_peer);
}

static void *run(void *data)
{
	struct pump *p = data;

	p->error = p->carry(p);
	if (p->error >= 0)
		p->error = stream_end(&p->stream);
	/* Not of the stream: some file systems have it for a damaged block. */
	if (p->error == -EBADMSG && p->stream.problem == STREAM_NO_PROBLEM)
		p->error = -EIO;
	atomic_store(&p->ended, true);
	/* Now the other side sees the end or, where it writes, that no reader is left. */
	close(p->pipe);
	p->pipe = -1;
	return NULL;
}

static int start(int fd, int (*carry)(struct pump *p), usec_t limit, struct pump **ret,
		 int *ret_pipe)
{
	struct pump *p = calloc(1, sizeof(*p));
	int ours = carry == read_file, ends[2], r;

	if (!p)
		return -ENOMEM;
	*p = (struct pump){
		.file = fd, .pipe = -1, .carry = carry, .stream = STREAM_INIT, .limit = limit};
	p->hash = XXH64_createState();
	if (!p->hash) {
		pump_free(p);
		return -ENOMEM;
	}
	XXH64_reset(p->hash, 0);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = -errno;
		pump_free(p);
		return r;
	}
	p->pipe = ends[ours];
	/* As large as it may be; a smaller one only costs more turns. */
	fcntl(p->pipe, F_SETPIPE_SZ, CHUNK);
	r = -pthread_create(&p->thread, NULL, run, p);
	if (r < 0) {
		close(ends[!ours]);
		pump_free(p);
		return r;
	}
	*ret_pipe = ends[!ours];
	*ret = p;
	return 0;
}

int pump_to_file(int fd, struct pump **ret, int *ret_pipe)
{
	return start(fd, write_file, 0, ret, ret_pipe);
}

int pump_to_peer(int fd, usec_t limit, struct pump **ret, int *ret_pipe)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return start(fd, feed_peer, limit, ret, ret_pipe);
}

int pump_from_file(int fd, struct pump **ret, int *ret_pipe)
{
	return start(fd, read_file, 0, ret, ret_pipe);
}

uint64_t pump_bytes(const struct pump *pump)
{
	return atomic_load(&pump->bytes);
}

bool pump_has_ended(const struct pump *pump)
{
	return atomic_load(&pump->ended);
}

void pump_join(struct pump *p, struct pump_result *ret)
{
	pthread_join(p->thread, NULL);
	*ret = (struct pump_result){
		.error = p->error,
		.problem = p->stream.problem,
		.bytes = atomic_load(&p->bytes),
		.hash = XXH64_digest(p->hash),
	};
	pump_free(p);
}
