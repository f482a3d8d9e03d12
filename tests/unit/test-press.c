/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/press.h"
#include "unit.h"

#define SEC USEC_PER_SEC
#define MIB 1024ULL

/* Of a disk that writes so much in a second. */
#define RATE (100 * MIB)

/* A save that takes the disk so many seconds, and has so many. */
static struct flight make(unsigned takes, unsigned until)
{
	return (struct flight){
		.left = takes * RATE,
		.until = until * SEC,
		.own = USEC_INFINITY,
		.may_end = true,
	};
}

/* The seconds that those which are given up would take: each one has another number. */
static unsigned given_up(const struct flight *flights, size_t n)
{
	unsigned sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += flights[i].given_up ? (unsigned)(flights[i].left / RATE) : 0;
	return sum;
}

static unsigned judge(struct flight *flights, size_t n, bool at_once)
{
	press_judge(flights, n, RATE, at_once);
	return given_up(flights, n);
}

START_TEST(saves_that_keep_their_time_go_on)
{
	struct flight f[] = {make(10, 100), make(40, 100), make(20, 100)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 0);
	ck_assert_uint_eq(judge(f, 0, true), 0);
}
END_TEST

START_TEST(the_one_that_has_furthest_to_go_makes_way)
{
	struct flight f[] = {make(10, 60), make(40, 60), make(20, 60), make(21, 60)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 40);
}
END_TEST

START_TEST(no_more_make_way_than_must)
{
	struct flight f[] = {make(10, 30), make(11, 30), make(12, 30), make(13, 30)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 12 + 13);
}
END_TEST

START_TEST(one_that_cannot_be_shut_down_is_the_last_to_make_way)
{
	struct flight f[] = {make(10, 30), make(15, 30), make(20, 30)};

	f[2].may_end = false;
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 15);
	f[0].may_end = f[1].may_end = f[2].may_end = false;
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 20);
}
END_TEST

START_TEST(one_that_is_kept_goes_on_and_takes_its_part)
{
	struct flight f[] = {make(10, 30), make(15, 30), make(20, 30)};

	f[2].kept = true;
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 15);
}
END_TEST

/* What would not be cut off is not given up for another one, which would only take its place. */
START_TEST(one_that_keeps_its_own_time_does_not_make_way)
{
	struct flight f[] = {make(10, 20), make(100, 200), make(30, 20)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 30);
}
END_TEST

START_TEST(one_that_gets_on_faster_than_its_part_goes_on)
{
	struct flight f[] = {make(9, 30), make(10, 30), make(20, 30)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 20);
	f[2].own = 25 * SEC;
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 0);
}
END_TEST

START_TEST(what_is_too_late_in_any_case_does_not_cost_another_one)
{
	struct flight f[] = {make(10, 5), make(20, 25)};

	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 10);
}
END_TEST

/* The disk may become faster. */
START_TEST(none_makes_way_before_the_others_need_it)
{
	struct flight early[] = {make(10, 100), make(20, 100), make(90, 100)};
	struct flight due[] = {make(10, 35), make(20, 35), make(90, 35)};
	struct flight alone[] = {make(90, 35)};

	ck_assert_uint_eq(judge(early, ELEMENTSOF(early), false), 0);
	ck_assert_uint_eq(judge(due, ELEMENTSOF(due), false), 90);
	/* It helps none, and is cut off when its time is over. */
	ck_assert_uint_eq(judge(alone, ELEMENTSOF(alone), false), 0);
}
END_TEST

START_TEST(where_no_pace_is_known_its_own_one_counts)
{
	struct flight f[] = {make(10, 30), make(20, 30), make(40, 30)};

	f[0].own = 29 * SEC;
	press_judge(f, ELEMENTSOF(f), 0, false);
	ck_assert_uint_eq(given_up(f, ELEMENTSOF(f)), 0);
	press_judge(f, ELEMENTSOF(f), 0, true);
	ck_assert_uint_eq(given_up(f, ELEMENTSOF(f)), 20 + 40);
}
END_TEST

START_TEST(without_a_limit_none_makes_way)
{
	struct flight f[] = {make(10, 30), make(20, 30)};

	f[0].until = f[1].until = USEC_INFINITY;
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), false), 0);
	ck_assert_uint_eq(judge(f, ELEMENTSOF(f), true), 0);
}
END_TEST

START_TEST(the_pace_is_that_of_the_last_seconds)
{
	struct flow flow = {0};

	flow_tell(&flow, 1000 * SEC, 7000 * MIB);
	ck_assert_uint_eq(flow.rate, 0);
	flow_tell(&flow, 1009 * SEC, 7001 * MIB);
	ck_assert_uint_eq(flow.rate, 0);
	flow_tell(&flow, 1010 * SEC, 8000 * MIB);
	ck_assert_uint_eq(flow.rate, 100 * MIB);
	flow_tell(&flow, 1019 * SEC, 8000 * MIB);
	ck_assert_uint_eq(flow.rate, 100 * MIB);
	flow_tell(&flow, 1020 * SEC, 8020 * MIB);
	ck_assert_uint_eq(flow.rate, 2 * MIB);
}
END_TEST

SUITE("press", saves_that_keep_their_time_go_on, the_one_that_has_furthest_to_go_makes_way,
      no_more_make_way_than_must, one_that_cannot_be_shut_down_is_the_last_to_make_way,
      one_that_is_kept_goes_on_and_takes_its_part, one_that_keeps_its_own_time_does_not_make_way,
      one_that_gets_on_faster_than_its_part_goes_on,
      what_is_too_late_in_any_case_does_not_cost_another_one,
      none_makes_way_before_the_others_need_it, where_no_pace_is_known_its_own_one_counts,
      without_a_limit_none_makes_way, the_pace_is_that_of_the_last_seconds);
