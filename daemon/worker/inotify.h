/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Has the inotify descriptor tell of each change to a directory and the files in it, or to one
 * file, and of each that has the path lead elsewhere. A link is followed. 0; -EREMOTE where another
 * host may write the file system, which inotify does not see, or its kind is not known; or another
 * -errno.
 */
int inotify_tell(int inotify, const char *path);
