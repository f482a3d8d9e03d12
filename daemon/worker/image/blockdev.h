/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * What a block device is like: which one it is, as udev knows it across boots, its size, and hashes
 * of some regions (worker/image/regions.h).
 */

/*
 * Adds that to a description; the device is read past the page cache, which knows nothing of what
 * a backend has written. 0 or -errno.
 */
int blockdev_describe(const char *path, struct json_object *description);

/*
 * Why the device is not as it was described, as what a sentence says of it; NULL: it is as it was.
 * 0, -EBADMSG if the description is not one of a block device, -ENODEV if the device is not there
 * or cannot be read, or -ENOMEM.
 */
int blockdev_compare(const char *path, struct json_object *description, const char **ret_how);
