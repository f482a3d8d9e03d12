/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/image/image.h"
#include "worker/image/stream.h"

/*
 * Whether the stream of an image is whole. Each returns 0, -EBADMSG with *ret_problem (which is
 * STREAM_NO_PROBLEM otherwise), or another -errno. They move the file's position.
 */

/* By the size of the file. Of an image of xl's nothing is known of that. */
int check_size(const struct image_header *header, uint64_t size, enum stream_problem *ret_problem);

/* That it begins with a guest. */
int check_beginning(int fd, const struct image_header *header, enum stream_problem *ret_problem);

/*
 * All of it, with its checksum if it has one. What it held before it was compressed is passed on
 * piece by piece, as far as its structure is right, to fn, unless that is NULL. What fn returns
 * ends this where it is below 0.
 */
typedef int (*check_fn)(void *data, const uint8_t *piece, size_t size);
int check_stream(int fd, const struct image_header *header, check_fn fn, void *data,
		 enum stream_problem *ret_problem);
