/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lane.h"
#include "unit.h"

#define SEC USEC_PER_SEC

/* What a disk writes in a second, in KiB, with so many saves at work. */
typedef uint64_t (*disk_fn)(unsigned at_work);

static struct {
	struct lane lane;
	usec_t now;
	uint64_t kib;
} f;

static void begin_known(unsigned first, unsigned most, uint64_t known)
{
	f.now = 1000 * SEC;
	f.kib = 0;
	lane_begin(&f.lane, first, most, known);
}

static void begin(unsigned first, unsigned most)
{
	begin_known(first, most, 0);
}

/* Each save tells ten times a second what it has written. */
static void write_for(unsigned seconds, disk_fn disk)
{
	for (usec_t end = f.now + seconds * SEC; f.now < end; f.now += SEC / 10) {
		unsigned at_work = f.lane.allowed;

		for (unsigned i = 0; i < at_work; i++) {
			f.kib += disk(at_work) / at_work / 10;
			lane_tell(&f.lane, f.now, f.kib, at_work);
		}
	}
}

static uint64_t no_faster(unsigned at_work _unused_)
{
	return 150000;
}

static uint64_t slower_with_more(unsigned at_work)
{
	return 150000 / at_work;
}

static uint64_t faster_up_to_four(unsigned at_work)
{
	return MIN(at_work, 4U) * 250000;
}

static uint64_t faster_with_each(unsigned at_work)
{
	return at_work * 100000;
}

static uint64_t tired(unsigned at_work)
{
	return at_work * 10000;
}

START_TEST(a_disk_that_gets_no_faster_stays_with_the_first_number)
{
	begin(2, 8);
	write_for(60, no_faster);
	ck_assert_uint_eq(f.lane.allowed, 2);
	begin(2, 8);
	write_for(60, slower_with_more);
	ck_assert_uint_eq(f.lane.allowed, 2);
}
END_TEST

START_TEST(the_number_rises_as_long_as_the_disk_gets_faster)
{
	begin(2, 8);
	write_for(60, faster_up_to_four);
	ck_assert_uint_eq(f.lane.allowed, 4);
	begin(2, 8);
	write_for(10, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 8);
}
END_TEST

/* By so much as others in measurements: a tenth of a single one's time for each further one. */
static uint64_t loses_a_tenth(unsigned at_work)
{
	return 150000 * 100 / (90 + 10 * at_work);
}

START_TEST(a_first_number_that_is_too_high_falls)
{
	/* More make it slower, and fewer faster. */
	begin(4, 8);
	write_for(60, loses_a_tenth);
	ck_assert_uint_eq(f.lane.allowed, 2);
	/* No more than these can be tried, but the disk was faster before. */
	begin_known(8, 8, 300000);
	write_for(60, loses_a_tenth);
	ck_assert_uint_eq(f.lane.allowed, 2);
	begin_known(8, 8, 300000);
	write_for(60, slower_with_more);
	ck_assert_uint_eq(f.lane.allowed, 2);
}
END_TEST

START_TEST(fewer_are_not_kept_where_they_are_slower)
{
	begin_known(8, 8, 5000000);
	write_for(60, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 8);
	begin_known(8, 8, 5000000);
	write_for(60, no_faster);
	ck_assert_uint_eq(f.lane.allowed, 8);
}
END_TEST

/* So many saves are at work, of more that are ending. */
static void write_with(unsigned at_work, unsigned seconds, disk_fn disk)
{
	for (usec_t end = f.now + seconds * SEC; f.now < end; f.now += SEC / 10) {
		f.kib += disk(at_work) / 10;
		for (unsigned i = 0; i < at_work; i++)
			lane_tell(&f.lane, f.now, f.kib, at_work);
	}
}

START_TEST(fewer_are_not_waited_for_where_each_that_ends_makes_it_slower)
{
	begin_known(8, 8, 5000000);
	write_with(8, 3, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 4);
	write_with(7, 3, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 8);
	begin_known(8, 8, 5000000);
	write_with(8, 3, loses_a_tenth);
	for (unsigned n = 7; n > 4; n--) {
		write_with(n, 3, loses_a_tenth);
		ck_assert_uint_eq(f.lane.allowed, 4);
	}
}
END_TEST

