/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/image-names.h"

/* The only places that give a file in the directory of images another name. */

/* Extended attribute of an image that was put aside: why. */
#define IMAGE_REASON_XATTR "user.xendomainsd.reason"

/*
 * Removes the rest of a save that was cut off, if there is one. Another guest's image that has this
 * name is kept under the name that xendomainsd gives such an image. If that is in use, the image is
 * put aside. Returns 0 or -errno.
 */
int image_remove_part(const char *part);

/*
 * Gives a file that must not be restored a name of its own, PATH.stale-TIME, and keeps it. Nothing
 * that is there is replaced. 0 with the name, or -errno (-ENOENT: there is no such file).
 */
int image_put_aside(const char *path, const char *reason, char **ret_aside);

/*
 * Removes the image that was opened there, and no other one that has taken its place meanwhile. 0;
 * -ESTALE: another one has; -EBUSY: a guest is saved to it or restored from it; or -errno.
 */
int image_remove(const char *path, int fd);

/*
 * Has image_remove() leave an image alone for as long as the descriptor is open; also tells a
 * survey that a part is being written. Where the file system has no locks, nothing is done.
 */
void image_hold_part(int fd);

/* The same for an image that a guest is restored from. 0, or -EBUSY: it is being removed. */
int image_hold(int fd);

/* Whether a worker writes the part. */
bool image_part_is_held(int fd);

/* Gives a complete image its name, where no file has it. 0 or -errno. */
int image_publish(const char *part, const char *path);
