/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/window.h"
#include "unit.h"

START_TEST(the_next_daemon_knows_when_the_window_began)
{
	_cleanup_folder_ struct folder f;
	usec_t begin = 0;

	folder_make(&f);
	ck_assert_int_eq(window_recall(f.path, &begin), -ENOENT);
	window_note(f.path, 1234567);
	window_note(f.path, 99);
	ck_assert_int_eq(window_recall(f.path, &begin), 0);
	ck_assert_uint_eq(begin, 99);
	window_forget(f.path);
	ck_assert_int_eq(window_recall(f.path, &begin), -ENOENT);
}
END_TEST

START_TEST(a_file_that_was_cut_off_is_no_time)
{
	_cleanup_folder_ struct folder f;
	usec_t begin = 7;

	folder_make(&f);
	folder_write(&f, "window", "");
	ck_assert_int_lt(window_recall(f.path, &begin), 0);
	folder_write(&f, "window", "12x");
	ck_assert_int_lt(window_recall(f.path, &begin), 0);
	ck_assert_uint_eq(begin, 7);
}
END_TEST

SUITE("window", the_next_daemon_knows_when_the_window_began, a_file_that_was_cut_off_is_no_time);
