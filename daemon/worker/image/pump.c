/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/pump.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <xxhash.h>

#include "util/fd.h"
#include "worker/image/writer.h"

#define CHUNK (1U << 20)

/* Of what was read, so much at a time is dropped from the page cache. */
#define DROP_CHUNK (16U << 20)

struct pump {
	pthread_t thread;
	int file, pipe; /* the pipe is ours */
	int (*carry)(struct pump *p);
	struct stream stream;
	XXH64_state_t *hash;
	struct image_writer *writer; /* NULL, or of the file */
	_Atomic uint64_t bytes;
	usec_t limit; /* for a write to a peer */
	_Atomic bool ended;
	int error;
};

static void pump_free(struct pump *p)
{
	if (p->pipe >= 0)
		close(p->pipe);
	if (p->writer)
		writer_end(p->writer, false);
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

/* Reads, walks and hashes what comes. How much that is, 0 at the end of a stream, or -errno. */
static ssize_t take(struct pump *p, int fd, void *buffer, size_t size)
{
	ssize_t n = read_some(fd, buffer, size);
	int r = 0;

	if (n > 0)
		r = stream_feed(&p->stream, buffer, (size_t)n);
	else if (n == 0)
		r = stream_end(&p->stream);
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

static int write_file(struct pump *p)
{
	ssize_t n = 1;
	int r;

	while (n > 0) {
		uint8_t *room;
		size_t size;

		n = writer_room(p->writer, &room, &size);
		n = n < 0 ? n : take(p, p->pipe, room, size);
		if (n > 0)
			writer_put(p->writer, (size_t)n);
	}
	/* The disk may be slow, and who aborts a save waits for this. */
	r = writer_end(TAKE_PTR(p->writer), n == 0);
	return r < 0 ? r : (int)n;
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
	/* Not of the stream: some file systems have it for a damaged block. */
	if (p->error == -EBADMSG && p->stream.problem == STREAM_NO_PROBLEM)
		p->error = -EIO;
	atomic_store(&p->ended, true);
	/* Now the other side sees the end or, where it writes, that no reader is left. */
	close(p->pipe);
	p->pipe = -1;
	return NULL;
}

/* Signals are for the thread that is libxl's. */
static int start_threads(struct pump *p)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = p->carry == write_file ? writer_new(p->file, &p->bytes, &p->writer) : 0;
	r = r < 0 ? r : -pthread_create(&p->thread, NULL, run, p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
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
	r = start_threads(p);
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
