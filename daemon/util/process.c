/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/process.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>

#include "util/fd.h"
#include "util/parse.h"
#include "util/str.h"

#define START_TIME_FIELD 22
#define STAT_MAX         4096
#define STATUS_MAX       (64 << 10)

int process_start_time(pid_t pid, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	char *rest;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	r = file_read(path, STAT_MAX, &text, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	/* The second field is the name in parentheses, and can hold anything, parentheses too. */
	rest = strrchr(text, ')');
	for (int field = 2; rest && field < START_TIME_FIELD; field++)
		rest = strchr(rest + 1, ' ');
	if (!rest)
		return -EBADMSG;
	rest++;
	rest[strcspn(rest, " ")] = '\0';
	return parse_u64(rest, UINT64_MAX, ret);
}

int process_open(pid_t pid, uint64_t start_time)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);
	uint64_t start;
	int r;

	if (fd < 0)
		return -errno;
	/* With the descriptor open the number cannot go to another process any more. */
	r = process_start_time(pid, &start);
	if (r < 0)
		return r;
	return start == start_time ? TAKE_FD(fd) : -ESRCH;
}

bool process_has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* Reads a line of /proc/PID/status such as "ShdPnd:	0000000000000100". */
static bool is_pending(const char *status, const char *key, int signal)
{
	const char *line = strstr(status, key);
	unsigned long long pending;

	return line && sscanf(line + strlen(key), " %llx", &pending) == 1 &&
	       pending >> (signal - 1) & 1;
}

int process_is_killed(pid_t pid)
{
	_cleanup_free_ char *status = NULL;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	r = file_read(path, STATUS_MAX, &status, NULL);
	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	return is_pending(status, "\nSigPnd:", SIGKILL) || is_pending(status, "\nShdPnd:", SIGKILL);
}

bool process_is_over(pid_t pid)
{
	_cleanup_close_ int fd = pidfd_open(pid, 0);

	if (fd < 0)
		return errno == ESRCH;
	return process_has_ended(fd) || process_is_killed(pid) > 0;
}

int process_signal(int pidfd, int signal)
{
	return pidfd_send_signal(pidfd, signal, NULL, 0) < 0 ? -errno : 0;
}
