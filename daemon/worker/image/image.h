/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/compression.h"
#include "util/time.h"
#include "util/uuid.h"

/*
 * The head of a saved image: xl's header with the guest's configuration as its optional data and,
 * in images of ours, a tail of 4 KiB after the configuration, which xl ignores. The stream follows
 * (worker/image/stream.h), in images of ours at a multiple of 4 KiB, so that the tail is one block.
 *
 * The tail's first half says what the stream is; it is written last, when all else is on the disk.
 * Its second half, the stamp, tells what the guest's disks were like; it is written once the guest
 * is gone, and a reader that finds it torn does without.
 *
 * The block before the tail has the first stamp, which tells what the disks were like while the
 * guest was suspended. It is written with the facts, and never again: while the stamp is written,
 * the first one can be read. Images of earlier versions have no such block.
 *
 * The stream can be compressed: it is one frame of zstd (RFC 8878) then, and nothing else is
 * different. A mandatory flag in xl's header says so, by which xl, and versions of xendomainsd that
 * cannot restore such an image, refuse it. Size and hash in the tail are those of the stream before
 * it was compressed.
 */

#define IMAGE_CONFIG_MAX (1U << 20)

/* What the first half of the tail says. */
struct image_facts {
	struct uuid id; /* of this image, drawn at random */
	struct uuid uuid;
	uint64_t stream_bytes;
	uint64_t stream_hash; /* XXH64 of the stream */
	enum compression compression;
	uint64_t stored_bytes; /* what the stream takes in the file; read if it is compressed */
	usec_t saved_wall;
	char host[65]; /* that saved it, and its Xen's version; "" if that is not known */
	char xen[32];
};

/* A stamp that is longer finds no place. */
#define IMAGE_STAMP_MAX       2000
#define IMAGE_FIRST_STAMP_MAX 4000

struct image_header {
	char *config; /* libxl's JSON */
	char *name;   /* out of it */
	struct uuid uuid;
	off_t stream; /* where it begins */
	bool ours;    /* it has a tail, and facts are known */
	struct image_facts facts;
	char *stamp;       /* JSON, or NULL */
	char *first_stamp; /* the same */
};

/*
 * The bytes before the stream, for a configuration; the tail says that the image is not complete.
 * 0, -EMSGSIZE or -ENOMEM.
 */
int image_header_make(const char *config, enum compression compression, uint8_t **ret,
		      size_t *ret_size);

/* The same as xl writes it, without a tail: for a guest that does not go to a file. */
int image_header_plain(const char *config, uint8_t **ret, size_t *ret_size);

/* Completes an image of ours: writes the facts, or the stamp, into its tail. 0 or -errno. */
int image_write_facts(int fd, const struct image_facts *facts, off_t stream, const char *config);
int image_write_stamp(int fd, const char *stamp, off_t stream);

/* Before the facts. -EMSGSIZE if it finds no place. */
int image_write_first_stamp(int fd, const char *stamp, off_t stream);

/* What can be wrong with the head of an image. */
enum image_problem {
	IMAGE_EMPTY,
	IMAGE_NOT_XL,
	IMAGE_FOREIGN_BYTE_ORDER,
	IMAGE_FOREIGN_XEN,
	IMAGE_HEADER_DAMAGED,
	IMAGE_CUT_SHORT,
	IMAGE_WITHOUT_NAME,
	IMAGE_CONFIG_DAMAGED,
	IMAGE_NEVER_COMPLETED,
	IMAGE_FACTS_DAMAGED,
	IMAGE_FACTS_UNKNOWN,
	IMAGE_COMPRESSION_UNKNOWN,
	_IMAGE_PROBLEM_MAX,
	_IMAGE_PROBLEM_INVALID = -EINVAL,
};

/* The words for it in a message that has named the image. */
const char *image_problem_to_string(enum image_problem problem);

/*
 * Reads the head of an image. 0, -ENOEXEC if it is no image of xl's at all, -EBADMSG if it is one
 * and broken or not understood, both with *ret_problem, or another -errno.
 */
int image_read_header(int fd, struct image_header *ret, enum image_problem *ret_problem);

/* The same on bytes: all that stands before the stream, or as much as there is. */
int image_header_parse(const uint8_t *data, size_t size, struct image_header *ret,
		       enum image_problem *ret_problem);

/*
 * All that stands before the stream, as it would if the stream were not compressed: header->stream
 * bytes. 0 or -errno.
 */
int image_plain_head(int fd, const struct image_header *header, uint8_t **ret);

/* The size of the whole file, of an image of ours, by what it says. */
uint64_t image_file_size(const struct image_header *header);

/* The same, if its stream were not compressed. */
uint64_t image_plain_size(const struct image_header *header);

/*
 * The ID of an image, and when it was written. One of xl's has no ID in it: it is made from what
 * stays the same as long as the file does (inode, size, time, a hash of its head and tail). 0 or
 * -errno.
 */
int image_identify(int fd, const struct image_header *header, struct uuid *ret_id,
		   usec_t *ret_written_wall);

void image_header_done(struct image_header *header);
