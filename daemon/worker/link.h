/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/stat.h>

/*
 * Finds where a symbolic link leads, if root alone can change that: the link, its directory, each
 * directory and link on the way, and the file belong to root (or to the user that we run as), and
 * no other user can write them. A sticky directory may be written by others, since they cannot
 * rename a file of root's in it.
 *
 * Returns 0 with a path without links; or -errno with the reason in words, of which callers decide
 * on:
 *
 *   -ENOENT  the target does not exist
 *   -EPERM   other users can change where the link leads, or the file
 */
int link_follow(const char *path, char **ret, char **ret_problem);

/*
 * Goes an absolute path, and calls for each name on it, and on the way that each link leads; st is
 * of the link itself. Nothing is checked. What the call returns ends it where that is below 0. 0 or
 * -errno.
 */
typedef int (*link_step_fn)(void *data, const char *path, const struct stat *st);
int link_walk(const char *path, link_step_fn step, void *data);

/*
 * Opens a file, also through a link that link_follow() accepts; flags as for open(2). Returns the
 * descriptor, or -errno with the reason in words.
 */
int link_open(const char *path, int flags, char **ret_problem);
