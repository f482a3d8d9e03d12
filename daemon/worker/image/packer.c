/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/packer.h"

#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "util/log.h"

/*
 * The guest waits: half of the time for one tenth more room is no good bargain, and most of what
 * can be gained are pages without anything new in them.
 */
#define LEVEL 1

struct packer {
	ZSTD_CCtx *context;
};

static unsigned count_cpus(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) < 0 ? 1U : (unsigned)CPU_COUNT(&cpus);
}

/* Whether it is ready: memory and threads are taken here, and not with the first bytes. */
static bool begin(struct packer *p, unsigned threads)
{
	ZSTD_outBuffer out = {0};
	ZSTD_inBuffer in = {0};

	p->context = ZSTD_createCCtx();
	if (!p->context ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(p->context, ZSTD_c_compressionLevel, LEVEL)))
		return false;
	/* Refused by a library without threads. */
	(void)ZSTD_CCtx_setParameter(p->context, ZSTD_c_nbWorkers, (int)threads);
	return !ZSTD_isError(ZSTD_compressStream2(p->context, &out, &in, ZSTD_e_continue));
}

int packer_new(unsigned threads, struct packer **ret)
{
	struct packer *p = calloc(1, sizeof(*p));
	bool ready;

	if (!p)
		return -ENOMEM;
	threads = threads > 0 ? MIN(threads, PACKER_THREADS) : PACKER_THREADS;
	ready = begin(p, MIN(threads, count_cpus()));
	if (!ready) {
		log_warning(
			"Too little memory, or no threads left, to compress in several threads: compressing in one");
		ZSTD_freeCCtx(TAKE_PTR(p->context));
		ready = begin(p, 0);
	}
	if (!ready) {
		packer_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

static int to_errno(size_t result)
{
	return ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation ? -ENOMEM : -EIO;
}

/* One turn: what is ready goes to the writer. 0 with what zstd says, or -errno. */
static int turn(struct packer *p, struct image_writer *w, ZSTD_inBuffer *in, ZSTD_EndDirective end,
		size_t *ret_left)
{
	ZSTD_outBuffer out = {0};
	uint8_t *room;
	int r = writer_room(w, &room, &out.size);

	if (r < 0)
		return r;
	out.dst = room;
	*ret_left = ZSTD_compressStream2(p->context, &out, in, end);
	if (ZSTD_isError(*ret_left))
		return to_errno(*ret_left);
	if (out.pos > 0)
		writer_put(w, out.pos);
	return 0;
}

int packer_feed(struct packer *p, struct image_writer *w, const void *data, size_t size)
{
	ZSTD_inBuffer in = {.src = data, .size = size};
	size_t left;
	int r = 0;

	while (r >= 0 && in.pos < in.size)
		r = turn(p, w, &in, ZSTD_e_continue, &left);
	return r;
}

int packer_end(struct packer *p, struct image_writer *w)
{
	ZSTD_inBuffer in = {0};
	size_t left = 1;
	int r = 0;

	while (r >= 0 && left > 0)
		r = turn(p, w, &in, ZSTD_e_end, &left);
	return r;
}

struct packer *packer_free(struct packer *p)
{
	if (!p)
		return NULL;
	ZSTD_freeCCtx(p->context);
	free(p);
	return NULL;
}
