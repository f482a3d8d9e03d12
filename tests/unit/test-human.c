/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/human.h"

#define SEC USEC_PER_SEC

START_TEST(a_short_time_has_tenths)
{
	ck_assert_str_eq(DURATION(0), "0 s");
	ck_assert_str_eq(DURATION(49999), "0 s");
	ck_assert_str_eq(DURATION(50000), "0.1 s");
	ck_assert_str_eq(DURATION(400000), "0.4 s");
	ck_assert_str_eq(DURATION(5 * SEC), "5 s");
	ck_assert_str_eq(DURATION(9949999), "9.9 s");
	ck_assert_str_eq(DURATION(9950000), "10 s");
	ck_assert_str_eq(DURATION(10400000), "10 s");
	ck_assert_str_eq(DURATION(59499999), "59 s");
}
END_TEST

START_TEST(a_long_time_has_two_units)
{
	ck_assert_str_eq(DURATION(59500000), "1 min");
	ck_assert_str_eq(DURATION(2092 * SEC), "34 min 52 s");
	ck_assert_str_eq(DURATION(3599 * SEC), "59 min 59 s");
	ck_assert_str_eq(DURATION(3600 * SEC), "1 h");
	ck_assert_str_eq(DURATION(7535 * SEC), "2 h 5 min");
	ck_assert_str_eq(DURATION(76 * 3600 * SEC), "3 d 4 h");
	ck_assert_str_eq(DURATION(48 * 3600 * SEC), "2 d");
	ck_assert_str_eq(DURATION(USEC_INFINITY), "213503982 d 8 h");
}
END_TEST

START_TEST(a_size_has_three_figures)
{
	ck_assert_str_eq(SIZE(0), "0 B");
	ck_assert_str_eq(SIZE(1023), "1023 B");
	ck_assert_str_eq(SIZE(1024), "1.0 KiB");
	ck_assert_str_eq(SIZE(8804682957), "8.2 GiB");
	ck_assert_str_eq(SIZE(325058560), "310 MiB");
	ck_assert_str_eq(SIZE(10400000), "9.9 MiB");
	ck_assert_str_eq(SIZE(10485759), "10 MiB");
	ck_assert_str_eq(SIZE(1048063), "1023 KiB");
	ck_assert_str_eq(SIZE(1048064), "1.0 MiB");
	ck_assert_str_eq(SIZE(UINT64_MAX), "16 EiB");
}
END_TEST

START_TEST(a_rate_is_a_size_a_second)
{
	ck_assert_str_eq(RATE(325058560), "310 MiB/s");
	ck_assert_str_eq(RATE(12), "12 B/s");
}
END_TEST

START_TEST(a_short_buffer_is_not_overrun)
{
	char buffer[4];

	ck_assert_str_eq(human_duration(2092 * SEC, buffer, sizeof(buffer)), "34 ");
	ck_assert_str_eq(human_size(1024, buffer, sizeof(buffer)), "1.0");
}
END_TEST

SUITE("human", a_short_time_has_tenths, a_long_time_has_two_units, a_size_has_three_figures,
      a_rate_is_a_size_a_second, a_short_buffer_is_not_overrun);
