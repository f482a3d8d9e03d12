/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/parse.h"
#include "util/time.h"

START_TEST(a_number_is_taken_whole_or_not_at_all)
{
	static const struct {
		const char *text;
		uint64_t max;
		int result;
		uint64_t value;
	} cases[] = {
		{"0", 10, 0, 0},
		{"10", 10, 0, 10},
		{"007", 10, 0, 7},
		{"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
		{"11", 10, -ERANGE, 0},
		{"18446744073709551616", UINT64_MAX, -ERANGE, 0},
		{"99999999999999999999999", UINT64_MAX, -ERANGE, 0},
		{"", 10, -EINVAL, 0},
		{" 1", 10, -EINVAL, 0},
		{"1 ", 10, -EINVAL, 0},
		{"+1", 10, -EINVAL, 0},
		{"-1", UINT64_MAX, -EINVAL, 0},
		{"1s", 10, -EINVAL, 0},
		{"0x10", 100, -EINVAL, 0},
		{"1.5", 10, -EINVAL, 0},
		/* Nonsense is nonsense, however large the number before it. */
		{"99999999999999999999999x", UINT64_MAX, -EINVAL, 0},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		uint64_t value = 4711;

		ck_assert_int_eq(parse_u64(cases[i].text, cases[i].max, &value), cases[i].result);
		ck_assert_uint_eq(value, cases[i].result < 0 ? 4711 : cases[i].value);
	}
}
END_TEST

START_TEST(a_bool_is_one_of_eight_words)
{
	static const char *const yes[] = {"true", "yes", "on", "1", "TRUE", "Yes", "oN"};
	static const char *const no[] = {"false", "no", "off", "0", "FALSE", "No", "oFf"};
	static const char *const neither[] = {"", " true", "true ", "t", "2", "-1", "enabled"};
	bool value = false;

	for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
		value = false;
		ck_assert_int_eq(parse_bool(yes[i], &value), 0);
		ck_assert(value);
		ck_assert_int_eq(parse_bool(no[i], &value), 0);
		ck_assert(!value);
		ck_assert_int_eq(parse_bool(neither[i], &value), -EINVAL);
	}
}
END_TEST

START_TEST(times_do_not_fall_below_zero)
{
	ck_assert_uint_eq(usec_sub(5, 3), 2);
	ck_assert_uint_eq(usec_sub(3, 5), 0);
	ck_assert_uint_le(usec_now(), usec_now());
	/* The wall clock of a machine that has one is past this program's first day. */
	ck_assert_uint_gt(usec_now_wall(), UINT64_C(1700000000) * USEC_PER_SEC);
}
END_TEST

SUITE("parse", a_number_is_taken_whole_or_not_at_all, a_bool_is_one_of_eight_words,
      times_do_not_fall_below_zero);
