/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/mounts.h"
#include "unit.h"
#include "util/str.h"

/* The names are those of systemd-escape --path; tests/integration/test_generator.py asks it. */
START_TEST(names_are_those_of_systemd)
{
	static const char *const names[][2] = {
		{"/", "-"},
		{"///", "-"},
		{"/.", "-"},
		{"/srv/xen", "srv-xen"},
		{"//srv///xen//", "srv-xen"},
		{"/srv/./xen/.", "srv-xen"},
		{"/srv/my-images", "srv-my\\x2dimages"},
		{"/.hidden/.too", "\\x2ehidden-.too"},
		{"/a b", "a\\x20b"},
		{"/100%i", "100\\x25i"},
		{"/it's\"quoted\"", "it\\x27s\\x22quoted\\x22"},
		{"/back\\slash", "back\\x5cslash"},
		{"/two\nlines=[Service]", "two\\x0alines\\x3d\\x5bService\\x5d"},
		{"/b\xc3\xbcro", "b\\xc3\\xbcro"},
		{"/a:b_c.d@e", "a:b_c.d\\x40e"},
		{"/..a/b..", "\\x2e.a-b.."},
	};

	for (size_t i = 0; i < ELEMENTSOF(names); i++) {
		_cleanup_free_ char *name = NULL;

		ck_assert_int_eq(mount_unit_name(names[i][0], &name), 0);
		ck_assert_str_eq(name, names[i][1]);
	}
}
END_TEST

START_TEST(a_path_that_systemd_has_no_name_for_is_refused)
{
	char *name = NULL;

	ck_assert_int_eq(mount_unit_name("", &name), -EINVAL);
	ck_assert_int_eq(mount_unit_name("srv", &name), -EINVAL);
	ck_assert_int_eq(mount_unit_name("/srv/../etc", &name), -EINVAL);
	ck_assert_int_eq(mount_unit_name("/..", &name), -EINVAL);
	ck_assert_ptr_null(name);
}
END_TEST

START_TEST(a_name_has_255_bytes_at_most)
{
	char path[300] = "/";
	char *name = NULL;

	memset(path + 1, 'a', 255 - strlen(".automount"));
	ck_assert_int_eq(mount_unit_name(path, &name), 0);
	free(TAKE_PTR(name));
	strcat(path, "a");
	ck_assert_int_eq(mount_unit_name(path, &name), -ENAMETOOLONG);
}
END_TEST

START_TEST(each_parent_is_named_once)
{
	_cleanup_(mount_units_done) struct mount_units m = {0};

	ck_assert_int_eq(mount_units_add(&m, "/srv/xen/save/"), 0);
	ck_assert_int_eq(mount_units_add(&m, "/srv//xen/auto"), 0);
	ck_assert_int_eq(mount_units_add(&m, "/"), 0);
	ck_assert_uint_eq(m.n, 4);
	ck_assert_str_eq(m.names[0], "srv");
	ck_assert_str_eq(m.names[1], "srv-xen");
	ck_assert_str_eq(m.names[2], "srv-xen-save");
	ck_assert_str_eq(m.names[3], "srv-xen-auto");
}
END_TEST

START_TEST(nothing_is_guessed_behind_two_dots)
{
	_cleanup_(mount_units_done) struct mount_units m = {0};

	ck_assert_int_eq(mount_units_add(&m, "/srv/../xen"), 0);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_str_eq(m.names[0], "srv");
	ck_assert_int_eq(mount_units_add(&m, "xen"), -EINVAL);
	ck_assert_uint_eq(m.n, 1);
}
END_TEST

START_TEST(the_parents_of_a_long_path_are_named)
{
	_cleanup_(mount_units_done) struct mount_units m = {0};
	char path[300] = "/srv/";

	memset(path + strlen(path), '-', 100);
	ck_assert_int_eq(mount_units_add(&m, path), -ENAMETOOLONG);
	ck_assert_uint_eq(m.n, 1);
	ck_assert_str_eq(m.names[0], "srv");
}
END_TEST

START_TEST(a_drop_in_wants_mounts_and_requires_none)
{
	_cleanup_(mount_units_done) struct mount_units m = {0};
	_cleanup_free_ char *text = NULL;

	ck_assert_int_eq(mount_units_add(&m, "/srv/a b"), 0);
	ck_assert_int_eq(mount_units_drop_in(&m, &text), 0);
	ck_assert_ptr_nonnull(strstr(text, "[Unit]\n"
					   "Wants=srv.mount\n"
					   "After=srv.mount srv.automount\n"
					   "Wants=srv-a\\x20b.mount\n"
					   "After=srv-a\\x20b.mount srv-a\\x20b.automount\n"));
	ck_assert_ptr_null(strstr(text, "Requires"));
}
END_TEST

SUITE("mounts", names_are_those_of_systemd, a_path_that_systemd_has_no_name_for_is_refused,
      a_name_has_255_bytes_at_most, each_parent_is_named_once, nothing_is_guessed_behind_two_dots,
      the_parents_of_a_long_path_are_named, a_drop_in_wants_mounts_and_requires_none);
