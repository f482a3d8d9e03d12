/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/stat.h>

#include "model/image-standing.h"
#include "util/outcome.h"
#include "worker/image/check.h"

/*
 * Whether a guest can be brought back from an image, as far as can be told without reading all of
 * it; its checksum is compared while it is read (worker/restore.c).
 */

struct trust_question {
	int fd;                       /* of the image */
	const char *path;             /* for messages: the name that people know */
	enum image_standing standing; /* IMAGE_UNKNOWN, too: nothing has been asked */
	const char *ledger;           /* its file; NULL: none is asked */
	const char *xen;              /* the version of this host's; NULL: not known */
};

/*
 * Whether owner and mode of an image are right: who can write it can write a guest's memory. A save
 * asks too, before it suspends the guest.
 */
bool trust_owner(const struct stat *st);

/*
 * 0 with the header, and the size of the whole. Else *ret_problem says in words what is wrong,
 * *ret_verdict whether that is a disk that has changed, one of which nothing tells, or anything
 * else (failed), and the error, which decides nothing, is
 *
 *   -ENODEV            a disk is not there
 *   -EBADMSG, -ENOEXEC broken, or no image at all
 *   -EPERM             others than root can write it
 *   -EPROTONOSUPPORT   from a newer Xen
 *
 * or another -errno.
 */
int trust_check(const struct trust_question *question, struct image_header *ret, uint64_t *ret_size,
		enum operation_outcome *ret_verdict, char **ret_problem);

/*
 * Reads the stream of an image through that trust_check() had nothing against; fn as for
 * check_stream(). 0, -EBADMSG with *ret_problem, or another -errno.
 */
int trust_check_stream(const struct trust_question *question, const struct image_header *header,
		       check_fn fn, void *data, char **ret_problem);
