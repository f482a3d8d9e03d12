/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "util/macro.h"

/*
 * Puts a new file in the place of the ledger, while others append to it. The new file has what was
 * known of a first part of the old one; the rest is copied.
 *
 * No lock is held while the disk is waited for. Who makes the new file, or gives it the ledger's
 * name, holds the exclusive lock of the ledger; who appends holds the shared one.
 */
struct rewrite {
	const char *path; /* of the ledger */
	const char *new;  /* of the new file */
	ino_t old_inode;  /* of the ledger; 0: there is none */
	off_t old_size;   /* of the part that is known */
	size_t old_n;     /* records in that */
	ino_t new_inode;
	off_t new_size; /* of the bytes written there for it */
	size_t new_n;
};

/*
 * Creates the new file, for the known part of the old one. Fills in old_inode, if it is 0, and
 * new_inode. 0 with the file's descriptor, -EBUSY if the ledger is locked, -ESTALE if it is another
 * file, or -errno.
 */
int rewrite_begin(struct rewrite *rw, int *ret_fd);

/*
 * Waits for the disk. 0 once the new file is the ledger; -EBUSY if others appended all the time,
 * -ESTALE if the ledger or the new file is another file by now, or -errno.
 */
int rewrite_finish(const struct rewrite *rw);
