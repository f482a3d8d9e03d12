/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "hv/savers.h"
#include "hv/spawn.h"
#include "unit.h"
#include "util/fd.h"
#include "wire/operation.h"

/* A shell is the worker: what it is told to do is a script. */

static const char *make_program(const struct folder *f, const char *name, const char *text)
{
	const char *path = folder_path(f, name);

	folder_write(f, name, text);
	ck_assert_int_eq(chmod(path, 0700), 0);
	return path;
}

/* Runs the script, and returns what it has written to the channel. */
static const char *run(const struct program *program, const struct folder *f, const char *script)
{
	static char said[200];
	_cleanup_close_ int channel = -1, pidfd = -1;
	ssize_t n;

	folder_write(f, "script", script);
	pidfd = spawn_worker(program, folder_path(f, "script"), -1, &channel);
	ck_assert_int_ge(pidfd, 0);
	ck_assert_int_eq(poll(&(struct pollfd){.fd = pidfd, .events = POLLIN}, 1, -1), 1);
	spawn_reap(pidfd);
	n = read(channel, said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	return said;
}

START_TEST(a_worker_is_the_program_that_was_there_first)
{
	_cleanup_folder_ struct folder f;
	_cleanup_(program_close) struct program program = {.fd = -1};
	const char *path;

	folder_make(&f);
	path = make_program(&f, "worker", "#!/bin/sh\necho first >&4\n");
	ck_assert_int_eq(program_open(path, &program), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_str_eq(run(&program, &f, ""), "first\n");
}
END_TEST

static uint64_t inode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_ino;
}

START_TEST(libxl_starts_the_save_helper_that_was_there_first)
{
	_cleanup_folder_ struct folder f;
	_cleanup_(program_close) struct program program = {.fd = -1};
	const char *helper;
	char target[100] = "";
	uint64_t inode;

	folder_make(&f);
	helper = make_program(&f, "helper", "#!/bin/sh\necho $1 >&4\n");
	ck_assert_int_eq(program_open("/bin/sh", &program), 0);
	ck_assert_int_eq(program_keep_helper(&program, helper, f.path), 0);
	/* An update of the same Xen replaces it, with the libraries that fit. */
	ck_assert_str_eq(run(&program, &f, "echo [$LIBXL_SAVE_HELPER] >&4"), "[]\n");
	ck_assert_int_eq(unlink(helper), 0);
	ck_assert_str_eq(run(&program, &f, "$LIBXL_SAVE_HELPER --save-domain"), "--save-domain\n");
	/* It is known by its name. */
	ck_assert_str_eq(run(&program, &f, "echo ${LIBXL_SAVE_HELPER##*/} >&4"),
			 "libxl-save-helper\n");
	/* The next daemon leaves the link there: workers of before go by it. */
	make_program(&f, "helper", "#!/bin/sh\n");
	inode = inode_of(folder_path(&f, "libxl-save-helper"));
	program_close(&program);
	ck_assert_int_eq(program_open("/bin/sh", &program), 0);
	ck_assert_int_eq(program_keep_helper(&program, helper, f.path), 0);
	ck_assert_uint_eq(inode_of(folder_path(&f, "libxl-save-helper")), inode);
	program_close(&program);
	/* A link that leads elsewhere is replaced. */
	ck_assert_int_eq(unlink(folder_path(&f, "libxl-save-helper")), 0);
	ck_assert_int_eq(symlink("/bin/true", folder_path(&f, "libxl-save-helper")), 0);
	ck_assert_int_eq(program_open("/bin/sh", &program), 0);
	ck_assert_int_eq(program_keep_helper(&program, helper, f.path), 0);
	ck_assert_int_lt(readlink(folder_path(&f, "libxl-save-helper"), target, sizeof(target)),
			 (ssize_t)sizeof(target));
	ck_assert_ptr_null(strstr(target, "true"));
}
END_TEST

START_TEST(without_a_save_helper_libxl_goes_by_its_own_path)
{
	_cleanup_folder_ struct folder f;
	_cleanup_(program_close) struct program program = {.fd = -1};

	folder_make(&f);
	unsetenv("LIBXL_SAVE_HELPER");
	ck_assert_int_eq(program_open("/bin/sh", &program), 0);
	ck_assert_int_eq(program_keep_helper(&program, folder_path(&f, "none"), f.path), 0);
	ck_assert_str_eq(run(&program, &f, "echo [$LIBXL_SAVE_HELPER] >&4"), "[]\n");
	ck_assert_str_eq(run(&program, &f, "[ -e /proc/$$/fd/5 ] || echo closed >&4"), "closed\n");
}
END_TEST

SUITE("spawn", a_worker_is_the_program_that_was_there_first,
      libxl_starts_the_save_helper_that_was_there_first,
      without_a_save_helper_libxl_goes_by_its_own_path);
