/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/quote.h"

START_TEST(a_plain_word_stays)
{
	ck_assert_str_eq(QUOTED("web-1.example_com"), "web-1.example_com");
	ck_assert_str_eq(QUOTED("/var/lib/xen/save/web%2Epart"), "/var/lib/xen/save/web%2Epart");
	ck_assert_str_eq(QUOTED("b\xc3\xbcro"), "b\xc3\xbcro");
}
END_TEST

START_TEST(nothing_is_left_for_a_shell_to_expand)
{
	ck_assert_str_eq(QUOTED("my guest"), "my\\ guest");
	ck_assert_str_eq(QUOTED("$(x)`y`"), "\\$\\(x\\)\\`y\\`");
	ck_assert_str_eq(QUOTED("it's \"a\\b\""), "it\\'s\\ \\\"a\\\\b\\\"");
	ck_assert_str_eq(QUOTED("~*?[!#&;|<>"), "\\~\\*\\?\\[\\!\\#\\&\\;\\|\\<\\>");
	ck_assert_str_eq(QUOTED(""), "''");
}
END_TEST

/* The client shows '?' in their place. */
START_TEST(no_word_that_is_not_shown_as_it_is_gets_into_a_command)
{
	ck_assert_str_eq(QUOTED("a\nb"), "...");
	ck_assert_str_eq(QUOTED("a\x7f"), "...");
	ck_assert_str_eq(QUOTED("a\xc2\x9b"
				"b"),
			 "...");
	ck_assert_str_eq(AS_ARGUMENT("-a\xe2\x80\xae"), "...");
}
END_TEST

START_TEST(a_word_that_begins_with_a_dash_is_no_option)
{
	char buffer[8];

	ck_assert_str_eq(AS_ARGUMENT("web-1"), "web-1");
	ck_assert_str_eq(AS_ARGUMENT("--all"), "-- --all");
	ck_assert_str_eq(AS_ARGUMENT("- b"), "-- -\\ b");
	ck_assert_str_eq(quote_argument("-b", buffer, sizeof(buffer)), "-- -b");
	ck_assert_str_eq(quote_argument("-bcd", buffer, sizeof(buffer)), "...");
}
END_TEST

START_TEST(no_word_is_cut)
{
	char buffer[6];

	ck_assert_str_eq(quote_word("abcd", buffer, sizeof(buffer)), "abcd");
	ck_assert_str_eq(quote_word("abcde", buffer, sizeof(buffer)), "...");
	ck_assert_str_eq(quote_word("a b", buffer, sizeof(buffer)), "a\\ b");
	ck_assert_str_eq(quote_word("a b c", buffer, sizeof(buffer)), "...");
}
END_TEST

SUITE("quote", a_plain_word_stays, nothing_is_left_for_a_shell_to_expand,
      no_word_that_is_not_shown_as_it_is_gets_into_a_command,
      a_word_that_begins_with_a_dash_is_no_option, no_word_is_cut);
