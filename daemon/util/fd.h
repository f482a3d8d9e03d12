/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include "util/macro.h"

static inline void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define _cleanup_close_ _cleanup_(fd_closep)

/* Writes or reads all of it, through interruptions. 0, -errno, or -ENODATA where a read ends. */
int fd_write_all(int fd, const void *data, size_t size);
int fd_pwrite_all(int fd, const void *data, size_t size, off_t offset);
int fd_read_all(int fd, void *data, size_t size);

/* A descriptor goes over a UNIX socket, with one byte. Neither waits where the socket does not. */
int fd_pass(int channel, int fd);

/* *ret is the caller's. 0, -errno, or -ENODATA where the other end has closed. */
int fd_receive(int channel, int *ret);

/*
 * The whole of a file, with a terminator that *ret_size (may be NULL) does not count.
 * -EFBIG if it holds more than max bytes; -EISDIR and the like if it is not a regular file.
 */
int fd_read_file(int fd, size_t max, char **ret, size_t *ret_size);
int file_read(const char *path, size_t max, char **ret, size_t *ret_size);

/* Makes what was renamed, made or removed in the directory of path last over a power cut. */
int fsync_parent(const char *path);

/* As rename(2), but a file that has the new name already stays: -EEXIST. */
int rename_new(const char *from, const char *to);

/*
 * Gives a file a name of its own, PATH MARK TIME, and replaces none. 0 with the name, or -errno. It
 * lasts over a power cut once the directory is synced.
 */
int file_put_aside(const char *path, const char *mark, char **ret);

/* Makes a directory, unless it is there. 0 or -errno. */
int make_directory(const char *path, mode_t mode);

/* The same for the directory of a file, on the disk too: otherwise a power cut takes both away. */
int make_directory_of(const char *file, mode_t mode);
