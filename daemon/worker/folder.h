/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "util/macro.h"

/* The names in a directory, in order. */
struct file_list {
	char **names;
	size_t n;
};

/* A directory that is not there is an empty one. 0 or -errno. */
int file_list_read(const char *path, struct file_list *ret);
void file_list_done(struct file_list *f);
