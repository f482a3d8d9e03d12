/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/image.h"

/*
 * Whether a guest can be brought back from an image, as far as can be told without reading all of
 * it; its checksum is compared while it is read (worker/restore.c).
 */

struct trust_question {
	int fd;           /* of the image */
	const char *path; /* for messages: the name that people know */
	/* What the ledger says of it (core/lives.h); NULL: nothing has been asked. */
	const char *standing;
	const char *xen; /* the version of this host's; NULL: not known */
};

/*
 * 0 with the header, and the size of the whole. Else *ret_problem says in words what is wrong, and
 * the error is
 *
 *   -ESTALE            a disk has changed since the save
 *   -EUCLEAN           nothing tells whether one has
 *   -EBADMSG, -ENOEXEC broken, or no image at all
 *   -EPERM             others than root can write it
 *   -EPROTONOSUPPORT   from a newer Xen
 *
 * or another -errno.
 */
int trust_check(const struct trust_question *question, struct image_header *ret, uint64_t *ret_size,
		char **ret_problem);

/*
 * Reads the stream of an image through that trust_check() had nothing against. 0, -EBADMSG with
 * *ret_problem, or another -errno.
 */
int trust_check_stream(const struct trust_question *question, const struct image_header *header,
		       char **ret_problem);
