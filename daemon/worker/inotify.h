/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Has the inotify descriptor tell of each change to a directory and the files in it, or to one
 * file. A link is followed. 0; -EREMOTE where the file system may be written by another host, which
 * inotify does not see, or is of a kind that is not known; or another -errno.
 */
int inotify_tell(int inotify, const char *path);
