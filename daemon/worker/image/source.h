/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/compression.h"
#include "worker/image/stream.h"

/* Where the stream of an image comes from: the file, or what was compressed into it. */
struct source;

/*
 * From the file's present position to its end. Of a compressed stream, which may come from anyone,
 * so many bytes must come, and no others. The file stays the caller's. 0 or -ENOMEM.
 */
int source_new(int fd, enum compression compression, uint64_t bytes, struct source **ret);

/*
 * Reads the next bytes. How many, 0 at the end, -EBADMSG with *ret_problem for what cannot be
 * decompressed, or -errno of the file.
 */
ssize_t source_read(struct source *source, void *buffer, size_t size,
		    enum stream_problem *ret_problem);

/* NULL is fine. Always NULL. */
struct source *source_free(struct source *source);

DEFINE_CLEANUP(struct source, source_free);
