/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/pump.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <xxhash.h>

#include "util/fd.h"

#define CHUNK (1U << 20)

/* So much is left to the disk at a time, so that the sync at the end finds little to do. */
#define WRITEBACK_CHUNK (16U << 20)

struct pump {
	pthread_t thread;
	int file, pipe; /* the pipe is ours */
	bool to_file;
	struct stream stream;
	XXH64_state_t *hash;
	_Atomic uint64_t bytes;
	usec_t limit; /* for a write to a peer; 0: it goes to a file */
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

/*
 * Keeps the page cache for those who need it: an image is not read again soon. What was written is
 * only begun to be; that it is done is what the fsync at the end makes sure of. What was begun with
 * a while ago has most likely been, and can go.
 */
static void make_room(const struct pump *p, uint64_t before, uint64_t after)
{
	off_t end = lseek(p->file, 0, SEEK_CUR);

	if (end < WRITEBACK_CHUNK || before / WRITEBACK_CHUNK == after / WRITEBACK_CHUNK)
		return;
	if (p->to_file)
		sync_file_range(p->file, end - WRITEBACK_CHUNK, WRITEBACK_CHUNK,
				SYNC_FILE_RANGE_WRITE);
	posix_fadvise(p->file, 0, end - WRITEBACK_CHUNK, POSIX_FADV_DONTNEED);
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

static int pass_on(struct pump *p, const void *buffer, size_t size)
{
	uint64_t before = atomic_load(&p->bytes);
	int r = stream_feed(&p->stream, buffer, size);

	if (r < 0)
		return r;
	XXH64_update(p->hash, buffer, size);
	r = p->limit ? write_to_peer(p, buffer, size)
		     : fd_write_all(p->to_file ? p->file : p->pipe, buffer, size);
	if (r < 0)
		return r;
	atomic_store(&p->bytes, before + size);
	if (!p->limit)
		make_room(p, before, before + size);
	return 0;
}

static void *run(void *data)
{
	struct pump *p = data;
	_cleanup_free_ void *buffer = malloc(CHUNK);
	ssize_t n = buffer ? 1 : -ENOMEM;

	while (n > 0) {
		n = read_some(p->to_file ? p->pipe : p->file, buffer, CHUNK);
		if (n > 0) {
			int r = pass_on(p, buffer, (size_t)n);

			if (r < 0)
				n = r;
		}
	}
	p->error = n < 0 ? (int)n : stream_end(&p->stream);
	atomic_store(&p->ended, true);
	/* Now the other side sees the end or, where it writes, that nobody reads any more. */
	close(p->pipe);
	p->pipe = -1;
	return NULL;
}

static int start(int fd, bool to_file, usec_t limit, struct pump **ret, int *ret_pipe)
{
	struct pump *p = calloc(1, sizeof(*p));
	int ends[2], r;

	if (!p)
		return -ENOMEM;
	*p = (struct pump){
		.file = fd, .pipe = -1, .to_file = to_file, .stream = STREAM_INIT, .limit = limit};
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
	p->pipe = to_file ? ends[0] : ends[1];
	/* As large as it may be; a smaller one only costs more turns. */
	fcntl(p->pipe, F_SETPIPE_SZ, CHUNK);
	r = -pthread_create(&p->thread, NULL, run, p);
	if (r < 0) {
		close(to_file ? ends[1] : ends[0]);
		pump_free(p);
		return r;
	}
	*ret_pipe = to_file ? ends[1] : ends[0];
	*ret = p;
	return 0;
}

int pump_to_file(int fd, struct pump **ret, int *ret_pipe)
{
	return start(fd, true, 0, ret, ret_pipe);
}

int pump_to_peer(int fd, usec_t limit, struct pump **ret, int *ret_pipe)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return start(fd, true, limit, ret, ret_pipe);
}

int pump_from_file(int fd, struct pump **ret, int *ret_pipe)
{
	return start(fd, false, 0, ret, ret_pipe);
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
