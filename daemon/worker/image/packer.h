/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/image/writer.h"

/*
 * Compresses a stream by zstd into a writer, in threads of its own. Where they cannot be had, or
 * libzstd was built without threads, the caller's thread does it.
 */
struct packer;

#define PACKER_THREADS 4U

/*
 * threads: at most; 0: does not matter. There are no more than CPUs, nor than PACKER_THREADS. They
 * have the caller's signal mask. 0 or -ENOMEM.
 */
int packer_new(unsigned threads, struct packer **ret);

/* Takes the next bytes. What comes of them goes to the writer, now or later. 0 or -errno. */
int packer_feed(struct packer *packer, struct image_writer *writer, const void *data, size_t size);

/* The stream is complete: what is still missing goes to the writer. 0 or -errno. */
int packer_end(struct packer *packer, struct image_writer *writer);

/* NULL is fine. Always NULL. */
struct packer *packer_free(struct packer *packer);
