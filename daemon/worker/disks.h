/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * What a guest's disks are like: a stamp is taken once the guest is saved and gone, and compared
 * before its memory is brought back, which would ruin disks that have changed meanwhile.
 *
 * A file is known by inode, size and time of change (the number of the device that it is on can
 * be another one after a boot). Of a block device nothing is known
 * that another machine, or another boot, could not have changed: for it nothing can be proved.
 */

enum disks_verdict {
	DISKS_UNCHANGED, /* proved */
	DISKS_UNKNOWN,   /* nothing speaks against it, but it is not proved */
	DISKS_CHANGED,   /* proved */
};

/*
 * Writes what is still in memory of the writable disks in a configuration (libxl's JSON) to them,
 * and describes them, as JSON. 0; 1 and no stamp if one of them cannot be described; or -errno
 * where a disk could not be written.
 */
int disks_stamp(const char *config, char **ret);

/*
 * Compares the disks of a configuration with the stamp (NULL: there is none). With DISKS_CHANGED,
 * *ret_reason says which one and how. -ENOMEM.
 */
int disks_compare(const char *config, const char *stamp, enum disks_verdict *ret,
		  char **ret_reason);
