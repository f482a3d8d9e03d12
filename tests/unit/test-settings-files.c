/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings-files/copy.h"
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
	struct settings s = {0};
	struct config *c;

	ck_assert_int_eq(settings_read(&paths, &s), 0);
	ck_assert_uint_eq(s.config->n_refusals, 0);
	c = TAKE_PTR(s.config);
	settings_done(&s);
	return c;
}

/* Begins with the place, the setting and its value; ends with the error, if there is one. */
static void expect_refusal(const struct folder *f, const char *file, const char *expected,
			   int error)
{
	struct settings_paths paths = paths_in(f);
	_cleanup_(settings_done) struct settings s = {0};
	_cleanup_free_ char *reason = NULL;
	char text[500];

	ck_assert_int_eq(settings_read(&paths, &s), 0);
	ck_assert_uint_gt(s.config->n_refusals, 0);
	ck_assert(s.config->broken);
	ck_assert_int_eq(config_refusal_text(&s.config->refusals[0], &reason), 0);
	snprintf(text, sizeof(text), "%s/%s%s", f->path, file, expected);
	ck_assert_msg(str_starts_with(reason, text), "%s: %s", text, reason);
	if (error > 0)
		ck_assert(str_ends_with(reason, strerror(error)));
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

START_TEST(a_group_that_is_not_there_costs_no_more_than_its_right)
{
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	paths = paths_in(&f);
	folder_write(&f, "conf", "[Host]\nParallelOperations=3\nReadGroup=ad\nControlGroup=adm\n");
	for (int there = 0; there < 2; there++) {
		_cleanup_(settings_done) struct settings s = {0};

		if (there)
			folder_write(&f, "group", "adm:x:4:\n");
		ck_assert_int_eq(settings_read(&paths, &s), 0);
		ck_assert_uint_eq(s.config->n_refusals, there ? 1 : 2);
		ck_assert_str_eq(s.config->refusals[0].path, paths.native);
		ck_assert_uint_eq(s.config->refusals[0].line, 3);
		ck_assert(!s.config->broken);
		ck_assert_ptr_null(s.config->read_group);
		ck_assert_uint_eq(s.config->parallel, 3);
		ck_assert_int_eq(!s.config->control_group, !there);
	}
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
	ck_assert_ptr_nonnull(strstr(both->warnings[0], "/default "));
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
	expect_refusal(&f, "default", ":1: XENDOMAINS_SAVE=relative: ", 0);
	folder_write(&f, "default", "");
	ck_assert_int_eq(mkdir(folder_path(&f, "conf.d"), 0700), 0);
	folder_write(&f, "conf.d/a.conf", "nonsense\n");
	folder_write(&f, "conf.d/b.conf", "[Host]\nRestartLimit=1\n");
	expect_refusal(&f, "conf.d/a.conf", ":1: ", 0);
	folder_write(&f, "conf", "[Host]\nRestartLimit=x\n");
	expect_refusal(&f, "conf", ":2: RestartLimit=x: ", 0);
}
END_TEST

START_TEST(what_is_there_and_cannot_be_read_refuses_all)
{
	_cleanup_free_ char *large = calloc(1, SETTINGS_FILE_MAX + 2);
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	ck_assert_int_eq(mkdir(folder_path(&f, "default"), 0700), 0);
	expect_refusal(&f, "default", ": ", EISDIR);
	ck_assert_int_eq(remove(folder_path(&f, "default")), 0);
	memset(large, '#', SETTINGS_FILE_MAX + 1);
	folder_write(&f, "default", large);
	expect_refusal(&f, "default", ": ", EFBIG);
	folder_write_bytes(&f, "default", "A=\0", 3);
	expect_refusal(&f, "default", ":1: ", 0);
	ck_assert_int_eq(remove(folder_path(&f, "default")), 0);
	folder_write_bytes(&f, "conf", "[Host]\n\0", 8);
	expect_refusal(&f, "conf", ": ", EILSEQ);
	ck_assert_int_eq(remove(folder_path(&f, "conf")), 0);
	folder_write(&f, "conf.d", "no folder");
	expect_refusal(&f, "conf.d", ": ", ENOTDIR);
}
END_TEST

START_TEST(one_file_may_be_all_that_is_asked_for)
{
	_cleanup_folder_ struct folder f;
	_cleanup_(settings_done) struct settings s = {0};
	struct settings_paths paths;

	folder_make(&f);
	folder_write(&f, "sysconfig", "XENDOMAINS_SAVE=/second\n");
	paths = paths_in(&f);
	paths.variables[0] = paths.variables[1];
	paths.variables[1] = NULL;
	ck_assert_int_eq(settings_read(&paths, &s), 0);
	ck_assert_str_eq(s.config->save, "/second");
}
END_TEST

/* Files whose settings are all good, with one that is sourced. */
static struct settings_paths write_files(const struct folder *f, struct settings *ret)
{
	struct settings_paths paths = paths_in(f);
	char text[500];

	snprintf(text, sizeof(text), ". %s\nXENDOMAINS_AUTO=/a\n", folder_path(f, "more"));
	folder_write(f, "default", text);
	folder_write(f, "more", "XENDOMAINS_SAVE=/s\n");
	folder_write(f, "conf", "[Host]\nParallelOperations=3\n");
	paths.kept = folder_path(f, "kept");
	paths.lock = folder_path(f, "lock");
	ck_assert_int_eq(settings_read(&paths, ret), 0);
	ck_assert_uint_eq(ret->config->n_refusals, 0);
	return paths;
}

static int write_copy(const struct settings_paths *paths, const struct settings *s)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(settings_copy_format(s, &text, &size), 0);
	return settings_copy_put(paths, text, size, getppid());
}

