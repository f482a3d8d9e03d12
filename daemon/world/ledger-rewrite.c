/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/ledger-rewrite.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/time.h"
#include "wire/ledger-record.h"

/* A process that appends holds the lock until the disk has the record. */
#define LOCK_LIMIT (10 * USEC_PER_SEC)
#define LOCK_PAUSE (20 * USEC_PER_MSEC)

/* So often the disk is waited for, and others have appended meanwhile. */
#define ROUNDS_MAX 20

static bool has_name(const char *path, ino_t inode)
{
	struct stat st;

	return lstat(path, &st) >= 0 && st.st_ino == inode;
}

static int try_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) >= 0 ? 0 : errno == EWOULDBLOCK ? -EBUSY : -errno;
}

static int lock(int fd)
{
	usec_t end = usec_now() + LOCK_LIMIT;
	int r;

	while ((r = try_lock(fd)) == -EBUSY && usec_now() < end)
		usleep((useconds_t)LOCK_PAUSE);
	return r;
}

int rewrite_begin(struct rewrite *rw, int *ret_fd)
{
	_cleanup_close_ int old = open(
		rw->path,
		O_RDWR | (rw->old_inode ? 0 : O_CREAT) | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = old < 0 ? -errno : try_lock(old);

	if (r < 0)
		return r;
	if (fstat(old, &st) < 0)
		return -errno;
	if ((rw->old_inode && rw->old_inode != st.st_ino) || !has_name(rw->path, st.st_ino))
		return -ESTALE;
	rw->old_inode = st.st_ino;
	/* The file of a process that did not finish. */
	unlink(rw->new);
	fd = open(rw->new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	rw->new_inode = st.st_ino;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Copies a file from offset on. Returns the number of bytes, or -errno. */
static ssize_t copy(int from, int to, off_t offset)
{
	char buffer[4096];
	ssize_t n, all = 0;

	while ((n = pread(from, buffer, sizeof(buffer), offset + all)) > 0) {
		int r = fd_write_all(to, buffer, (size_t)n);

		if (r < 0)
			return r;
		all += n;
	}
	return n < 0 ? -errno : all;
}

static bool is_known(const struct rewrite *rw, int old, off_t done)
{
	uint64_t format;
	struct stat st;

	/* A copy of another file can be in it by now. */
	if (ledger_format_of(old, 0, &format) < 0 || format > LEDGER_FORMAT_READ)
		return false;
	return fstat(old, &st) >= 0 && st.st_ino == rw->old_inode && st.st_size >= done &&
	       has_name(rw->path, st.st_ino) && has_name(rw->new, rw->new_inode);
}

/* Within the lock. 1 once the new file has the name, 0 if there was more to copy, or -errno. */
static int copy_or_rename(const struct rewrite *rw, int old, int new, off_t *done)
{
	ssize_t n;

	if (!is_known(rw, old, *done))
		return -ESTALE;
	n = copy(old, new, *done);
	if (n < 0)
		return (int)n;
	*done += n;
	if (n > 0)
		return 0;
	return rename(rw->new, rw->path) < 0 ? -errno : 1;
}

static int sync_and_rename(const struct rewrite *rw, int old, int new)
{
	off_t done = rw->old_size;
	int r = 0;

	for (int i = 0; r == 0 && i < ROUNDS_MAX; i++) {
		r = fsync(new) < 0 ? -errno : lock(old);
		if (r < 0)
			return r;
		r = copy_or_rename(rw, old, new, &done);
		flock(old, LOCK_UN);
	}
	return r == 0 ? -EBUSY : r;
}

int rewrite_finish(const struct rewrite *rw)
{
	/* While they are open, no other file has their inodes. */
	_cleanup_close_ int old = open(rw->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_close_ int new = open(rw->new, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	int r = old < 0 || new < 0 ? -errno : sync_and_rename(rw, old, new);

	if (r < 0) {
		/* The next one may have begun. */
		if (has_name(rw->new, rw->new_inode))
			unlink(rw->new);
		return r;
	}
	return fsync_parent(rw->path);
}
