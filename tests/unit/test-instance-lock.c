/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/instance-lock.h"
#include "unit.h"
#include "util/fd.h"
#include "util/process.h"

/* A process that holds the lock until it is killed; with stubborn, SIGTERM is not enough. */
static pid_t start_holder(const char *path, bool stubborn)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		pid_t holder, beside;

		/* The handler that it has from the test library would end the test with it. */
		signal(SIGTERM, stubborn ? SIG_IGN : SIG_DFL);
		if (instance_lock_take(path, &holder, &beside) < 0 || write(ends[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static int end_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(one_takes_it_and_the_next_one_does_not)
{
	_cleanup_folder_ struct folder f;
	pid_t holder = 1;
	pid_t beside;
	int fd;

	folder_make(&f);
	fd = instance_lock_take(folder_path(&f, "lock"), &holder, &beside);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(holder, 0);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "lock"), &holder, &beside), -EBUSY);
	ck_assert_int_eq(holder, getpid());
	close(fd);
	fd = instance_lock_take(folder_path(&f, "lock"), &holder, &beside);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

START_TEST(the_lock_says_who_holds_it)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	char expected[100];
	uint64_t start;
	pid_t holder;
	pid_t beside;
	int fd;

	folder_make(&f);
	/* What an earlier holder left, longer than what comes. */
	folder_write(&f, "lock", "99999999999999999999 99999999999999999999999999\n");
	fd = instance_lock_take(folder_path(&f, "lock"), &holder, &beside);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(process_start_time(getpid(), &start), 0);
	snprintf(expected, sizeof(expected), "%d %llu\n", (int)getpid(), (unsigned long long)start);
	ck_assert_int_eq(file_read(folder_path(&f, "lock"), 1000, &text, NULL), 0);
	ck_assert_str_eq(text, expected);
	close(fd);
}
END_TEST

START_TEST(a_holder_that_says_nothing_is_unknown)
{
	_cleanup_folder_ struct folder f;
	pid_t holder = 1;
	pid_t beside;
	int fd;

	folder_make(&f);
	folder_write(&f, "lock", "nonsense");
	fd = open(folder_path(&f, "lock"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "lock"), &holder, &beside), -EBUSY);
	ck_assert_int_eq(holder, 0);
	/* Nobody is killed for that. */
	ck_assert_int_eq(instance_lock_take_over(folder_path(&f, "lock"), 10, &beside), -EBUSY);
	close(fd);
}
END_TEST

START_TEST(a_holder_is_asked_to_go)
{
	_cleanup_folder_ struct folder f;
	pid_t pid;
	pid_t beside;
	int fd;

	folder_make(&f);
	pid = start_holder(folder_path(&f, "lock"), false);
	fd = instance_lock_take_over(folder_path(&f, "lock"), 30000, &beside);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(end_of(pid), SIGTERM);
	close(fd);
}
END_TEST

START_TEST(a_holder_that_hangs_is_killed)
{
	_cleanup_folder_ struct folder f;
	pid_t pid;
	pid_t beside;
	int fd;

	folder_make(&f);
	pid = start_holder(folder_path(&f, "lock"), true);
	fd = instance_lock_take_over(folder_path(&f, "lock"), 10, &beside);
	ck_assert_int_eq(beside, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(end_of(pid), SIGKILL);
	close(fd);
}
END_TEST

/* Its number belongs to somebody else now, who must not be killed. */
START_TEST(a_number_that_was_used_again_is_left_alone)
{
	_cleanup_folder_ struct folder f;
	char text[100];
	pid_t pid, beside;
	int fd, other;

	folder_make(&f);
	pid = start_holder(folder_path(&f, "other"), false);
	snprintf(text, sizeof(text), "%d 1\n", (int)pid);
	folder_write(&f, "lock", text);
	fd = open(folder_path(&f, "lock"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	other = instance_lock_take_over(folder_path(&f, "lock"), 10, &beside);
	ck_assert_int_ge(other, 0);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(end_of(pid), SIGKILL);
	close(fd);
	close(other);
}
END_TEST

/* A child that it was about to start has all its descriptors, and hangs. */
START_TEST(a_lock_that_a_dead_holder_has_left_behind_is_taken_once)
{
	_cleanup_folder_ struct folder f;
	pid_t pid, beside, holder;
	int left, fd;

	folder_make(&f);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(instance_lock_take(folder_path(&f, "lock"), &holder, &beside) < 0);
	ck_assert_int_eq(end_of(pid), 0);
	left = open(folder_path(&f, "lock"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(left, LOCK_EX), 0);
	fd = instance_lock_take_over(folder_path(&f, "lock"), 10, &beside);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(beside, 0);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "lock"), &holder, &beside), -EBUSY);
	ck_assert_int_eq(holder, getpid());
	/* What is left of it frees nothing. */
	close(left);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "lock"), &holder, &beside), -EBUSY);
	close(fd);
}
END_TEST

START_TEST(a_free_lock_is_simply_taken_over)
{
	_cleanup_folder_ struct folder f;
	pid_t beside;
	int fd;

	folder_make(&f);
	fd = instance_lock_take_over(folder_path(&f, "lock"), 10, &beside);
	ck_assert_int_eq(beside, 0);
	ck_assert_int_ge(fd, 0);
	close(fd);
}
END_TEST

/* Anybody can lock a directory that he may read. */
START_TEST(a_lock_of_the_directory_holds_up_nothing)
{
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int directory = -1, fd = -1;
	struct stat st;
	pid_t holder, beside;

	folder_make(&f);
	directory = open(f.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(directory, LOCK_EX), 0);
	fd = instance_lock_take(folder_path(&f, "lock"), &holder, &beside);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(folder_path(&f, "lock.guard"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(a_lock_that_cannot_be_made_is_an_error)
{
	_cleanup_folder_ struct folder f;
	pid_t holder;
	pid_t beside;

	folder_make(&f);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "no/lock"), &holder, &beside), -ENOENT);
	ck_assert_int_eq(symlink("/etc/passwd", folder_path(&f, "link")), 0);
	ck_assert_int_eq(instance_lock_take(folder_path(&f, "link"), &holder, &beside), -ELOOP);
}
END_TEST

START_TEST(a_holder_lives_until_it_ends_whether_or_not_anybody_has_noticed_that)
{
	_cleanup_folder_ struct folder f;
	pid_t pid;

	folder_make(&f);
	ck_assert(!instance_lock_holder_lives(folder_path(&f, "lock")));
	pid = start_holder(folder_path(&f, "lock"), false);
	ck_assert(instance_lock_holder_lives(folder_path(&f, "lock")));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT), 0);
	ck_assert(!instance_lock_holder_lives(folder_path(&f, "lock")));
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert(!instance_lock_holder_lives(folder_path(&f, "lock")));
	folder_write(&f, "lock", "");
	ck_assert(!instance_lock_holder_lives(folder_path(&f, "lock")));
}
END_TEST

SUITE("instance-lock", one_takes_it_and_the_next_one_does_not, the_lock_says_who_holds_it,
      a_holder_that_says_nothing_is_unknown, a_holder_is_asked_to_go, a_holder_that_hangs_is_killed,
      a_number_that_was_used_again_is_left_alone,
      a_lock_that_a_dead_holder_has_left_behind_is_taken_once, a_free_lock_is_simply_taken_over,
      a_holder_lives_until_it_ends_whether_or_not_anybody_has_noticed_that,
      a_lock_of_the_directory_holds_up_nothing, a_lock_that_cannot_be_made_is_an_error);
