/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "util/macro.h"

/*
 * The parts of a disk that tell, with little reading, whether it was written: a partition table at
 * either end, and what file systems, volume managers and swap keep at the beginning of a device or
 * partition, and change when it is used. A write in between is not seen.
 */
enum region {
	REGION_START,      /* the first MiB */
	REGION_END,        /* the last MiB */
	REGION_PARTITIONS, /* the first 256 KiB of each partition */
	_REGION_MAX,
	_REGION_INVALID = -EINVAL,
};

const char *region_to_string(enum region region);

/*
 * Hashes (XXH64) the regions of a disk of so many bytes. fd may be one for direct I/O: what is read
 * is aligned. 0 or -errno.
 */
int regions_hash(int fd, uint64_t size, uint64_t ret[_REGION_MAX]);
