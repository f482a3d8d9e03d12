/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/str.h"

START_TEST(replacing_copies_and_frees)
{
	_cleanup_free_ char *s = NULL;
	char value[] = "first";

	ck_assert_int_eq(str_replace(&s, value), 0);
	value[0] = 'F';
	ck_assert_str_eq(s, "first");
	ck_assert_int_eq(str_replace(&s, "second"), 0);
	ck_assert_str_eq(s, "second");
	ck_assert_int_eq(str_replace(&s, NULL), 0);
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(a_string_may_be_replaced_by_a_part_of_itself)
{
	_cleanup_free_ char *s = strdup("prefix-rest");

	ck_assert_int_eq(str_replace(&s, s + strlen("prefix-")), 0);
	ck_assert_str_eq(s, "rest");
}
END_TEST

START_TEST(null_equals_null_only)
{
	ck_assert(str_equal(NULL, NULL));
	ck_assert(!str_equal(NULL, ""));
	ck_assert(!str_equal("", NULL));
	ck_assert(str_equal("a", "a"));
	ck_assert(!str_equal("a", "A"));
	ck_assert(str_empty(NULL));
	ck_assert(str_empty(""));
	ck_assert(!str_empty(" "));
}
END_TEST

START_TEST(ends_are_compared_within_bounds)
{
	ck_assert(str_starts_with("guest.part", "guest"));
	ck_assert(!str_starts_with("gue", "guest"));
	ck_assert(str_ends_with("guest.part", ".part"));
	ck_assert(str_ends_with(".part", ".part"));
	ck_assert(!str_ends_with("part", ".part"));
	ck_assert(str_ends_with("", ""));
}
END_TEST

START_TEST(the_base_is_what_follows_the_last_slash)
{
	ck_assert_str_eq(path_base("/var/lib/xen/save/web"), "web");
	ck_assert_str_eq(path_base("web"), "web");
	ck_assert_str_eq(path_base("/var/"), "");
}
END_TEST

START_TEST(nothing_that_acts_on_a_terminal_is_printed)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{"web", "web"},
		{"\033[2Jweb", "?[2Jweb"},
		{"a\nb\tc\r", "a?b?c?"},
		{"\x7f", "?"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		/* U+009B and U+0085 are ESC [ and a line break, spelt otherwise. */
		{"a\xc2\x9b"
		 "2Jb",
		 "a??2Jb"},
		{"\xc2\x85", "??"},
		{"\xc2\xa0", "\xc2\xa0"},
		/* What turns the direction of writing, and what only stands beside it. */
		{"a\xe2\x80\xae"
		 "b\xd8\x9c",
		 "a???b??"},
		{"\xe2\x81\xa6\xe2\x81\xa5", "???\xe2\x81\xa5"},
		{"\xe2\x80", "\xe2\x80"},
		{"\xc2", "\xc2"},
		{"", ""},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *shown = str_printable(cases[i].text, 100);

		ck_assert_str_eq(shown, cases[i].shown);
		ck_assert_int_eq(str_is_printable(cases[i].text),
				 str_equal(cases[i].text, cases[i].shown));
	}
}
END_TEST

START_TEST(a_long_text_is_cut_and_says_so)
{
	_cleanup_free_ char *whole = str_printable("12345", 5);
	_cleanup_free_ char *cut = str_printable("123456", 5);
	_cleanup_free_ char *nothing = str_printable("1", 0);
	char out[5 + STR_CUT_SIZE];

	ck_assert_str_eq(whole, "12345");
	ck_assert_str_eq(cut, "12345...");
	ck_assert_str_eq(nothing, "...");
	ck_assert_uint_eq(str_print("12345", 5, out), 5);
	ck_assert_str_eq(out, "12345");
	ck_assert_uint_eq(str_print("123456", 5, out), 8);
	ck_assert_str_eq(out, "12345...");
}
END_TEST

START_TEST(what_is_not_in_a_table_is_not_found)
{
	static const char *const names[] = {"zero", NULL, "two"};

	ck_assert_int_eq(str_lookup(names, 3, "zero"), 0);
	ck_assert_int_eq(str_lookup(names, 3, "two"), 2);
	ck_assert_int_eq(str_lookup(names, 3, "one"), -EINVAL);
	ck_assert_int_eq(str_lookup(names, 3, "zer"), -EINVAL);
	ck_assert_int_eq(str_lookup(names, 3, ""), -EINVAL);
	ck_assert_int_eq(str_lookup(names, 3, NULL), -EINVAL);
	ck_assert_int_eq(str_lookup(names, 2, "two"), -EINVAL);
}
END_TEST

SUITE("str", replacing_copies_and_frees, a_string_may_be_replaced_by_a_part_of_itself,
      null_equals_null_only, ends_are_compared_within_bounds,
      the_base_is_what_follows_the_last_slash, nothing_that_acts_on_a_terminal_is_printed,
      a_long_text_is_cut_and_says_so, what_is_not_in_a_table_is_not_found);
