/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/writer.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "worker/image/zeros.h"

/* One is filled and one is written; the third is for when neither side is steady. */
#define BUFFERS 3

/* So large that a disk which serves several images at once has little to seek between them. */
#define BUFFER_SIZE (4U << 20)

/* Writes past the page cache begin and end at a multiple of it; no known disk needs more. */
#define ALIGNMENT 4096U

/* Memory that the disk gets in few pieces. Where there are no such pages, small ones do. */
#define HUGE_PAGE (2U << 20)

struct buffer {
	uint8_t *data;
	size_t begin, end; /* what it holds, at the same distance from a block as in the file */
};

/*
 * The buffers are a ring. The thread has those from number done to number full - 1, both counted
 * from the beginning, and the user has the others.
 */
struct image_writer {
	pthread_t thread;
	struct buffer buffers[BUFFERS];
	struct buffer *filling; /* the user's: number full, or NULL */
	int fd;
	off_t at; /* the thread's: where number done goes */
	_Atomic uint64_t *written;

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	unsigned full, done;
	bool ended, dropped;
	int error;
};

/*
 * Writes past the page cache, which is for data that is read soon, unlike an image. If the file
 * system cannot do that, starts writing the cached data to the disk and drops the data before it,
 * so that the sync at the end finds little to do.
 */
static int write_direct(int fd, const uint8_t *data, size_t size, off_t offset)
{
	int flags = fcntl(fd, F_GETFL);
	int r = -EINVAL;

	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) >= 0) {
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

/*
 * The room that was reserved for it is given back, once it is within the file's size: beyond that,
 * some file systems give nothing back. Where there are no holes, the room stays, full of zeros.
 */
static int make_hole(int fd, off_t offset, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < offset + (off_t)size && ftruncate(fd, offset + (off_t)size) < 0)
		return -errno;
	(void)!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, (off_t)size);
	return 0;
}

/* Nothing was there before, so that what is left out reads as zeros. */
static int write_around_zeros(int fd, const uint8_t *data, size_t size, off_t offset)
{
	int r = 0;

	while (r >= 0 && size > 0) {
		size_t zeros, before = zeros_find(data, size, &zeros);

		if (before > 0)
			r = write_direct(fd, data, before, offset);
		if (r >= 0 && zeros > 0)
			r = make_hole(fd, offset + (off_t)before, zeros);
		data += before + zeros;
		offset += (off_t)(before + zeros);
		size -= before + zeros;
	}
	return r;
}

/* To the offset goes what stands at the buffer's begin. */
static int write_buffer(int fd, const struct buffer *b, off_t offset)
{
	size_t first = MIN((b->begin + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, b->end);
	size_t last = MAX(b->end / ALIGNMENT * ALIGNMENT, first);
	off_t start = offset - (off_t)b->begin;
	int r = fd_pwrite_all(fd, b->data + b->begin, first - b->begin, offset);

	r = r < 0 ? r : write_around_zeros(fd, b->data + first, last - first, start + (off_t)first);
	return r < 0 ? r : fd_pwrite_all(fd, b->data + last, b->end - last, start + (off_t)last);
}

/* The next one of the thread's, or NULL at the end. The caller has the mutex. */
static const struct buffer *wait_for_full(struct image_writer *w)
{
	while (w->done == w->full && !w->ended)
		pthread_cond_wait(&w->changed, &w->mutex);
	return w->done == w->full || w->dropped || w->error < 0 ? NULL
								: &w->buffers[w->done % BUFFERS];
}

static void *run(void *data)
{
	struct image_writer *w = data;
	const struct buffer *b;

	pthread_mutex_lock(&w->mutex);
	while ((b = wait_for_full(w))) {
		size_t size = b->end - b->begin;
		int r;

		pthread_mutex_unlock(&w->mutex);
		r = write_buffer(w->fd, b, w->at);
		w->at += (off_t)size;
		if (r >= 0)
			atomic_fetch_add(w->written, size);
		pthread_mutex_lock(&w->mutex);
		w->error = r;
		w->done++;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static int buffer_init(struct buffer *b)
{
	b->data = aligned_alloc(HUGE_PAGE, BUFFER_SIZE);
	if (!b->data)
		return -ENOMEM;
	madvise(b->data, BUFFER_SIZE, MADV_HUGEPAGE);
	return 0;
}

static void writer_free(struct image_writer *w)
{
	for (size_t i = 0; i < BUFFERS; i++)
		free(w->buffers[i].data);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

int writer_new(int fd, _Atomic uint64_t *written, struct image_writer **ret)
{
	struct image_writer *w = calloc(1, sizeof(*w));
	int r = 0;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	w->fd = fd;
	w->written = written;
	w->at = lseek(fd, 0, SEEK_CUR);
	if (w->at < 0)
		r = -errno;
	w->filling = &w->buffers[0];
	w->filling->begin = w->filling->end = (size_t)MAX(w->at, 0) % ALIGNMENT;
	for (size_t i = 0; r >= 0 && i < BUFFERS; i++)
		r = buffer_init(&w->buffers[i]);
	r = r < 0 ? r : -pthread_create(&w->thread, NULL, run, w);
	if (r < 0) {
		writer_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

int writer_room(struct image_writer *w, uint8_t **ret, size_t *ret_size)
{
	int r;

	pthread_mutex_lock(&w->mutex);
	while (!w->filling && w->full - w->done == BUFFERS && w->error >= 0)
		pthread_cond_wait(&w->changed, &w->mutex);
	r = w->error;
	pthread_mutex_unlock(&w->mutex);
	if (r < 0)
		return r;
	if (!w->filling) {
		w->filling = &w->buffers[w->full % BUFFERS];
		w->filling->begin = w->filling->end = 0;
	}
	*ret = w->filling->data + w->filling->end;
	*ret_size = BUFFER_SIZE - w->filling->end;
	return 0;
}

static void hand_over(struct image_writer *w)
{
	w->filling = NULL;
	pthread_mutex_lock(&w->mutex);
	w->full++;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

void writer_put(struct image_writer *w, size_t size)
{
	w->filling->end += size;
	if (w->filling->end == BUFFER_SIZE)
		hand_over(w);
}

int writer_end(struct image_writer *w, bool wanted)
{
	int r;

	if (wanted && w->filling && w->filling->end > w->filling->begin)
		hand_over(w);
	pthread_mutex_lock(&w->mutex);
	w->ended = true;
	w->dropped = !wanted;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
	r = w->error;
	writer_free(w);
	return r;
}
