/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * The names of files in the directory of images (they are given by worker/image/names.h). A name is
 * for people: which image is the newest is said by the ledger.
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
 * A guest's name as a file name, and back. Letters, digits and "+,-.=@^_" stand for themselves,
 * any other byte is written %XX, and so is a leading dot or the dot of a suffix that means
 * something to us (see image_file_kind()). A name too long for a file is -ENAMETOOLONG.
 */
int file_name_escape(const char *name, char **ret);
int file_name_unescape(const char *file, char **ret);
