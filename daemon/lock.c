/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "lock.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>

#include "util/fd.h"
#include "util/process.h"

#define KILL_LIMIT_MSEC 5000

static void read_holder(int fd, pid_t *ret_pid, uint64_t *ret_start)
{
	char text[64] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long long pid;
	unsigned long long start;

	if (n > 0 && sscanf(text, "%lld %llu", &pid, &start) == 2) {
		*ret_pid = (pid_t)pid;
		*ret_start = start;
	}
}

static int write_holder(int fd)
{
	char text[64];
	uint64_t start;
	int n, r = process_start_time(getpid(), &start);

	if (r < 0)
		return r;
	n = snprintf(text, sizeof(text), "%d %llu\n", (int)getpid(), (unsigned long long)start);
	if (ftruncate(fd, 0) < 0)
		return -errno;
	return fd_pwrite_all(fd, text, (size_t)n, 0);
}

static int take(const char *path, pid_t *ret_pid, uint64_t *ret_start)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	*ret_pid = 0;
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		read_holder(fd, ret_pid, ret_start);
		return -EBUSY;
	}
	r = write_holder(fd);
	return r < 0 ? r : TAKE_FD(fd);
}

int lock_take(const char *path, pid_t *ret_holder)
{
	uint64_t start;

	return take(path, ret_holder, &start);
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

static int end_holder(pid_t pid, uint64_t start, int limit_msec)
{
	_cleanup_close_ int pidfd = pid > 0 ? process_open(pid, start) : -ESRCH;
	int r = pidfd < 0 ? pidfd : process_signal(pidfd, SIGTERM);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	r = wait_for_end(pidfd, limit_msec);
	if (r != -ETIMEDOUT)
		return r;
	r = process_signal(pidfd, SIGKILL);
	return r < 0 && r != -ESRCH ? r : wait_for_end(pidfd, KILL_LIMIT_MSEC);
}

int lock_take_over(const char *path, int limit_msec)
{
	uint64_t start;
	pid_t pid;
	int fd = take(path, &pid, &start);
	int r;

	if (fd != -EBUSY)
		return fd;
	r = end_holder(pid, start, limit_msec);
	return r < 0 ? r : take(path, &pid, &start);
}
