/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * The names of files in the directory of images, and the only places that give one another name. A
 * name is for people: which image is the newest is said by the ledger.
 */
enum image_file {
	IMAGE_FILE_IMAGE,
	IMAGE_FILE_CONSUMED, /* an image too: an earlier xendomainsd renamed it before a restore */
	IMAGE_FILE_PART,     /* it is not complete */
	IMAGE_FILE_ASIDE,    /* it must not be restored */
	IMAGE_FILE_OTHER,    /* hidden */
};

#define IMAGE_CONSUMED_SUFFIX ".restoring"
#define IMAGE_PART_SUFFIX     ".part"
#define IMAGE_ASIDE_MARK      ".stale-"

/* Extended attribute of an image that was put aside: why. */
#define IMAGE_REASON_XATTR "user.xendomainsd.reason"

enum image_file image_file_kind(const char *name);

/*
 * The kind of a file whose header names this guest. The xendomains script gives an image the
 * guest's name as it is: of a guest named "web.part", "web.part" is the image, and not a part of
 * web's.
 */
enum image_file image_file_kind_of(const char *name, const char *guest);

/* The name of an image while it is written. 0 or -ENOMEM. */
int image_part_path(const char *path, char **ret);

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

/* Gives a complete image its name, where no file has it. 0 or -errno. */
int image_publish(const char *part, const char *path);
