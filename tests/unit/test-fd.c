/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "unit.h"
#include "util/fd.h"
#include "util/str.h"

#define MUCH (1U << 20) /* more than a pipe holds */

static void *write_much(void *data)
{
	_cleanup_free_ char *bytes = malloc(MUCH);
	const int *fd = data;

	memset(bytes, 'x', MUCH);
	return (void *)(intptr_t)fd_write_all(*fd, bytes, MUCH);
}

START_TEST(a_write_larger_than_the_pipe_is_done_in_full)
{
	_cleanup_free_ char *bytes = malloc(MUCH);
	pthread_t thread;
	void *result;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_much, &ends[1]), 0);
	ck_assert_int_eq(fd_read_all(ends[0], bytes, MUCH), 0);
	ck_assert_int_eq(pthread_join(thread, &result), 0);
	ck_assert_ptr_null(result);
	ck_assert_int_eq(bytes[MUCH - 1], 'x');
	close(ends[1]);
	ck_assert_int_eq(fd_read_all(ends[0], bytes, 1), -ENODATA);
	close(ends[0]);
}
END_TEST

START_TEST(errors_of_the_system_are_handed_on)
{
	_cleanup_close_ int full = open("/dev/full", O_RDWR | O_CLOEXEC);
	char byte = 0;

	ck_assert_int_eq(fd_write_all(-1, &byte, 1), -EBADF);
	ck_assert_int_eq(fd_read_all(-1, &byte, 1), -EBADF);
	ck_assert_int_eq(fd_pwrite_all(-1, &byte, 1, 0), -EBADF);
	ck_assert_int_eq(fd_write_all(full, &byte, 1), -ENOSPC);
	ck_assert_int_eq(fd_pwrite_all(full, &byte, 1, 0), -ENOSPC);
	/* Nothing to do is done, whatever the descriptor. */
	ck_assert_int_eq(fd_write_all(-1, &byte, 0), 0);
	ck_assert_int_eq(fd_read_all(-1, &byte, 0), 0);
}
END_TEST

