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
#include "worker/image/packer.h"
#include "worker/image/source.h"
#include "worker/image/writer.h"

#define CHUNK (1U << 20)

/* Of what was read, so much at a time is dropped from the page cache. */
#define DROP_CHUNK (16U << 20)

struct pump {
	pthread_t thread;
	int file, pipe; /* the pipe is ours */
	int (*carry)(struct pump *p);
	struct source *source; /* of the stream: the pipe or the file */
	struct stream stream;
	XXH64_state_t *hash;
	struct image_writer *writer; /* NULL, or of the file */
	struct packer *packer;       /* NULL, or before that */
	_Atomic uint64_t bytes;
	_Atomic uint64_t stored; /* with a packer: what the writer has written */
	unsigned threads;        /* of the packer */
	usec_t limit;            /* for a write to a peer */
	_Atomic bool ended;
	int error;
};

static void pump_free(struct pump *p)
{
	if (p->pipe >= 0)
		close(p->pipe);
	source_free(p->source);
	packer_free(p->packer);
	if (p->writer)
		writer_end(p->writer, false);
	if (p->hash)
		XXH64_freeState(p->hash);
	free(p);
}

/* Reads, walks and hashes what comes. How much that is, 0 at the end of a stream, or -errno. */
static ssize_t take(struct pump *p, void *buffer, size_t size)
{
	ssize_t n = source_read(p->source, buffer, size, &p->stream.problem);
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
		n = n < 0 ? n : take(p, room, size);
		if (n > 0)
			writer_put(p->writer, (size_t)n);
	}
	/* The disk may be slow, and who aborts a save waits for this. */
	r = writer_end(TAKE_PTR(p->writer), n == 0);
	return r < 0 ? r : (int)n;
}

static int pack_file(struct pump *p)
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	ssize_t n = buffer ? 1 : -ENOMEM;
	int r;

	while (n > 0) {
		n = take(p, buffer, CHUNK);
		r = n > 0 ? packer_feed(p->packer, p->writer, buffer, (size_t)n) : 0;
		if (n > 0 && r >= 0)
			count(p, (size_t)n);
		n = r < 0 ? r : n;
	}
	if (n == 0)
		n = packer_end(p->packer, p->writer);
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

static int pass_on(struct pump *p,
		   int (*deliver)(const struct pump *p, const uint8_t *data, size_t size))
{
	_cleanup_free_ uint8_t *buffer = malloc(CHUNK);
	ssize_t n = buffer ? 1 : -ENOMEM;

	while (n > 0) {
		n = take(p, buffer, CHUNK);
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
	return pass_on(p, write_to_libxl);
}

static int feed_peer(struct pump *p)
{
	return pass_on(p, write_to_peer);
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

static bool fills_file(const struct pump *p)
{
	return p->carry == write_file || p->carry == pack_file;
}

static int start_threads(struct pump *p)
{
	int r = 0;

	if (fills_file(p))
		r = writer_new(p->file, p->packer ? &p->stored : &p->bytes, &p->writer);
	return r < 0 ? r : -pthread_create(&p->thread, NULL, run, p);
}

/* What the thread needs besides the pipe. packed: what source_new() is told of the file. */
static int prepare(struct pump *p, enum compression packed, uint64_t bytes)
{
	int r;

	p->hash = XXH64_createState();
	if (!p->hash)
		return -ENOMEM;
	XXH64_reset(p->hash, 0);
	r = p->carry == read_file ? source_new(p->file, packed, bytes, &p->source)
				  : source_new(p->pipe, COMPRESSION_NONE, 0, &p->source);
	return r < 0 || p->carry != pack_file ? r : packer_new(p->threads, &p->packer);
}

/* Signals are for the thread that is libxl's. */
static int prepare_and_start(struct pump *p, enum compression packed, uint64_t bytes)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	r = prepare(p, packed, bytes);
	r = r < 0 ? r : start_threads(p);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static int start(struct pump pump, enum compression packed, uint64_t bytes, struct pump **ret,
		 int *ret_pipe)
{
	struct pump *p = calloc(1, sizeof(*p));
	int ours = pump.carry == read_file, ends[2], r;

	if (!p)
		return -ENOMEM;
	*p = pump;
	p->pipe = -1;
	p->stream = STREAM_INIT;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = -errno;
		pump_free(p);
		return r;
	}
	p->pipe = ends[ours];
	/* As large as it may be; a smaller one only costs more turns. */
	fcntl(p->pipe, F_SETPIPE_SZ, CHUNK);
	r = prepare_and_start(p, packed, bytes);
	if (r < 0) {
		close(ends[!ours]);
		pump_free(p);
		return r;
	}
	*ret_pipe = ends[!ours];
	*ret = p;
	return 0;
}

int pump_to_file(int fd, enum compression compression, unsigned threads, struct pump **ret,
		 int *ret_pipe)
{
	struct pump pump = {
		.file = fd,
		.carry = compression == COMPRESSION_NONE ? write_file : pack_file,
		.threads = threads,
	};

	return start(pump, COMPRESSION_NONE, 0, ret, ret_pipe);
}

int pump_to_peer(int fd, usec_t limit, struct pump **ret, int *ret_pipe)
{
	struct pump pump = {.file = fd, .carry = feed_peer, .limit = limit};
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return start(pump, COMPRESSION_NONE, 0, ret, ret_pipe);
}

int pump_from_file(int fd, enum compression compression, uint64_t bytes, struct pump **ret,
		   int *ret_pipe)
{
	return start((struct pump){.file = fd, .carry = read_file}, compression, bytes, ret,
		     ret_pipe);
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
		.stored = atomic_load(p->packer ? &p->stored : &p->bytes),
		.hash = XXH64_digest(p->hash),
	};
	pump_free(p);
}
