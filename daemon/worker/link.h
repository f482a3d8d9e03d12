/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Where a symbolic link leads, if root alone can say so: from its target on, each directory that is
 * gone through, each further link, and the file belong to root (or to whoever we are), and nobody
 * else can write them. A sticky directory may be written by others, who cannot rename what is
 * root's.
 *
 * 0 with a path without links; or -errno with the reason in words, of which these can be decided
 * on:
 *
 *   -ENOENT  it leads nowhere
 *   -EPERM   others can change where it leads, or what is there
 */
int link_follow(const char *path, char **ret, char **ret_problem);

/*
 * Opens a file, also by a link that link_follow() lets pass; flags as for open(2). The descriptor,
 * or -errno with the reason in words.
 */
int link_open(const char *path, int flags, char **ret_problem);
