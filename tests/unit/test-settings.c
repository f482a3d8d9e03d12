/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <sys/stat.h>

#include "settings.h"
#include "unit.h"
#include "util/str.h"

static struct settings_paths paths_in(const struct folder *f)
{
	return (struct settings_paths){
		.variables = {folder_path(f, "default"), folder_path(f, "sysconfig")},
		.native = folder_path(f, "conf"),
		.groups = folder_path(f, "group"),
	};
}

static struct config *read_settings(const struct folder *f)
{
	struct settings_paths paths = paths_in(f);
	struct config *c = NULL;
	char *reason = NULL;
	int r = settings_read(&paths, &c, &reason);

	ck_assert_msg(r == 0, "%s", reason);
	return c;
}

static void expect_refusal(const struct folder *f, const char *file, const char *expected)
{
	struct settings_paths paths = paths_in(f);
	_cleanup_free_ char *reason = NULL;
	struct config *c = NULL;
	char text[500];

	ck_assert_int_eq(settings_read(&paths, &c, &reason), -EINVAL);
	ck_assert_ptr_null(c);
	snprintf(text, sizeof(text), "%s/%s%s", f->path, file, expected);
	ck_assert_str_eq(reason, text);
}

START_TEST(groups_are_known_by_their_numbers)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "group", "root:x:0:\nadm:x:4:alice,bob\nxen:x:64055:\n");
	folder_write(&f, "conf", "[Host]\nReadGroup=adm\nControlGroup=xen\n");
	c = read_settings(&f);
	ck_assert_uint_eq(c->read_gid, 4);
	ck_assert_uint_eq(c->control_gid, 64055);
}
END_TEST

START_TEST(a_group_that_is_not_there_is_refused)
{
	_cleanup_free_ char *reason = NULL;
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;
	struct config *c = NULL;

	folder_make(&f);
	paths = paths_in(&f);
	folder_write(&f, "conf", "[Host]\nReadGroup=ad\n");
	ck_assert_int_eq(settings_read(&paths, &c, &reason), -EINVAL);
	free(TAKE_PTR(reason));
	folder_write(&f, "group", "adm:x:4:\n");
	ck_assert_int_eq(settings_read(&paths, &c, &reason), -EINVAL);
	ck_assert_msg(strstr(reason, "ReadGroup=ad: there is no such group in") &&
			      strstr(reason, "groupadd --system ad"),
		      "%s", reason);
}
END_TEST

START_TEST(without_files_there_are_defaults)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	c = read_settings(&f);
	ck_assert_str_eq(c->autostart, "/etc/xen/auto");
	ck_assert_uint_eq(c->n_warnings, 0);
}
END_TEST

START_TEST(the_first_of_two_files_counts_and_the_second_is_told)
{
	_cleanup_(config_freep) struct config *both = NULL, *second = NULL;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "sysconfig", "XENDOMAINS_SAVE=/second\n");
	second = read_settings(&f);
	ck_assert_str_eq(second->save, "/second");
	ck_assert_uint_eq(second->n_warnings, 0);
	folder_write(&f, "default", "XENDOMAINS_AUTO=/first\n");
	both = read_settings(&f);
	ck_assert_str_eq(both->autostart, "/first");
	ck_assert_str_eq(both->save, "/var/lib/xen/save");
	ck_assert_uint_eq(both->n_warnings, 1);
	ck_assert(str_ends_with(both->warnings[0], "/default is there too"));
}
END_TEST

START_TEST(fragments_are_read_in_order_and_later_ones_win)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "conf", "[Host]\nParallelOperations=1\nRestartLimit=1\n");
	ck_assert_int_eq(mkdir(folder_path(&f, "conf.d"), 0700), 0);
	folder_write(&f, "conf.d/20.conf", "[Host]\nParallelOperations=20\n");
	folder_write(&f, "conf.d/10.conf", "[Host]\nParallelOperations=10\n");
	folder_write(&f, "conf.d/30.conf~", "[Host]\nParallelOperations=30\n");
	folder_write(&f, "conf.d/.40.conf", "[Host]\nParallelOperations=40\n");
	c = read_settings(&f);
	ck_assert_uint_eq(c->parallel, 20);
	ck_assert_uint_eq(c->restart_limit, 1);
}
END_TEST

START_TEST(an_error_in_any_file_refuses_all)
{
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "default", "XENDOMAINS_SAVE=relative\n");
	expect_refusal(&f, "default", ":1: XENDOMAINS_SAVE=relative: a path must begin with '/'");
	folder_write(&f, "default", "");
	ck_assert_int_eq(mkdir(folder_path(&f, "conf.d"), 0700), 0);
	folder_write(&f, "conf.d/a.conf", "nonsense\n");
	folder_write(&f, "conf.d/b.conf", "[Host]\nRestartLimit=1\n");
	expect_refusal(&f, "conf.d/a.conf",
		       ":1: this is neither [Section], Key=value nor a comment");
	folder_write(&f, "conf", "[Host]\nRestartLimit=x\n");
	expect_refusal(&f, "conf", ":2: RestartLimit=x: must be a number from 0 to 10000");
}
END_TEST

START_TEST(what_is_there_and_cannot_be_read_refuses_all)
{
	_cleanup_free_ char *large = calloc(1, (1U << 20) + 2);
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	ck_assert_int_eq(mkdir(folder_path(&f, "default"), 0700), 0);
	expect_refusal(&f, "default", ": cannot be read: Is a directory");
	ck_assert_int_eq(remove(folder_path(&f, "default")), 0);
	memset(large, '#', (1U << 20) + 1);
	folder_write(&f, "default", large);
	expect_refusal(&f, "default", ": cannot be read: File too large");
	folder_write_bytes(&f, "default", "A=\0", 3);
	expect_refusal(&f, "default", ":1: the file holds a NUL byte: it is no text");
	ck_assert_int_eq(remove(folder_path(&f, "default")), 0);
	folder_write_bytes(&f, "conf", "[Host]\n\0", 8);
	expect_refusal(&f, "conf",
		       ": cannot be read: Invalid or incomplete multibyte or wide character");
	ck_assert_int_eq(remove(folder_path(&f, "conf")), 0);
	folder_write(&f, "conf.d", "no folder");
	expect_refusal(&f, "conf.d", ": cannot be read: Not a directory");
}
END_TEST

START_TEST(one_file_may_be_all_that_is_asked_for)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_folder_ struct folder f;
	struct settings_paths paths;
	char *reason = NULL;

	folder_make(&f);
	folder_write(&f, "sysconfig", "XENDOMAINS_SAVE=/second\n");
	paths = paths_in(&f);
	paths.variables[0] = paths.variables[1];
	paths.variables[1] = NULL;
	ck_assert_int_eq(settings_read(&paths, &c, &reason), 0);
	ck_assert_str_eq(c->save, "/second");
}
END_TEST

SUITE("settings", groups_are_known_by_their_numbers, a_group_that_is_not_there_is_refused,
      without_files_there_are_defaults, the_first_of_two_files_counts_and_the_second_is_told,
      fragments_are_read_in_order_and_later_ones_win, an_error_in_any_file_refuses_all,
      what_is_there_and_cannot_be_read_refuses_all, one_file_may_be_all_that_is_asked_for);
