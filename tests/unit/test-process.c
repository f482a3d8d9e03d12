/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "unit.h"
#include "util/fd.h"
#include "util/process.h"

/* A child that does nothing until it is killed. */
static pid_t start_child(const char *name)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		/* The handler that it has from the test library would end the test with it. */
		signal(SIGTERM, SIG_DFL);
		prctl(PR_SET_NAME, name);
		close(ends[1]);
		close(ends[0]);
		for (;;)
			pause();
	}
	close(ends[1]);
	/* The end of the pipe says that it has its name. */
	ck_assert_int_eq(read(ends[0], &byte, 1), 0);
	close(ends[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(a_process_is_known_by_number_and_start)
{
	pid_t pid = start_child("child");
	_cleanup_close_ int fd = -1;
	uint64_t start;

	ck_assert_int_eq(process_start_time(pid, &start), 0);
	ck_assert_uint_gt(start, 0);
	fd = process_open(pid, start);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(process_open(pid, start - 1), -ESRCH);
	ck_assert_int_eq(process_open(pid, start + 1), -ESRCH);
	end_child(pid);
}
END_TEST

START_TEST(a_name_with_parentheses_and_blanks_is_no_obstacle)
{
	pid_t child = start_child(") S 1 2 3 (x) ");
	pid_t plain = start_child("plain");
	uint64_t a, b;

	ck_assert_int_eq(process_start_time(child, &a), 0);
	ck_assert_int_eq(process_start_time(plain, &b), 0);
	/* Started one behind the other: the fields are the same ones, then. */
	ck_assert_uint_le(a, b);
	ck_assert_uint_lt(b - a, 6000);
	end_child(child);
	end_child(plain);
}
END_TEST

START_TEST(the_descriptor_tells_when_the_process_has_ended)
{
	pid_t pid = start_child("child");
	_cleanup_close_ int fd = -1;
	struct pollfd p = {.events = POLLIN};
	uint64_t start;

	ck_assert_int_eq(process_start_time(pid, &start), 0);
	fd = process_open(pid, start);
	p.fd = fd;
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert(!process_has_ended(fd));
	ck_assert_int_eq(process_signal(fd, SIGTERM), 0);
	ck_assert_int_eq(poll(&p, 1, 30000), 1);
	/* Although nobody has waited for it yet. */
	ck_assert(process_has_ended(fd));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(process_signal(fd, SIGTERM), -ESRCH);
	ck_assert_int_eq(process_open(pid, start), -ESRCH);
}
END_TEST

START_TEST(no_process_is_no_process)
{
	uint64_t start;

	ck_assert_int_eq(process_start_time(INT32_MAX, &start), -ESRCH);
	ck_assert_int_eq(process_open(INT32_MAX, 1), -ESRCH);
	ck_assert_int_eq(process_open(0, 1), -EINVAL);
	ck_assert_int_eq(process_signal(-1, SIGTERM), -EBADF);
}
END_TEST

SUITE("process", a_process_is_known_by_number_and_start,
      a_name_with_parentheses_and_blanks_is_no_obstacle,
      the_descriptor_tells_when_the_process_has_ended, no_process_is_no_process);
