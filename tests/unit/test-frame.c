/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "wire/frame.h"

static void donep(struct framer *f)
{
	framer_done(f);
}

#define _cleanup_framer_ _cleanup_(donep)

static void expect(struct framer *f, const char *message)
{
	const char *text = NULL;
	size_t length = 0;

	ck_assert_int_eq(framer_next(f, &text, &length), 1);
	ck_assert_str_eq(text, message);
	ck_assert_uint_eq(length, strlen(message));
}

static void expect_nothing(struct framer *f)
{
	const char *text;
	size_t length;

	ck_assert_int_eq(framer_next(f, &text, &length), 0);
}

START_TEST(messages_come_out_whole_and_in_order)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(100);

	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "one\0two\0thr", 11), 0);
	expect(&f, "one");
	expect(&f, "two");
	expect_nothing(&f);
	ck_assert_uint_eq(framer_held(&f), 3);
	ck_assert_int_eq(framer_feed(&f, "ee\0", 3), 0);
	expect(&f, "three");
	expect_nothing(&f);
	ck_assert_uint_eq(framer_held(&f), 0);
}
END_TEST

START_TEST(an_empty_message_is_one)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(100);

	ck_assert_int_eq(framer_feed(&f, "\0\0a\0", 4), 0);
	expect(&f, "");
	expect(&f, "");
	expect(&f, "a");
	expect_nothing(&f);
}
END_TEST

START_TEST(no_bytes_are_no_harm)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(100);

	ck_assert_int_eq(framer_feed(&f, "", 0), 0);
	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "a", 1), 0);
	ck_assert_int_eq(framer_feed(&f, "", 0), 0);
	ck_assert_int_eq(framer_feed(&f, "\0", 1), 0);
	expect(&f, "a");
}
END_TEST

START_TEST(a_message_may_be_as_long_as_the_limit_and_no_longer)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(4);

	ck_assert_int_eq(framer_feed(&f, "1234", 4), 0);
	ck_assert_int_eq(framer_feed(&f, "\0", 1), 0);
	expect(&f, "1234");
	ck_assert_int_eq(framer_feed(&f, "12345", 5), -EMSGSIZE);
	framer_done(&f);
	ck_assert_int_eq(framer_feed(&f, "12345\0", 6), -EMSGSIZE);
	framer_done(&f);
	ck_assert_int_eq(framer_feed(&f, "1234", 4), 0);
	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "5", 1), -EMSGSIZE);
	/* And it stays so. */
	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "6", 1), -EMSGSIZE);
	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "7", 1), -EMSGSIZE);
}
END_TEST

START_TEST(many_short_messages_may_be_more_than_the_limit)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(4);

	ck_assert_int_eq(framer_feed(&f, "a\0b\0c\0d\0e\0f\0", 12), 0);
	for (const char *const *m = (const char *const[]){"a", "b", "c", "d", "e", "f", NULL}; *m;
	     m++)
		expect(&f, *m);
	expect_nothing(&f);
}
END_TEST

START_TEST(a_message_too_long_behind_a_short_one_is_noticed)
{
	_cleanup_framer_ struct framer f = FRAMER_INIT(4);

	ck_assert_int_eq(framer_feed(&f,
				     "a\0"
				     "123456789",
				     11),
			 0);
	expect(&f, "a");
	expect_nothing(&f);
	ck_assert_int_eq(framer_feed(&f, "0", 1), -EMSGSIZE);
}
END_TEST

/* Any splitting of a stream gives the same messages. */
START_TEST(how_the_bytes_come_makes_no_difference)
{
	struct dice dice = {3};

	for (int round = 0; round < 500; round++) {
		_cleanup_framer_ struct framer f = FRAMER_INIT(40);
		char stream[400];
		size_t size = 0, seen = 0;

		while (size < 300) {
			size_t length = dice_pick(&dice, 40);

			memset(stream + size, 'a' + (int)dice_pick(&dice, 26), length);
			stream[size + length] = '\0';
			size += length + 1;
		}
		for (size_t fed = 0; fed < size;) {
			size_t n = MIN(1 + dice_pick(&dice, 60), size - fed);
			const char *text;
			size_t length;

			ck_assert_int_eq(framer_feed(&f, stream + fed, n), 0);
			fed += n;
			while (!dice_once_in(&dice, 5) && framer_next(&f, &text, &length) > 0) {
				ck_assert_str_eq(text, stream + seen);
				seen += length + 1;
			}
			ck_assert_uint_eq(framer_held(&f), fed - seen);
		}
		while (seen < size) {
			expect(&f, stream + seen);
			seen += strlen(stream + seen) + 1;
		}
		expect_nothing(&f);
	}
}
END_TEST

SUITE("frame", messages_come_out_whole_and_in_order, an_empty_message_is_one, no_bytes_are_no_harm,
      a_message_may_be_as_long_as_the_limit_and_no_longer,
      many_short_messages_may_be_more_than_the_limit,
      a_message_too_long_behind_a_short_one_is_noticed, how_the_bytes_come_makes_no_difference);
