/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "util/macro.h"

/* The names in a folder, in order. */
struct file_list {
	char **names;
	size_t n;
};

/* A folder that is not there is an empty one. 0 or -errno. */
int file_list_read(const char *path, struct file_list *ret);
void file_list_done(struct file_list *f);

/* What a file in the folder of images is, by its name. */
enum image_file {
	IMAGE_FILE_IMAGE,
	IMAGE_FILE_CONSUMED, /* a guest was being let go from it */
	IMAGE_FILE_PART,     /* it was not complete yet */
	IMAGE_FILE_ASIDE,    /* its guest was started afresh */
	IMAGE_FILE_OTHER,    /* hidden */
};

#define IMAGE_CONSUMED_SUFFIX ".restoring"
#define IMAGE_PART_SUFFIX     ".part"
#define IMAGE_ASIDE_MARK      ".stale-"

enum image_file image_file_kind(const char *name);