START_TEST(a_disk_that_is_as_fast_as_before_keeps_its_number)
{
	begin_known(8, 8, 150000);
	for (unsigned i = 0; i < 60; i++) {
		write_for(1, no_faster);
		ck_assert_uint_eq(f.lane.allowed, 8);
	}
}
END_TEST

/* One more of seven can make it a seventh faster at most. */
START_TEST(a_trial_of_few_more_needs_to_gain_less)
{
	begin(7, 8);
	write_for(60, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 8);
	begin(7, 8);
	write_for(60, no_faster);
	ck_assert_uint_eq(f.lane.allowed, 7);
}
END_TEST

START_TEST(it_is_never_more_than_the_most)
{
	begin(2, 3);
	write_for(60, faster_with_each);
	ck_assert_uint_eq(f.lane.allowed, 3);
	begin(8, 3);
	ck_assert_uint_eq(f.lane.allowed, 3);
	write_for(60, no_faster);
	ck_assert_uint_eq(f.lane.allowed, 3);
}
END_TEST

START_TEST(a_disk_that_becomes_slower_is_tried_with_more)
{
	begin(2, 8);
	write_for(60, no_faster);
	ck_assert_uint_eq(f.lane.allowed, 2);
	write_for(20, tired);
	ck_assert_uint_eq(f.lane.allowed, 8);
}
END_TEST

/* A measurement during which it became slower is of no use, so that the next one counts, too. */
START_TEST(one_that_is_slower_for_good_is_not_tried_for_ever)
{
	unsigned trials = 0, allowed = 2;

	begin(2, 8);
	write_for(60, faster_up_to_four);
	for (unsigned i = 0; i < 600; i++) {
		allowed = f.lane.allowed;
		write_for(1, no_faster);
		trials += f.lane.allowed > MAX(allowed, 4U);
	}
	ck_assert_uint_ge(trials, 1);
	ck_assert_uint_le(trials, 2);
	ck_assert_uint_eq(f.lane.allowed, 4);
}
END_TEST

/* Too few, as at the end of a stop; or too many, until those end that a trial let in. */
START_TEST(another_number_at_work_says_nothing)
{
	begin(2, 8);
	for (unsigned i = 0; i < 1000; i++)
		ck_assert(!lane_tell(&f.lane, f.now += SEC, f.kib += 1000, i < 500 ? 1 : 3));
	ck_assert_uint_eq(f.lane.allowed, 2);
}
END_TEST

START_TEST(little_news_and_a_short_time_say_nothing)
{
	begin(2, 8);
	for (unsigned i = 0; i < 100; i++)
		ck_assert(!lane_tell(&f.lane, f.now + i, f.kib += 1000, 2));
	begin(2, 8);
	for (unsigned i = 0; i < 6; i++)
		ck_assert(!lane_tell(&f.lane, f.now += 10 * SEC, f.kib += 1000, 2));
	ck_assert(lane_tell(&f.lane, f.now += 10 * SEC, f.kib += 1000, 2));
	ck_assert_uint_eq(f.lane.allowed, 4);
}
END_TEST

SUITE("lane", a_disk_that_gets_no_faster_stays_with_the_first_number,
      the_number_rises_as_long_as_the_disk_gets_faster, a_trial_of_few_more_needs_to_gain_less,
      a_first_number_that_is_too_high_falls, fewer_are_not_kept_where_they_are_slower,
      fewer_are_not_waited_for_where_each_that_ends_makes_it_slower,
      a_disk_that_is_as_fast_as_before_keeps_its_number, it_is_never_more_than_the_most,
      a_disk_that_becomes_slower_is_tried_with_more,
      one_that_is_slower_for_good_is_not_tried_for_ever, another_number_at_work_says_nothing,
      little_news_and_a_short_time_say_nothing);
