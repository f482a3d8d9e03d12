/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"

/*
 * What a guest's disks are like: a stamp is taken once the guest is saved and gone, and compared
 * before its memory is brought back, which would ruin disks that have changed meanwhile.
 *
 * A file is known by inode, size and time of change (the number of the device that it is on can be
 * another one after a boot), a block device by what worker/image/blockdev.h tells of it. A disk in
 * a driver domain, or one that only a script understands, is not seen from here.
 */

enum disks_verdict {
	DISKS_UNCHANGED, /* proved, as far as a description goes */
	DISKS_UNSEEN,    /* the same, but for some that cannot be seen from here */
	DISKS_UNKNOWN,   /* no stamp describes the disks */
	DISKS_MISSING,   /* a disk is missing, or cannot be read: it may come */
	DISKS_CHANGED,   /* proved */
};

/*
 * Writes what is still in memory of the writable disks in a configuration (libxl's JSON) to them,
 * and describes them, as JSON of at most max bytes: where that is too little, without telling later
 * which of them has changed. 0, or -errno where a disk could not be written.
 */
int disks_stamp(const char *config, size_t max, char **ret);

/*
 * Compares the disks of a configuration with the stamp (NULL: there is none). With
 * DISKS_CHANGED or DISKS_MISSING, *ret_reason says which one and how. -ENOMEM.
 */
int disks_compare(const char *config, const char *stamp, enum disks_verdict *ret,
		  char **ret_reason);

/*
 * The same while the guest is suspended, when its own last requests may still be on the way: the
 * first stamp. It says in which boot it was taken, and how much had been written to each block
 * device. 0, -EMSGSIZE, or -errno as above.
 */
int disks_stamp_first(const char *config, size_t max, char **ret);

/*
 * Compares the disks with a first stamp (NULL: there is none). DISKS_UNCHANGED: nothing was written
 * since, neither in its boot nor in this one. DISKS_UNSEEN: the same, but for some that cannot be
 * seen from here, or that another host can write. DISKS_UNKNOWN: something was written, and it
 * cannot be told from what the guest wrote last; or nothing is known. DISKS_MISSING as above. The
 * ledger (NULL: none) tells whether there was another boot in between: then nothing is known of
 * block devices.
 */
int disks_compare_first(const char *config, const char *stamp, const char *ledger,
			enum disks_verdict *ret, char **ret_reason);

/*
 * The same where there is only the time at which an image was complete: DISKS_CHANGED if a file was
 * written well after that, DISKS_MISSING if a disk is not there, DISKS_UNSEEN if one is no file,
 * else DISKS_UNCHANGED.
 */
int disks_compare_age(const char *config, usec_t saved, enum disks_verdict *ret, char **ret_reason);
