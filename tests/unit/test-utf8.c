/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/utf8.h"

static bool is_valid(const char *s)
{
	return utf8_is_valid(s, strlen(s));
}

START_TEST(a_character_is_read_in_each_length)
{
	static const struct {
		const char *in;
		size_t length;
		uint32_t c;
	} cases[] = {
		{"a", 1, 'a'},
		{"\x7f", 1, 0x7f},
		{"\xc2\x80", 2, 0x80},
		{"\xc3\xbcx", 2, 0xfc},
		{"\xdf\xbf", 2, 0x7ff},
		{"\xe0\xa0\x80", 3, 0x800},
		{"\xed\x9f\xbf", 3, 0xd7ff},
		{"\xee\x80\x80", 3, 0xe000},
		{"\xef\xbf\xbf", 3, 0xffff},
		{"\xf0\x90\x80\x80", 4, 0x10000},
		{"\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		uint32_t c = 0;

		ck_assert_uint_eq(utf8_decode(cases[i].in, strlen(cases[i].in), &c),
				  cases[i].length);
		ck_assert_uint_eq(c, cases[i].c);
		ck_assert(is_valid(cases[i].in));
	}
	ck_assert(is_valid(""));
}
END_TEST

START_TEST(what_is_no_character_is_told_apart)
{
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xff",
		"\xc3",
		"\xc3z",
		"\xe2\x82",
		"\xe2\x82z",
		"\xf0\x9f\x98",
		/* Overlong, a surrogate, beyond Unicode. */
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf8\x88\x80\x80\x80",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		uint32_t c = 4711;

		ck_assert_uint_eq(utf8_decode(bad[i], strlen(bad[i]), &c), 0);
		ck_assert_uint_eq(c, 4711);
		ck_assert(!is_valid(bad[i]));
	}
}
END_TEST

START_TEST(no_byte_is_read_beyond_the_length)
{
	uint32_t c;

	ck_assert_uint_eq(utf8_decode("\xc3\xbc", 1, &c), 0);
	ck_assert_uint_eq(utf8_decode("\xf0\x9f\x98\x80", 3, &c), 0);
	ck_assert(utf8_is_valid("a\xc3", 1));
	ck_assert(!utf8_is_valid("a\xc3\xbc", 2));
}
END_TEST

START_TEST(a_bad_byte_anywhere_makes_a_text_invalid)
{
	ck_assert(is_valid("b\xc3\xbcro.cfg"));
	ck_assert(!is_valid("b\xfcro.cfg"));
	ck_assert(!is_valid("b\xc3\xbcro\xc3"));
}
END_TEST

SUITE("utf8", a_character_is_read_in_each_length, what_is_no_character_is_told_apart,
      no_byte_is_read_beyond_the_length, a_bad_byte_anywhere_makes_a_text_invalid);