START_TEST(a_write_at_a_place_leaves_the_rest)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	int fd;

	folder_make(&f);
	folder_write(&f, "file", "0123456789");
	fd = open(folder_path(&f, "file"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(fd_pwrite_all(fd, "ab", 2, 3), 0);
	close(fd);
	ck_assert_int_eq(file_read(folder_path(&f, "file"), 100, &text, NULL), 0);
	ck_assert_str_eq(text, "012ab56789");
}
END_TEST

START_TEST(a_file_is_read_up_to_its_limit_and_no_more)
{
	static const size_t sizes[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 100000};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *bytes = malloc(100000);

	folder_make(&f);
	memset(bytes, 'x', 100000);
	for (size_t i = 0; i < ELEMENTSOF(sizes); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size = 4711;

		folder_write_bytes(&f, "file", bytes, sizes[i]);
		ck_assert_int_eq(file_read(folder_path(&f, "file"), sizes[i], &text, &size), 0);
		ck_assert_uint_eq(size, sizes[i]);
		ck_assert_uint_eq(strlen(text), sizes[i]);
		if (sizes[i] == 0)
			continue;
		free(TAKE_PTR(text));
		ck_assert_int_eq(file_read(folder_path(&f, "file"), sizes[i] - 1, &text, &size),
				 -EFBIG);
		ck_assert_ptr_null(text);
	}
}
END_TEST

START_TEST(what_is_no_file_is_not_waited_for)
{
	_cleanup_folder_ struct folder f;
	char *text = NULL;

	folder_make(&f);
	ck_assert_int_eq(mkfifo(folder_path(&f, "fifo"), 0600), 0);
	ck_assert_int_eq(file_read(folder_path(&f, "fifo"), 100, &text, NULL), -EINVAL);
	ck_assert_int_eq(file_read(f.path, 100, &text, NULL), -EISDIR);
	ck_assert_int_eq(file_read(folder_path(&f, "nothing"), 100, &text, NULL), -ENOENT);
	ck_assert_int_eq(file_read("/dev/zero", 100, &text, NULL), -EINVAL);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_folder_is_made_once)
{
	_cleanup_folder_ struct folder f;
	struct stat st;

	folder_make(&f);
	ck_assert_int_eq(make_directory(folder_path(&f, "new"), 0700), 0);
	ck_assert_int_eq(stat(folder_path(&f, "new"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_int_eq(make_directory(folder_path(&f, "new"), 0700), 0);
	ck_assert_int_eq(make_directory(folder_path(&f, "no/new"), 0700), -ENOENT);
}
END_TEST

START_TEST(the_folder_of_a_path_is_synced)
{
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	ck_assert_int_eq(fsync_parent(folder_path(&f, "file")), 0);
	ck_assert_int_eq(fsync_parent("file-in-the-working-folder"), 0);
	ck_assert_int_eq(fsync_parent(folder_path(&f, "no/file")), -ENOENT);
}
END_TEST

static void on_alarm(int signal _unused_)
{
}

/* A thread interrupts another one that waits in read(), until it has what it waits for. */
struct interrupting {
	pthread_t victim;
	int fd;
};

static void *interrupt_and_write(void *data)
{
	const struct interrupting *i = data;

	for (int round = 0; round < 50; round++) {
		pthread_kill(i->victim, SIGUSR1);
		if (fd_write_all(i->fd, "x", 1) < 0)
			break;
	}
	return NULL;
}

START_TEST(a_signal_does_not_end_a_read)
{
	struct sigaction action = {.sa_handler = on_alarm}, old;
	struct interrupting i = {.victim = pthread_self()};
	char bytes[50];
	pthread_t thread;
	int ends[2];

	ck_assert_int_eq(sigaction(SIGUSR1, &action, &old), 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	i.fd = ends[1];
	ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_and_write, &i), 0);
	ck_assert_int_eq(fd_read_all(ends[0], bytes, sizeof(bytes)), 0);
	pthread_join(thread, NULL);
	sigaction(SIGUSR1, &old, NULL);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_descriptor_goes_over_a_socket)
{
	_cleanup_close_ int ours = -1, theirs = -1, got = -1;
	char byte = 'x';
	int pair[2], ends[2], r;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	theirs = pair[1];
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	r = fd_pass(ours, ends[1]);
	ck_assert_int_eq(r, 0);
	close(ends[1]);
	ck_assert_int_eq(fd_receive(theirs, &got), 0);
	ck_assert_int_eq(fcntl(got, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fd_write_all(got, &byte, 1), 0);
	ck_assert_int_eq(fd_read_all(ends[0], &byte, 1), 0);
	close(ends[0]);
}
END_TEST

START_TEST(no_descriptor_is_made_up)
{
	_cleanup_close_ int theirs = -1;
	int pair[2], got = -1;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	theirs = pair[1];
	ck_assert_int_eq(fd_write_all(pair[0], "x", 1), 0);
	ck_assert_int_eq(fd_receive(theirs, &got), -EBADMSG);
	close(pair[0]);
	ck_assert_int_eq(fd_receive(theirs, &got), -ENODATA);
	ck_assert_int_eq(got, -1);
	ck_assert_int_eq(fd_pass(theirs, theirs), -EPIPE);
}
END_TEST

SUITE("fd", a_write_larger_than_the_pipe_is_done_in_full, errors_of_the_system_are_handed_on,
      a_write_at_a_place_leaves_the_rest, a_file_is_read_up_to_its_limit_and_no_more,
      what_is_no_file_is_not_waited_for, a_folder_is_made_once, the_folder_of_a_path_is_synced,
      a_signal_does_not_end_a_read, a_descriptor_goes_over_a_socket, no_descriptor_is_made_up);
