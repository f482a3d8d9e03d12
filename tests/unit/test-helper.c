/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/helper.h"
#include "unit.h"

static bool pidfds_fail;

/* In the place of the C library's. */
int pidfd_open(pid_t pid, unsigned flags)
{
	if (!pidfds_fail)
		return (int)syscall(SYS_pidfd_open, pid, flags);
	errno = EMFILE;
	return -1;
}

struct ending {
	struct loop *loop;
	int error;
};

static void on_done(void *data, int error)
{
	struct ending *ending = data;

	ending->error = error;
	loop_exit(ending->loop, 0);
}

/* How many descriptors of the daemon it has, as an error. */
static int count_descriptors(const void *data _unused_)
{
	int n = 0;

	for (int fd = STDERR_FILENO + 1; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return -n;
}

START_TEST(a_helper_keeps_no_descriptor_of_the_daemon_open)
{
	struct ending ending = {.error = 1};
	struct helper *helper;
	int fd = open("/", O_PATH | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(loop_new(&ending.loop), 0);
	ck_assert_int_eq(helper_start(ending.loop, count_descriptors, on_done, &ending, &helper),
			 0);
	ck_assert_int_eq(loop_run(ending.loop), 0);
	ck_assert_int_eq(ending.error, 0);
	helper_free(helper);
	loop_free(ending.loop);
	close(fd);
}
END_TEST

static int make_file(const void *data)
{
	int fd = open(data, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : 0;
}

/* Without a descriptor for it, as with any error, the caller goes on as if nothing were done. */
START_TEST(work_whose_end_cannot_be_watched_is_not_done_and_leaves_no_process)
{
	_cleanup_folder_ struct folder f;
	struct helper *helper = NULL;
	struct loop *loop;

	folder_make(&f);
	ck_assert_int_eq(loop_new(&loop), 0);
	pidfds_fail = true;
	ck_assert_int_eq(
		helper_start(loop, make_file, on_done, (void *)folder_path(&f, "done"), &helper),
		-EMFILE);
	pidfds_fail = false;
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert(!folder_has(&f, "done"));
	ck_assert_ptr_null(helper);
	loop_free(loop);
}
END_TEST

SUITE("helper", a_helper_keeps_no_descriptor_of_the_daemon_open,
      work_whose_end_cannot_be_watched_is_not_done_and_leaves_no_process);
