/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "worker/link.h"

#define SOMEBODY 1000

static void make_link(const struct folder *f, const char *name, const char *target)
{
	ck_assert_int_eq(symlink(target, folder_path(f, name)), 0);
}

static void make_dir(const struct folder *f, const char *name, mode_t mode)
{
	ck_assert_int_eq(mkdir(folder_path(f, name), 0700), 0);
	ck_assert_int_eq(chmod(folder_path(f, name), mode), 0);
}

/* What link_follow() says of the link "web". */
static int follow(const struct folder *f)
{
	_cleanup_free_ char *target = NULL, *problem = NULL;
	int r = link_follow(folder_path(f, "web"), &target, &problem);

	ck_assert(r < 0 ? !target && problem : target && !problem);
	return r;
}

/* One file behind a link, and a folder in between. */
static void set_up(struct folder *f)
{
	folder_make(f);
	make_dir(f, "far", 0755);
	folder_write(f, "far/file", "memory");
	ck_assert_int_eq(chmod(folder_path(f, "far/file"), 0644), 0);
	make_link(f, "web", "far/file");
}

START_TEST(a_link_that_root_alone_can_change_is_followed)
{
	_cleanup_folder_ struct folder f = {0};
	_cleanup_free_ char *target = NULL, *problem = NULL, *real = NULL;

	set_up(&f);
	real = realpath(folder_path(&f, "far/file"), NULL);
	ck_assert_int_eq(link_follow(folder_path(&f, "web"), &target, &problem), 0);
	ck_assert_str_eq(target, real);
}
END_TEST

START_TEST(links_on_the_way_and_dots_are_followed_as_the_kernel_does)
{
	static const char *const ways[] = {"far/../far/./file", "far//file", "again/file",
					   "./far/file", "far/up/far/file"};

	for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
		_cleanup_folder_ struct folder f = {0};
		_cleanup_free_ char *target = NULL, *problem = NULL, *real = NULL;

		set_up(&f);
		make_link(&f, "again", folder_path(&f, "far"));
		make_link(&f, "far/up", "..");
		ck_assert_int_eq(unlink(folder_path(&f, "web")), 0);
		make_link(&f, "web", ways[i]);
		real = realpath(folder_path(&f, "web"), NULL);
		ck_assert_int_eq(link_follow(folder_path(&f, "web"), &target, &problem), 0);
		ck_assert_str_eq(target, real);
	}
}
END_TEST

START_TEST(a_link_by_way_of_a_folder_that_others_can_write_is_refused)
{
	static const mode_t modes[] = {0777, 0775, 0757};

	for (size_t i = 0; i < ELEMENTSOF(modes); i++) {
		_cleanup_folder_ struct folder f = {0};

		set_up(&f);
		ck_assert_int_eq(chmod(folder_path(&f, "far"), modes[i]), 0);
		ck_assert_int_eq(follow(&f), -EPERM);
	}
}
END_TEST

START_TEST(a_link_in_a_folder_that_others_can_write_is_refused)
{
	_cleanup_folder_ struct folder f = {0};

	set_up(&f);
	ck_assert_int_eq(chmod(f.path, 0777), 0);
	ck_assert_int_eq(follow(&f), -EPERM);
}
END_TEST

START_TEST(a_name_is_not_looked_up_where_others_can_write)
{
	_cleanup_folder_ struct folder f = {0};
	_cleanup_free_ char *target = NULL, *problem = NULL;

	set_up(&f);
	make_dir(&f, "home", 0755);
	make_dir(&f, "home/near", 0755);
	make_dir(&f, "home/far", 0755);
	folder_write(&f, "home/far/file", "memory");
	make_link(&f, "home/near/web", "../far/file");
	/* Its owner can give another directory the name "far". */
	ck_assert_int_eq(chmod(folder_path(&f, "home"), 0777), 0);
	ck_assert_int_eq(link_follow(folder_path(&f, "home/near/web"), &target, &problem), -EPERM);
	ck_assert_ptr_nonnull(problem);
}
END_TEST

START_TEST(a_sticky_folder_is_no_obstacle)
{
	_cleanup_folder_ struct folder f = {0};

	set_up(&f);
	ck_assert_int_eq(chmod(folder_path(&f, "far"), 01777), 0);
	ck_assert_int_eq(follow(&f), 0);
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
	_cleanup_folder_ struct folder f = {0};

	set_up(&f);
	ck_assert_int_eq(chmod(folder_path(&f, "far/file"), 0664), 0);
	ck_assert_int_eq(follow(&f), -EPERM);
}
END_TEST

START_TEST(what_is_another_users_is_refused)
{
	static const char *const names[] = {"web", "far", "far/file", "second"};

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_folder_ struct folder f = {0};

		set_up(&f);
		make_link(&f, "second", "far/file");
		ck_assert_int_eq(unlink(folder_path(&f, "web")), 0);
		make_link(&f, "web", "second");
		ck_assert_int_eq(follow(&f), 0);
		ck_assert_int_eq(lchown(folder_path(&f, names[i]), SOMEBODY, SOMEBODY), 0);
		ck_assert_int_eq(follow(&f), -EPERM);
	}
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_told_from_one_that_cannot_be_followed)
{
	static const struct {
		const char *target;
		int error;
	} cases[] = {{"nothing", -ENOENT},
		     {"nothing/file", -ENOENT},
		     {"far/file/file", -ENOENT},
		     {"/nonexistent/file", -ENOENT},
		     {"web", -ELOOP}};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_folder_ struct folder f = {0};

		set_up(&f);
		ck_assert_int_eq(unlink(folder_path(&f, "web")), 0);
		make_link(&f, "web", cases[i].target);
		ck_assert_int_eq(follow(&f), cases[i].error);
	}
}
END_TEST

START_TEST(a_file_is_opened_by_its_name_and_by_a_link_to_it)
{
	static const char *const names[] = {"web", "far/file"};
	_cleanup_folder_ struct folder f = {0};

	set_up(&f);
	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *problem = NULL;
		_cleanup_close_ int fd = link_open(folder_path(&f, names[i]), O_RDONLY, &problem);
		char text[8] = "";

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(read(fd, text, sizeof(text)), 6);
		ck_assert_str_eq(text, "memory");
	}
}
END_TEST

START_TEST(what_cannot_be_opened_says_why)
{
	_cleanup_folder_ struct folder f = {0};
	_cleanup_free_ char *missing = NULL, *refused = NULL;

	set_up(&f);
	ck_assert_int_eq(link_open(folder_path(&f, "nothing"), O_RDONLY, &missing), -ENOENT);
	ck_assert_ptr_nonnull(missing);
	ck_assert_int_eq(chmod(folder_path(&f, "far"), 0777), 0);
	ck_assert_int_eq(link_open(folder_path(&f, "web"), O_RDONLY, &refused), -EPERM);
	ck_assert_ptr_nonnull(strstr(refused, "/far"));
}
END_TEST

SUITE("link", a_link_that_root_alone_can_change_is_followed,
      links_on_the_way_and_dots_are_followed_as_the_kernel_does,
      a_link_by_way_of_a_folder_that_others_can_write_is_refused,
      a_link_in_a_folder_that_others_can_write_is_refused,
      a_name_is_not_looked_up_where_others_can_write, a_sticky_folder_is_no_obstacle,
      a_file_that_others_can_write_is_refused, what_is_another_users_is_refused,
      a_link_that_leads_nowhere_is_told_from_one_that_cannot_be_followed,
      a_file_is_opened_by_its_name_and_by_a_link_to_it, what_cannot_be_opened_says_why);
