/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <limits.h>
#include <stdio.h>

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
		{"\xc2", "\xc2"},
		{"", ""},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *shown = str_printable(cases[i].text, 100);

		ck_assert_str_eq(shown, cases[i].shown);
	}
}
END_TEST

START_TEST(a_long_text_is_cut_and_says_so)
{
	_cleanup_free_ char *whole = str_printable("12345", 5);
	_cleanup_free_ char *cut = str_printable("123456", 5);
	_cleanup_free_ char *nothing = str_printable("1", 0);

	ck_assert_str_eq(whole, "12345");
	ck_assert_str_eq(cut, "12345...");
	ck_assert_str_eq(nothing, "...");
}
END_TEST

static const struct {
	const char *name, *file;
} file_names[] = {
	{"web", "web"},
	{"web.example.org", "web.example.org"},
	{"A-z_0+1,2=3@4^5", "A-z_0+1,2=3@4^5"},
	{"..", "%2E."},
	{".", "%2E"},
	{".hidden", "%2Ehidden"},
	{"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
	{"a b", "a%20b"},
	{"50%", "50%25"},
	{"a\nb", "a%0Ab"},
	{"gr\xc3\xbc", "gr%C3%BC"},
	{"~web", "%7Eweb"},
	/* What means something to us must not come from a guest. */
	{"web.part", "web%2Epart"},
	{"web.restoring", "web%2Erestoring"},
	{"web.stale-1", "web%2Estale-1"},
	{"web.part.part", "web.part%2Epart"},
	{"web.partner", "web.partner"},
	{"web.restoring2", "web.restoring2"},
};

START_TEST(a_name_that_is_no_file_name_is_escaped)
{
	for (size_t i = 0; i < ELEMENTSOF(file_names); i++) {
		_cleanup_free_ char *file = NULL, *name = NULL;

		ck_assert_int_eq(file_name_escape(file_names[i].name, &file), 0);
		ck_assert_str_eq(file, file_names[i].file);
		ck_assert_int_eq(file_name_unescape(file, &name), 0);
		ck_assert_str_eq(name, file_names[i].name);
	}
}
END_TEST

START_TEST(any_name_comes_back_from_its_file)
{
	struct dice dice = {1};

	for (int round = 0; round < 2000; round++) {
		_cleanup_free_ char *file = NULL, *back = NULL;
		char name[40] = "";
		size_t length = 1 + dice_pick(&dice, sizeof(name) - 1);

		for (size_t i = 0; i < length; i++)
			name[i] = dice_once_in(&dice, 4) ? "./%- "[dice_pick(&dice, 5)]
							 : (char)(1 + dice_pick(&dice, 255));
		ck_assert_int_eq(file_name_escape(name, &file), 0);
		ck_assert_int_ne(file[0], '.');
		ck_assert_ptr_null(strchr(file, '/'));
		ck_assert_int_eq(file_name_unescape(file, &back), 0);
		ck_assert_str_eq(back, name);
	}
}
END_TEST

START_TEST(a_name_too_long_for_a_file_is_refused)
{
	_cleanup_free_ char *file = NULL;
	char name[NAME_MAX + 1];

	/* Room is left for ".stale-" and a time behind it. */
	memset(name, 'a', sizeof(name));
	name[NAME_MAX - 32] = '\0';
	ck_assert_int_eq(file_name_escape(name, &file), 0);
	ck_assert_uint_le(strlen(file) + strlen(".stale-18446744073709551615"), NAME_MAX);
	name[NAME_MAX - 32] = 'a';
	name[NAME_MAX - 31] = '\0';
	free(TAKE_PTR(file));
	ck_assert_int_eq(file_name_escape(name, &file), -ENAMETOOLONG);
	memset(name, ' ', 100);
	name[100] = '\0';
	ck_assert_int_eq(file_name_escape(name, &file), -ENAMETOOLONG);
	ck_assert_int_eq(file_name_escape("", &file), -EINVAL);
	ck_assert_ptr_null(file);
}
END_TEST

START_TEST(a_broken_escape_is_refused)
{
	static const char *const broken[] = {"%", "a%", "%2", "%2e", "%zz", "%00", "a%0", "% 20"};
	char *name = NULL;

	for (size_t i = 0; i < ELEMENTSOF(broken); i++)
		ck_assert_int_eq(file_name_unescape(broken[i], &name), -EINVAL);
	ck_assert_ptr_null(name);
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
      a_long_text_is_cut_and_says_so, a_name_that_is_no_file_name_is_escaped,
      any_name_comes_back_from_its_file, a_name_too_long_for_a_file_is_refused,
      a_broken_escape_is_refused, what_is_not_in_a_table_is_not_found);