START_TEST(a_copy_gives_back_what_was_read_also_without_the_files)
{
	_cleanup_(settings_done) struct settings s = {0}, kept = {0};
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	folder_write(&f, "default", "rm\n");
	folder_write(&f, "conf", "");
	ck_assert_int_eq(remove(folder_path(&f, "more")), 0);
	ck_assert_int_eq(settings_copy_read(&paths, &kept), 0);
	ck_assert_str_eq(kept.config->save, "/s");
	ck_assert_str_eq(kept.config->autostart, "/a");
	ck_assert_uint_eq(kept.config->parallel, 3);
}
END_TEST

START_TEST(a_copy_is_written_when_it_changed_only)
{
	_cleanup_(settings_done) struct settings s = {0}, other = {0};
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;
	struct stat first, second, third;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	ck_assert_int_eq(stat(paths.kept, &first), 0);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	ck_assert_int_eq(stat(paths.kept, &second), 0);
	ck_assert_uint_eq(first.st_ino, second.st_ino);
	folder_write(&f, "conf", "[Host]\nParallelOperations=4\n");
	ck_assert_int_eq(settings_read(&paths, &other), 0);
	ck_assert_int_eq(write_copy(&paths, &other), 0);
	ck_assert_int_eq(stat(paths.kept, &third), 0);
	ck_assert_int_ne(memcmp(&second.st_mtim, &third.st_mtim, sizeof(third.st_mtim)), 0);
	ck_assert_uint_eq(third.st_mode & 0777, 0600);
}
END_TEST

/* Where nothing can be written, as on a full disk: what is older must not be taken for the last. */
START_TEST(a_copy_that_cannot_be_written_anew_is_removed)
{
	_cleanup_(settings_done) struct settings s = {0}, other = {0}, kept = {0};
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	folder_write(&f, "conf", "[Host]\nParallelOperations=4\n");
	ck_assert_int_eq(settings_read(&paths, &other), 0);
	ck_assert_int_eq(mkdir(folder_path(&f, "kept.new"), 0700), 0);
	ck_assert_int_lt(write_copy(&paths, &other), 0);
	ck_assert_int_eq(settings_copy_read(&paths, &kept), -ENOENT);
}
END_TEST

