/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Which directory a path leads to, in a text that is the same after a boot: the UUID of the file
 * system (or what statfs(2) says, where it has none) and the directory's inode. So a directory
 * whose file system is not mounted is told from one whose files were removed. 0 or -errno.
 */
int directory_identify(const char *path, char **ret);
