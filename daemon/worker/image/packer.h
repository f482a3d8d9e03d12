/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/image/writer.h"

/*
 * Compresses a stream by zstd into a writer, in threads of its own: as many as there are CPUs, and
 * PACKER_THREADS at most. Where libzstd was built without threads, the caller's thread does it.
 */
struct packer;

#define PACKER_THREADS 4

/* The threads begin with the first bytes, and have the signal mask of who feeds them. 0 or -ENOMEM.
 */
int packer_new(struct packer **ret);

/* Takes the next bytes. What comes of them goes to the writer, now or later. 0 or -errno. */
int packer_feed(struct packer *packer, struct image_writer *writer, const void *data, size_t size);

/* The stream is complete: what is still missing goes to the writer. 0 or -errno. */
int packer_end(struct packer *packer, struct image_writer *writer);

/* NULL is fine. Always NULL. */
struct packer *packer_free(struct packer *packer);