/* Each length and each changed byte. */
START_TEST(a_copy_that_is_torn_or_damaged_is_none)
{
	_cleanup_(settings_done) struct settings s = {0};
	_cleanup_free_ char *text = NULL;
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;
	size_t size;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_eq(settings_copy_format(&s, &text, &size), 0);
	for (size_t i = 0; i < 2 * size; i++) {
		_cleanup_(settings_done) struct settings kept = {0};
		_cleanup_free_ char *bad = malloc(size);

		memcpy(bad, text, size);
		if (i >= size)
			bad[i - size] ^= 1;
		folder_write_bytes(&f, "kept", bad, i < size ? i : size);
		ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
		ck_assert_ptr_null(kept.config);
	}
}
END_TEST

START_TEST(a_copy_of_another_version_is_none_and_is_replaced)
{
	_cleanup_(settings_done) struct settings s = {0}, kept = {0};
	_cleanup_free_ char *text = NULL;
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;
	size_t size;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_eq(settings_copy_format(&s, &text, &size), 0);
	*strchr(text, '1') = '2';
	folder_write_bytes(&f, "kept", text, size);
	ck_assert_int_eq(settings_copy_read(&paths, &kept), -EPROTO);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	ck_assert_int_eq(settings_copy_read(&paths, &kept), 0);
}
END_TEST

START_TEST(a_copy_of_somebody_else_is_none)
{
	_cleanup_(settings_done) struct settings s = {0}, kept = {0};
	_cleanup_free_ char *large = calloc(5, SETTINGS_FILE_MAX);
	struct settings_paths paths, others;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	paths = write_files(&f, &s);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	others = paths;
	others.variables[0] = NULL;
	ck_assert_int_lt(settings_copy_read(&others, &kept), 0);
	others = paths;
	others.native = "/elsewhere";
	ck_assert_int_lt(settings_copy_read(&others, &kept), 0);
	ck_assert_int_eq(chmod(paths.kept, 0620), 0);
	ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
	ck_assert_int_eq(chmod(paths.kept, 0600), 0);
	ck_assert_int_eq(rename(paths.kept, folder_path(&f, "other")), 0);
	ck_assert_int_eq(symlink("other", paths.kept), 0);
	ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
	ck_assert_int_eq(remove(paths.kept), 0);
	ck_assert_int_eq(mkdir(paths.kept, 0700), 0);
	ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
	ck_assert_int_eq(remove(paths.kept), 0);
	folder_write_bytes(&f, "kept", large, 5U * SETTINGS_FILE_MAX);
	ck_assert_int_lt(settings_copy_read(&paths, &kept), 0);
	ck_assert_ptr_null(kept.config);
}
END_TEST

START_TEST(a_copy_whose_group_has_gone_is_good_all_the_same)
{
	_cleanup_(settings_done) struct settings s = {0}, kept = {0};
	struct settings_paths paths;
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "group", "adm:x:4:\n");
	folder_write(&f, "conf", "[Host]\nReadGroup=adm\nParallelOperations=3\n");
	paths = paths_in(&f);
	paths.kept = folder_path(&f, "kept");
	ck_assert_int_eq(settings_read(&paths, &s), 0);
	ck_assert_int_eq(write_copy(&paths, &s), 0);
	folder_write(&f, "group", "");
	ck_assert_int_eq(settings_copy_read(&paths, &kept), 0);
	ck_assert_ptr_null(kept.config->read_group);
	ck_assert_uint_eq(kept.config->parallel, 3);
}
END_TEST

SUITE("settings-files", a_copy_gives_back_what_was_read_also_without_the_files,
      a_copy_is_written_when_it_changed_only, a_copy_that_cannot_be_written_anew_is_removed,
      a_copy_that_is_torn_or_damaged_is_none, a_copy_of_another_version_is_none_and_is_replaced,
      a_copy_of_somebody_else_is_none, a_copy_whose_group_has_gone_is_good_all_the_same,
      groups_are_known_by_their_numbers, a_group_that_is_not_there_costs_no_more_than_its_right,
      without_files_there_are_defaults, the_first_of_two_files_counts_and_the_second_is_told,
      fragments_are_read_in_order_and_later_ones_win, an_error_in_any_file_refuses_all,
      what_is_there_and_cannot_be_read_refuses_all, one_file_may_be_all_that_is_asked_for);
