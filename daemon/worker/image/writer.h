/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>

#include "util/macro.h"

/*
 * A thread that writes to a file, so that the disk is at work while its user makes what comes next.
 * The user fills one buffer, and the thread writes the full ones, in their order. One thread uses
 * a writer.
 */
struct image_writer;

/*
 * Begins at the file's present position, which does not move, and where the file must end: long
 * runs of zeros become holes. No other process may write to the file meanwhile. The file stays
 * the caller's, and so does *written: the number of bytes that have been written is added to it,
 * and any thread may read it. The writer's thread has the caller's signal mask. 0 or -errno.
 */
int writer_new(int fd, _Atomic uint64_t *written, struct image_writer **ret);

/*
 * Returns the place for the next bytes, and how many fit there, at least 1. Waits while all buffers
 * are full. 0, or -errno of an earlier write.
 */
int writer_room(struct image_writer *writer, uint8_t **ret, size_t *ret_size);

/* So many bytes stand there now. */
void writer_put(struct image_writer *writer, size_t size);

/*
 * Waits for the thread, and frees the writer. If wanted, all bytes are written; otherwise those
 * that the thread has not begun to write are dropped. Nothing is synced. 0, or -errno of the first
 * write that failed.
 */
int writer_end(struct image_writer *writer, bool wanted);
