/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/instance-lock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>

#include "util/fd.h"
#include "util/process.h"
#include "util/str.h"
#include "util/time.h"

/* A process that can die dies within this time. */
#define KILL_LIMIT_MSEC 2000

/* The guard is held for a moment, unless its holder is stopped in that. */
#define GUARD_LIMIT      (10 * USEC_PER_SEC)
#define GUARD_PAUSE_MSEC 10

struct holder {
	pid_t pid; /* 0: it is not known */
	uint64_t start;
};

static void read_holder(int fd, struct holder *ret)
{
	char text[64] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long long pid;
	unsigned long long start;

	if (n > 0 && sscanf(text, "%lld %llu", &pid, &start) == 2)
		*ret = (struct holder){.pid = (pid_t)pid, .start = start};
}

/*
 * Writes in place, which needs no room in a file that was written before. Without room the file
 * does not name the holder of the lock, but the lock is held.
 */
static int write_holder(int fd)
{
	char text[64];
	uint64_t start;
	int n, r = process_start_time(getpid(), &start);

	if (r < 0)
		return r;
	n = snprintf(text, sizeof(text), "%d %llu\n", (int)getpid(), (unsigned long long)start);
	r = fd_pwrite_all(fd, text, (size_t)n, 0);
	/* On a file system that is read-only. */
	if (r == -EBADF)
		return 0;
	if (r == -ENOSPC)
		return ftruncate(fd, 0) < 0 ? -errno : 0;
	return r < 0 ? r : ftruncate(fd, n) < 0 ? -errno : 0;
}

static int open_lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 || errno != EROFS)
		return fd < 0 ? -errno : fd;
	/* An existing file can be locked even if it cannot be written. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -EROFS : -errno;
	return fd;
}

/*
 * No other process takes the lock, or replaces its file, while this descriptor is open. It is a
 * lock of another file, which only root can open, and is held for a moment only.
 */
static int guard(const char *path)
{
	_cleanup_free_ char *name = NULL;
	_cleanup_close_ int fd = -1;
	usec_t end = usec_now() + GUARD_LIMIT;
	int r = str_format(&name, "%s.guard", path);

	fd = r < 0 ? r : open_lock(name);
	if (fd < 0)
		return fd;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (usec_now() >= end)
			return -ETIMEDOUT;
		usleep(GUARD_PAUSE_MSEC * 1000);
	}
	return TAKE_FD(fd);
}

/* Within a guard. As instance_lock_take(). */
static int try_lock(const char *path, struct holder *ret)
{
	_cleanup_close_ int fd = open_lock(path);
	int r;

	*ret = (struct holder){0};
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		read_holder(fd, ret);
		return -EBUSY;
	}
	r = write_holder(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

/* Within a guard. The file that was the lock keeps its holder, and is of no account any more. */
static int lock_new_file(const char *path)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *new = NULL;
	struct holder nobody;
	int r = str_format(&new, "%s.new", path);

	if (r < 0)
		return r;
	unlink(new);
	fd = try_lock(new, &nobody);
	if (fd < 0)
		return fd;
	return rename(new, path) < 0 ? -errno : TAKE_FD(fd);
}

static int take(const char *path, struct holder *ret)
{
	_cleanup_close_ int guarded = guard(path);

	return guarded < 0 ? guarded : try_lock(path, ret);
}

/* 0 once the process has ended, -ETIMEDOUT, or -errno. */
static int wait_for_end(int pidfd, int limit_msec)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, limit_msec);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

/* 0 once it has ended; -ETIMEDOUT if it was killed, and lives on; or another -errno. */
static int end_holder(const struct holder *holder, int limit_msec)
{
	_cleanup_close_ int pidfd = holder->pid > 0 ? process_open(holder->pid, holder->start)
						    : -EBUSY;
	int r = pidfd < 0 ? pidfd : process_signal(pidfd, SIGTERM);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	r = wait_for_end(pidfd, limit_msec);
	if (r != -ETIMEDOUT)
		return r;
	r = process_signal(pidfd, SIGKILL);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	return wait_for_end(pidfd, KILL_LIMIT_MSEC);
}

/*
 * Its holder does not run any more. Either it has ended, and only a child that it was about to
 * start has the lock; or it was killed, and sleeps in the kernel. It may hold the lock for ever, so
 * another file replaces this one, unless that has happened meanwhile.
 */
static int take_beside(const char *path, const struct holder *dead)
{
	_cleanup_close_ int guarded = guard(path);
	struct holder holder = {0};
	int r = guarded < 0 ? guarded : try_lock(path, &holder);

	if (r != -EBUSY || holder.pid != dead->pid || holder.start != dead->start)
		return r;
	return lock_new_file(path);
}

/* 0 once it has ended; -ETIMEDOUT if it was killed, and lives on; -EBUSY if it was not killed.
 */
static int await_killed(const struct holder *holder)
{
	_cleanup_close_ int pidfd = holder->pid > 0 ? process_open(holder->pid, holder->start)
						    : -EBUSY;
	int r = pidfd < 0 ? pidfd : wait_for_end(pidfd, 0);

	if (r == -ETIMEDOUT)
		r = process_is_killed(holder->pid);
	else if (r >= 0)
		return 0;
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	return r > 0 ? wait_for_end(pidfd, KILL_LIMIT_MSEC) : -EBUSY;
}

int instance_lock_take(const char *path, pid_t *ret_holder, pid_t *ret_beside)
{
	struct holder holder = {0};
	int fd = take(path, &holder);
	int r;

	*ret_beside = 0;
	*ret_holder = holder.pid;
	if (fd != -EBUSY)
		return fd;
	r = await_killed(&holder);
	if (r == -ETIMEDOUT)
		*ret_beside = holder.pid;
	return r < 0 && r != -ETIMEDOUT ? r : take_beside(path, &holder);
}

int instance_lock_take_over(const char *path, int limit_msec, pid_t *ret_beside)
{
	struct holder holder = {0};
	int fd = take(path, &holder);
	int r;

	*ret_beside = 0;
	if (fd != -EBUSY)
		return fd;
	r = end_holder(&holder, limit_msec);
	if (r == -ETIMEDOUT)
		*ret_beside = holder.pid;
	return r < 0 && r != -ETIMEDOUT ? r : take_beside(path, &holder);
}

bool instance_lock_holder_lives(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_close_ int pidfd = -1;
	struct holder holder = {0};

	if (fd >= 0)
		read_holder(fd, &holder);
	if (holder.pid > 0)
		pidfd = process_open(holder.pid, holder.start);
	return pidfd >= 0 && wait_for_end(pidfd, 0) == -ETIMEDOUT;
}
