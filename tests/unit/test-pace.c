/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/pace.h"
#include "unit.h"

#define SEC USEC_PER_SEC
#define MIB 1024ULL
#define GIB (1024 * MIB)

START_TEST(the_pace_is_that_of_all_together)
{
	struct pace pace = {0};

	ck_assert_uint_eq(pace_rate(&pace), 0);
	pace_begin(&pace, 10 * SEC);
	pace_begin(&pace, 11 * SEC);
	pace_end(&pace, 20 * SEC, GIB, GIB / 2);
	pace_end(&pace, 30 * SEC, GIB, GIB / 4);
	ck_assert_uint_eq(pace_rate(&pace), 2 * GIB / 20);
	ck_assert_uint_eq(pace_disk_rate(&pace), GIB * 3 / 4 / 20);
	pace = (struct pace){0};
	pace_begin(&pace, 10 * SEC);
	pace_end(&pace, 11 * SEC, 1024, 1024);
	ck_assert_uint_eq(pace_rate(&pace), 0);
	ck_assert_uint_eq(pace_disk_rate(&pace), 0);
	/* All of them failed. */
	pace_end(&pace, 20 * SEC, GIB, 0);
	ck_assert_uint_gt(pace_rate(&pace), 0);
	pace = (struct pace){.first = SEC, .last = 2 * SEC, .kib = GIB};
	ck_assert_uint_eq(pace_disk_rate(&pace), 0);
}
END_TEST

static uint64_t expect_of(const uint64_t *rates, size_t n)
{
	struct paces paces = {0};

	for (size_t i = 0; i < n; i++)
		paces_add(&paces, rates[i] * MIB, 0);
	return paces_expect(&paces) / MIB;
}

#define EXPECTED(...)                                                                              \
	expect_of((const uint64_t[]){__VA_ARGS__},                                                 \
		  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

START_TEST(without_a_measurement_a_slow_disk_is_assumed)
{
	const struct paces none = {0};

	ck_assert_uint_eq(paces_expect(&none), 50 * MIB);
	ck_assert_uint_eq(paces_forgive(&none), 0);
}
END_TEST

START_TEST(one_stop_moves_the_estimate_no_further_than_others_did)
{
	ck_assert_uint_eq(EXPECTED(3), 50);
	ck_assert_uint_eq(EXPECTED(900), 50);
	ck_assert_uint_eq(EXPECTED(3, 4), 4);
	ck_assert_uint_eq(EXPECTED(200, 210), 200);
	ck_assert_uint_eq(EXPECTED(200, 210, 190, 205, 3), 200);
	ck_assert_uint_eq(EXPECTED(200, 210, 3, 205), 200);
}
END_TEST

START_TEST(what_is_long_ago_is_forgotten)
{
	ck_assert_uint_eq(EXPECTED(3, 3, 3, 3, 3, 100, 110, 120), 100);
}
END_TEST

START_TEST(a_disk_that_is_fast_again_is_found_to_be)
{
	struct paces paces = {0};
	unsigned stops = 0;

	for (size_t i = 0; i < PACES_MAX; i++)
		paces_add(&paces, 3 * MIB, 0);
	/* Stops in which nobody is saved, since all of it would take too long. */
	for (; paces_expect(&paces) < 50 * MIB; stops++) {
		ck_assert_uint_lt(stops, 20);
		ck_assert_uint_gt(paces_forgive(&paces), paces_expect(&paces));
		paces_add(&paces, paces_forgive(&paces), 0);
	}
	ck_assert_uint_eq(paces_forgive(&paces), 0);
}
END_TEST

static unsigned places_of(const uint64_t *rates, size_t n)
{
	struct paces paces = {0};

	for (size_t i = 0; i < n; i++)
		paces_add(&paces, rates[i] * MIB, 0);
	return paces_places(&paces);
}

#define PLACES(...)                                                                                \
	places_of((const uint64_t[]){__VA_ARGS__},                                                 \
		  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

START_TEST(a_slow_disk_begins_with_few_places_once_it_is_known)
{
	ck_assert_uint_eq(PLACES(10, 10), 0);
	ck_assert_uint_eq(PLACES(10, 10, 10), 2);
	ck_assert_uint_eq(PLACES(150, 10, 140), 2);
	ck_assert_uint_eq(PLACES(500, 30, 40, 50, 60), 7);
	ck_assert_uint_eq(PLACES(500, 30, 40, 50, 60, 70), 2);
	ck_assert_uint_eq(PLACES(2000, 2000, 2000), 31);
}
END_TEST

/* They are saved fast, and tell little of the disk. */
START_TEST(pages_of_zeros_count_for_the_time_and_not_for_the_disk)
{
	struct paces paces = {0};

	for (size_t i = 0; i < PACES_MAX + 1; i++)
		paces_add(&paces, 2000 * MIB, (150 + i) * MIB);
	ck_assert_uint_eq(paces_expect(&paces), 2000 * MIB);
	ck_assert_uint_eq(paces_disk(&paces), 155 * MIB);
	ck_assert_uint_eq(paces_places(&paces), 2);
	paces = (struct paces){0};
	ck_assert_uint_eq(paces_disk(&paces), 0);
}
END_TEST

SUITE("pace", the_pace_is_that_of_all_together, without_a_measurement_a_slow_disk_is_assumed,
      one_stop_moves_the_estimate_no_further_than_others_did, what_is_long_ago_is_forgotten,
      a_disk_that_is_fast_again_is_found_to_be, a_slow_disk_begins_with_few_places_once_it_is_known,
      pages_of_zeros_count_for_the_time_and_not_for_the_disk);
