/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "worker/claims.h"

static int tell(void *data, uint64_t *ret)
{
	*ret = *(uint64_t *)data;
	return 0;
}

static int break_down(void *data _unused_, uint64_t *ret _unused_)
{
	return -EIO;
}

static int take(int fd, uint64_t has, uint64_t wanted)
{
	uint64_t told = 4711;
	int r = claims_take(fd, wanted, wanted, tell, &has, &told);

	ck_assert_uint_eq(told, r < 0 ? 4711 : has);
	return r;
}

/* Another worker that has claimed so much; it ends when *ret_pipe is closed. */
static pid_t start_other(uint64_t kib, int *ret_pipe)
{
	int up[2], down[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(up), 0);
	ck_assert_int_eq(pipe(down), 0);
	pid = fork();
	if (pid == 0) {
		int fd = claims_open();

		close(down[1]);
		if (take(fd, UINT64_MAX, kib) == 0 && write(up[1], "x", 1) == 1 &&
		    read(down[0], &byte, 1) == 0)
			_exit(0);
		_exit(1);
	}
	close(up[1]);
	close(down[0]);
	ck_assert_int_eq(read(up[0], &byte, 1), 1);
	close(up[0]);
	*ret_pipe = down[1];
	return pid;
}

static void use_folder(struct folder *f)
{
	folder_make(f);
	ck_assert_int_eq(setenv("RUNTIME_DIRECTORY", f->path, 1), 0);
}

START_TEST(memory_is_claimed_once)
{
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int fd = -1;
	int first, second;
	pid_t pids[2];

	use_folder(&f);
	pids[0] = start_other(600, &first);
	pids[1] = start_other(300, &second);
	fd = claims_open();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(take(fd, 1000, 101), -EAGAIN);
	/* More than there is, whatever the others do. */
	ck_assert_int_eq(take(fd, 1000, 1001), 0);
	ck_assert_int_eq(take(fd, 1000, 100), 0);
	/* One's own claim is not in the way. */
	ck_assert_int_eq(take(fd, 1000, 100), 0);

	close(second);
	ck_assert_int_eq(waitpid(pids[1], NULL, 0), pids[1]);
	ck_assert_int_eq(take(fd, 1000, 401), -EAGAIN);
	ck_assert_int_eq(take(fd, 1000, 400), 0);
	kill(pids[0], SIGKILL);
	ck_assert_int_eq(waitpid(pids[0], NULL, 0), pids[0]);
	close(first);
	ck_assert_int_eq(take(fd, 1000, 1000), 0);
}
END_TEST

START_TEST(the_largest_guests_do_not_meet)
{
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int fd = -1;
	int other;
	pid_t pid;

	use_folder(&f);
	pid = start_other(UINT64_MAX, &other);
	fd = claims_open();
	ck_assert_int_eq(take(fd, UINT64_MAX, UINT64_MAX), -EAGAIN);
	ck_assert_int_eq(take(fd, UINT64_MAX, UINT64_C(1) << 40), 0);
	close(other);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(a_look_that_fails_is_over)
{
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int fd = -1;
	uint64_t has;
	int other;
	pid_t pid;

	use_folder(&f);
	fd = claims_open();
	ck_assert_int_eq(claims_take(fd, 1, 1, break_down, NULL, &has), -EIO);
	pid = start_other(100, &other);
	ck_assert_int_eq(take(fd, 200, 101), -EAGAIN);
	close(other);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

SUITE("claims", memory_is_claimed_once, the_largest_guests_do_not_meet, a_look_that_fails_is_over);
