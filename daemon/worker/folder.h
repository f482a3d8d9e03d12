/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "util/macro.h"

/* The names in a directory, in order. */
struct file_list {
	char **names;
	size_t n;
};

/* A directory that is not there is an empty one. 0, -EFBIG if it has too many files, or -errno. */
int file_list_read(const char *path, struct file_list *ret);

/* Why it could not be read. */
const char *file_list_error(int error);
void file_list_done(struct file_list *f);
