/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What lies under a disk: whether this host alone can write it. What is not known to be of one host
 * is shared: network file systems and block devices, DRBD, volumes on a storage network.
 */

/* Of a file: of the file system that it is on. */
bool storage_is_local_file(const char *path);

/* Of a block device: of each device below it. */
bool storage_is_local_device(dev_t number);

/*
 * How much has been written to a block device, in sectors, since it came in this boot; what was
 * discarded counts too, and for a partition what was written to its disk past all partitions. What
 * is written below a volume (device mapper, md), past it, is not in it. 0 or -errno.
 */
int storage_written(dev_t number, uint64_t *ret);

/* The path of the backing file of a loop device. 0, -ENOENT for another device, or -errno. */
int storage_backing_file(dev_t number, char **ret);
