/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/uuid.h"

static const char text[] = "00112233-4455-6677-8899-aabbccddeeff";

START_TEST(a_uuid_comes_back_as_it_was)
{
	char buffer[UUID_TEXT_SIZE];
	struct uuid u;

	ck_assert_int_eq(uuid_parse(text, &u), 0);
	ck_assert_uint_eq(u.bytes[0], 0x00);
	ck_assert_uint_eq(u.bytes[4], 0x44);
	ck_assert_uint_eq(u.bytes[15], 0xff);
	ck_assert_str_eq(uuid_format(&u, buffer), text);
	ck_assert_str_eq(UUID_TEXT(&u), text);
}
END_TEST

START_TEST(case_makes_no_difference)
{
	struct uuid a, b;

	ck_assert_int_eq(uuid_parse(text, &a), 0);
	ck_assert_int_eq(uuid_parse("00112233-4455-6677-8899-AABBCCDDEEFF", &b), 0);
	ck_assert(uuid_equal(&a, &b));
	b.bytes[15] ^= 1;
	ck_assert(!uuid_equal(&a, &b));
}
END_TEST

START_TEST(what_is_no_uuid_is_refused)
{
	static const char *const broken[] = {
		"",
		"00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0",
		"00112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddeefg",
		"0011223-34455-6677-8899-aabbccddeeff",
		"00112233-4455-6677-8899-aabbccddee-f",
		"00112233 4455 6677 8899 aabbccddeeff",
		"-0112233-4455-6677-8899-aabbccddeeff",
		" 0112233-4455-6677-8899-aabbccddeeff",
		"0x112233-4455-6677-8899-aabbccddeeff",
		"------------------------------------",
	};
	struct uuid u = UUID_NULL;

	for (size_t i = 0; i < ELEMENTSOF(broken); i++)
		ck_assert_int_eq(uuid_parse(broken[i], &u), -EINVAL);
	ck_assert(uuid_is_null(&u));
}
END_TEST

START_TEST(random_ones_differ_and_say_what_they_are)
{
	struct uuid a, b;

	ck_assert_int_eq(uuid_random(&a), 0);
	ck_assert_int_eq(uuid_random(&b), 0);
	ck_assert(!uuid_equal(&a, &b));
	ck_assert_uint_eq(a.bytes[6] >> 4, 4);
	ck_assert_uint_eq(a.bytes[8] >> 6, 2);
}
END_TEST

SUITE("uuid", a_uuid_comes_back_as_it_was, case_makes_no_difference, what_is_no_uuid_is_refused,
      random_ones_differ_and_say_what_they_are);
