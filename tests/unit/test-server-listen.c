/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/server.h"
#include "unit.h"
#include "util/fd.h"

START_TEST(a_socket_is_for_its_owner_only)
{
	_cleanup_folder_ struct folder folder;
	_cleanup_close_ int fd = -1;
	struct stat st;

	folder_make(&folder);
	fd = server_listen(folder_path(&folder, "s"));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(stat(folder_path(&folder, "s"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_dead_socket_is_replaced_and_a_living_one_is_not)
{
	_cleanup_folder_ struct folder folder;
	int first, second;

	folder_make(&folder);
	first = server_listen(folder_path(&folder, "s"));
	ck_assert_int_ge(first, 0);
	ck_assert_int_eq(server_listen(folder_path(&folder, "s")), -EADDRINUSE);
	close(first);
	second = server_listen(folder_path(&folder, "s"));
	ck_assert_int_ge(second, 0);
	close(second);
}
END_TEST

/* Listens in a process that ends, and leaves the socket to a child. The numbers of both. */
static void leave_socket(const char *path, pid_t *ret_listener, pid_t *ret_child)
{
	siginfo_t end;
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	*ret_listener = fork();
	ck_assert_int_ge(*ret_listener, 0);
	if (*ret_listener == 0) {
		pid_t child = server_listen(path) < 0 ? -1 : fork();

		while (child == 0)
			pause();
		_exit(write(ends[1], &child, sizeof(child)) != sizeof(child));
	}
	ck_assert_int_eq(read(ends[0], ret_child, sizeof(*ret_child)), sizeof(*ret_child));
	ck_assert_int_gt(*ret_child, 0);
	/* It has ended, and its parent has still to hear of that. */
	ck_assert_int_eq(waitid(P_PID, (id_t)*ret_listener, &end, WEXITED | WNOWAIT), 0);
	close(ends[0]);
	close(ends[1]);
}

START_TEST(a_socket_that_only_a_child_of_its_listener_has_is_replaced)
{
	_cleanup_folder_ struct folder folder;
	pid_t listener, child;
	int fd;

	folder_make(&folder);
	for (unsigned reaped = 0; reaped < 2; reaped++) {
		leave_socket(folder_path(&folder, "s"), &listener, &child);
		if (reaped)
			ck_assert_int_eq(waitpid(listener, NULL, 0), listener);
		fd = server_listen(folder_path(&folder, "s"));
		ck_assert_int_ge(fd, 0);
		close(fd);
		kill(child, SIGKILL);
		if (!reaped)
			ck_assert_int_eq(waitpid(listener, NULL, 0), listener);
	}
}
END_TEST

START_TEST(what_is_no_socket_is_not_removed)
{
	_cleanup_folder_ struct folder folder;

	folder_make(&folder);
	folder_write(&folder, "precious", "data");
	ck_assert_int_eq(server_listen(folder_path(&folder, "precious")), -EADDRINUSE);
	ck_assert(folder_has(&folder, "precious"));
}
END_TEST

START_TEST(a_path_that_cannot_be_is_refused)
{
	_cleanup_folder_ struct folder folder;
	char path[300];

	folder_make(&folder);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(server_listen(path), -ENAMETOOLONG);
	ck_assert_int_eq(server_listen(folder_path(&folder, "no/s")), -ENOENT);
}
END_TEST

SUITE("server-listen", a_socket_is_for_its_owner_only,
      a_dead_socket_is_replaced_and_a_living_one_is_not,
      a_socket_that_only_a_child_of_its_listener_has_is_replaced, what_is_no_socket_is_not_removed,
      a_path_that_cannot_be_is_refused);
