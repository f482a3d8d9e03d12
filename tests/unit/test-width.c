/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/str.h"
#include "width.h"

START_TEST(wide_and_combining_characters_are_counted_as_they_are_shown)
{
	ck_assert_uint_eq(text_width(""), 0);
	ck_assert_uint_eq(text_width("web"), 3);
	ck_assert_uint_eq(text_width("b\xc3\xbcro"), 4);
	/* u and a combining diaeresis. */
	ck_assert_uint_eq(text_width("bu\xcc\x88ro"), 4);
	/* Two ideograms, and a picture. */
	ck_assert_uint_eq(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	ck_assert_uint_eq(text_width("\xf0\x9f\x98\x80"), 2);
}
END_TEST

START_TEST(nothing_that_a_terminal_obeys_is_left)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"b\xc3\xbcro \xe6\x97\xa5", "b\xc3\xbcro \xe6\x97\xa5"},
		{"a\x1b[31mb\n\x7f", "a?[31mb??"},
		/* Not UTF-8, cut off, and a control character of two bytes. */
		{"a\xff\x80z", "a??z"},
		{"a\xe6\x97", "a??"},
		{"a\xc2\x9b", "a?"},
		/* It would turn what follows. */
		{"a\xe2\x80\xae"
		 "b",
		 "a?b"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *clean = text_clean(cases[i].in);

		ck_assert_str_eq(clean, cases[i].out);
		ck_assert_uint_eq(text_width(cases[i].in), text_width(clean));
	}
}
END_TEST

static char *wrapped(const char *s, size_t width, size_t indent)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	text_wrap(out, s, width, indent);
	fclose(out);
	return text;
}

START_TEST(paragraph_is_wrapped_at_words)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"", "\n"},
		{"aa bb", "aa bb\n"},
		{"aa bb ccc", "aa bb\n  ccc\n"},
		{"aa bb cc", "aa bb cc\n"},
		{"aa:  bb", "aa:  bb\n"},
		{"aa:    bb", "aa:\n  bb\n"},
		/* Four columns in six bytes, and in three. */
		{"\xe6\x97\xa5\xe6\x9c\xac abc", "\xe6\x97\xa5\xe6\x9c\xac abc\n"},
		{"\xe6\x97\xa5\xe6\x9c\xac abcd", "\xe6\x97\xa5\xe6\x9c\xac\n  abcd\n"},
		/* A path is not broken. */
		{"aa /usr/share/doc b", "aa\n  /usr/share/doc\n  b\n"},
		{"/usr/share/doc b", "/usr/share/doc\n  b\n"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *text = wrapped(cases[i].in, 8, 2);

		ck_assert_str_eq(text, cases[i].out);
	}
}
END_TEST

/* The first half of a command is often a command as well, and does more. */
START_TEST(quoted_command_is_not_broken)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"run 'ctl start db'", "run\n  'ctl start db'\n"},
		{"'ctl start db'; or", "'ctl start db';\n  or\n"},
		{"'a b'. aa bb", "'a b'.\n  aa bb\n"},
		{"'a b c d e", "'a b c d\n  e\n"},
		{"'a b 'c d e' f", "'a b\n  'c d e'\n  f\n"},
		/* Names with a blank, an apostrophe, and a backslash. */
		{"aa 'ctl two\\ words' b", "aa\n  'ctl two\\ words'\n  b\n"},
		{"aa 'ctl words\\ ' b", "aa\n  'ctl words\\ '\n  b\n"},
		{"aa 'ctl it\\'s db' b", "aa\n  'ctl it\\'s db'\n  b\n"},
		{"aa 'ctl it\\ \\'s' b", "aa\n  'ctl it\\ \\'s'\n  b\n"},
		{"aa 'ctl db\\\\' bb ccc", "aa\n  'ctl db\\\\'\n  bb ccc\n"},
		/* Four columns in six bytes. */
		{"a '\xe6\x97\xa5 \xe6\x9c\xac' bb", "a\n  '\xe6\x97\xa5 \xe6\x9c\xac'\n  bb\n"},
		/* No quotes. */
		{"it doesn't b's", "it\n  doesn't\n  b's\n"},
		{"it's aa bb cc", "it's aa\n  bb cc\n"},
		{"its' aa bb' cc", "its' aa\n  bb' cc\n"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_free_ char *text = wrapped(cases[i].in, 8, 2);

		ck_assert_str_eq(text, cases[i].out);
	}
}
END_TEST

/* Of a screen of any width. */
START_TEST(each_command_of_a_reason_stays_in_one_line)
{
	static const char *const commands[] = {
		"'xendomainsctl start db-replica'",
		"'xendomainsctl start --cold two\\ words'",
		"'xl destroy 16'",
	};
	_cleanup_free_ char *reason = NULL;

	ck_assert_int_ge(str_format(&reason,
				    "db: it is truncated. Put a whole copy of it there, and run "
				    "%s; or run %s to start the guest without its memory. If you "
				    "don't need the guest's domain, run %s",
				    commands[0], commands[1], commands[2]),
			 0);
	for (size_t width = 10; width < 240; width++) {
		_cleanup_free_ char *text = wrapped(reason, width, 4);

		for (size_t i = 0; i < ELEMENTSOF(commands); i++)
			ck_assert_ptr_nonnull(strstr(text, commands[i]));
	}
}
END_TEST

START_TEST(without_a_width_nothing_is_wrapped)
{
	_cleanup_free_ char *text = wrapped("aa bb cc dd ee ff", SIZE_MAX, 4);

	ck_assert_str_eq(text, "aa bb cc dd ee ff\n");
}
END_TEST

SUITE("width", wide_and_combining_characters_are_counted_as_they_are_shown,
      nothing_that_a_terminal_obeys_is_left, paragraph_is_wrapped_at_words,
      quoted_command_is_not_broken, each_command_of_a_reason_stays_in_one_line,
      without_a_width_nothing_is_wrapped);
