/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lives.h"
#include "unit.h"
#include "util/str.h"

static const struct uuid a = {.bytes = {1}}, b = {.bytes = {2}}, boot = {.bytes = {9}};

#define MINUTE (60 * USEC_PER_SEC)

static void save(struct lives *l, const struct uuid *image, const char *name, usec_t wall)
{
	const struct known_image saved = {
		.id = *image,
		.name = (char *)name,
		.path = (char[]){"/save/x"},
		.directory = (char[]){"fs:1"},
	};

	ck_assert_int_eq(lives_save(l, &saved, wall), 0);
}

static void expect(const struct lives *l, const struct uuid *image, usec_t written,
		   enum image_standing expected)
{
	ck_assert_str_eq(image_standing_to_string(lives_judge(l, image, "web", written)),
			 image_standing_to_string(expected));
}

START_TEST(names_are_complete_and_read_back)
{
	for (int i = 0; i < _IMAGE_STANDING_MAX; i++)
		ck_assert_int_eq(image_standing_from_string(
					 image_standing_to_string((enum image_standing)i)),
				 i);
	for (int i = 0; i < _LIFE_MAX; i++)
		ck_assert_int_eq(life_from_string(life_to_string((enum life)i)), i);
	ck_assert_int_lt(image_standing_from_string("x"), 0);
	ck_assert_int_lt(life_from_string(NULL), 0);
}
END_TEST

START_TEST(an_image_is_the_newest_until_a_life_begins)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	/* Its own time counts for nothing where the ledger knows it. */
	expect(&l, &a, 0, IMAGE_NEWEST);
	expect(&l, &a, USEC_INFINITY, IMAGE_NEWEST);
	ck_assert(uuid_equal(&lives_newest(&l)->id, &a));
	lives_begin(&l, &UUID_NULL, "web", 20, 1, &boot);
	expect(&l, &a, USEC_INFINITY, IMAGE_OUTLIVED);
	ck_assert_ptr_null(lives_newest(&l));
}
END_TEST

START_TEST(an_image_that_a_life_began_from_is_used_up_for_good)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	lives_begin(&l, &a, "web", 20, 1, &boot);
	expect(&l, &a, 0, IMAGE_USED_UP);
	lives_begin(&l, &UUID_NULL, "web", 30, 2, &boot);
	save(&l, &b, "web", 40);
	expect(&l, &a, 0, IMAGE_USED_UP);
	expect(&l, &b, 0, IMAGE_NEWEST);
	ck_assert_int_eq(lives_outlive(&l, &a), 0);
	expect(&l, &a, 0, IMAGE_USED_UP);
	lives_doubt(&l);
	expect(&l, &a, 0, IMAGE_USED_UP);
	expect(&l, &b, 0, IMAGE_UNKNOWN);
}
END_TEST

/* The build failed after the record and before the first instruction. */
START_TEST(a_life_that_did_not_run_can_be_taken_back)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	lives_begin(&l, &a, "web", 20, 1, &boot);
	save(&l, &a, "web", 21);
	expect(&l, &a, 0, IMAGE_NEWEST);
}
END_TEST

START_TEST(a_second_save_outlives_the_first_unless_it_is_of_another_domain)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	save(&l, &b, "clone", 20);
	expect(&l, &a, 0, IMAGE_NEWEST);
	expect(&l, &b, 0, IMAGE_NEWEST);
	save(&l, &b, "web", 30);
	expect(&l, &a, 0, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(a_double_that_runs_on_outlives_only_what_it_was_not_saved_beside)
{
	static const struct {
		const char *name;
		enum image_standing expected;
	} cases[] = {
		{"clone", IMAGE_NEWEST},
		{"web", IMAGE_OUTLIVED},
		{"another", IMAGE_DISPUTED},
		{NULL, IMAGE_OUTLIVED},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(lives_done) struct lives l = {0};
		const struct known_image image = {
			.id = a,
			.name = (char[]){"web"},
			.other = (char[]){"clone"},
		};

		ck_assert_int_eq(lives_save(&l, &image, 10), 0);
		lives_begin(&l, &UUID_NULL, cases[i].name, 20, 2, &boot);
		expect(&l, &a, 0, cases[i].expected);
		/* A directory that is not mounted is missed as before. */
		ck_assert(!lives_newest(&l) == (cases[i].expected == IMAGE_OUTLIVED));
	}
}
END_TEST

START_TEST(image_is_disputed_once_a_domain_of_another_name_has_run_until_its_guest_runs)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	lives_begin(&l, &UUID_NULL, "clone", 20, 2, &boot);
	expect(&l, &a, 0, IMAGE_DISPUTED);
	ck_assert_str_eq(lives_find(&l, &a)->other, "clone");
	lives_begin(&l, &UUID_NULL, "another", 30, 3, &boot);
	expect(&l, &a, 0, IMAGE_DISPUTED);
	/* It takes no place from the image of the other, nor that from it. */
	save(&l, &b, "clone", 40);
	expect(&l, &a, 0, IMAGE_DISPUTED);
	expect(&l, &b, 0, IMAGE_NEWEST);
	lives_begin(&l, &UUID_NULL, "web", 50, 4, &boot);
	expect(&l, &a, 0, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(image_of_a_name_that_is_not_known_is_outlived_by_each_domain)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, NULL, 10);
	lives_begin(&l, &UUID_NULL, "clone", 20, 2, &boot);
	expect(&l, &a, 0, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(copy_from_after_the_end_of_what_was_suspended_is_not_its_image)
{
	static const struct {
		usec_t gone, written;
		enum image_standing expected;
	} cases[] = {
		{0, 30 * MINUTE, IMAGE_NEWEST},
		{20 * MINUTE, 20 * MINUTE, IMAGE_NEWEST},
		{20 * MINUTE, 21 * MINUTE, IMAGE_SUSPECT},
		{20 * MINUTE, 9 * MINUTE, IMAGE_OUTLIVED},
		/* The clock went back. */
		{5 * MINUTE, 21 * MINUTE, IMAGE_NEWEST},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(lives_done) struct lives l = {0};

		lives_begin(&l, &UUID_NULL, "web", MINUTE, 1, &boot);
		lives_end(&l, LIFE_SUSPENDED, 10 * MINUTE, false);
		lives_go(&l, cases[i].gone);
		expect(&l, &a, cases[i].written, cases[i].expected);
	}
}
END_TEST

START_TEST(an_image_from_before_a_guest_was_found_suspended_may_be_its_memory)
{
	_cleanup_(lives_done) struct lives l = {0};

	lives_begin(&l, &UUID_NULL, "web", MINUTE, 1, &boot);
	lives_end(&l, LIFE_SUSPENDED, 10 * MINUTE, true);
	lives_go(&l, 11 * MINUTE);
	expect(&l, &a, MINUTE / 2, IMAGE_OUTLIVED);
	expect(&l, &a, 9 * MINUTE, IMAGE_SUSPECT);
	expect(&l, &a, 11 * MINUTE, IMAGE_NEWEST);
	lives_end(&l, LIFE_SUSPENDED, 12 * MINUTE, false);
	expect(&l, &a, 9 * MINUTE, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(of_an_image_that_the_ledger_does_not_know_the_time_tells)
{
	static const struct {
		enum life last;
		usec_t written;
		enum image_standing expected;
	} cases[] = {
		/* The last thing known is of minute 10. */
		{LIFE_UNKNOWN, 9 * MINUTE, IMAGE_UNKNOWN},
		{LIFE_BEGAN, 9 * MINUTE, IMAGE_OUTLIVED},
		{LIFE_BEGAN, 10 * MINUTE - USEC_PER_SEC, IMAGE_OUTLIVED},
		{LIFE_BEGAN, 10 * MINUTE - USEC_PER_MSEC, IMAGE_SUSPECT},
		{LIFE_BEGAN, 11 * MINUTE, IMAGE_SUSPECT},
		{LIFE_SUSPENDED, 9 * MINUTE, IMAGE_OUTLIVED},
		{LIFE_SUSPENDED, 10 * MINUTE - 1, IMAGE_NEWEST},
		{LIFE_SUSPENDED, 11 * MINUTE, IMAGE_NEWEST},
		{LIFE_VANISHED, 8 * MINUTE, IMAGE_OUTLIVED},
		{LIFE_VANISHED, 9 * MINUTE + 1, IMAGE_SUSPECT},
		{LIFE_ENDED, 10 * MINUTE, IMAGE_OUTLIVED},
		/* Nothing can be saved after that, but a copy takes the time of the copying. */
		{LIFE_ENDED, 11 * MINUTE, IMAGE_SUSPECT},
		{LIFE_SAVED, 10 * MINUTE, IMAGE_OUTLIVED},
		{LIFE_SAVED, 11 * MINUTE, IMAGE_SUSPECT},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(lives_done) struct lives l = {.last = cases[i].last, .wall = 10 * MINUTE};

		if (l.last == LIFE_BEGAN)
			l.began = l.wall;
		else if (l.last == LIFE_SAVED)
			save(&l, &b, "web", l.wall);
		expect(&l, &a, cases[i].written, cases[i].expected);
	}
}
END_TEST

/* xl save -c leaves an image, and lets the guest run on. */
START_TEST(a_checkpoint_is_outlived_when_its_guest_runs_on)
{
	_cleanup_(lives_done) struct lives l = {0};

	lives_begin(&l, &UUID_NULL, "web", 10 * MINUTE, 1, &boot);
	lives_end(&l, LIFE_SUSPENDED, 20 * MINUTE, false);
	expect(&l, &a, 21 * MINUTE, IMAGE_NEWEST);
	lives_begin(&l, &UUID_NULL, "web", 22 * MINUTE, 1, &boot);
	expect(&l, &a, 21 * MINUTE, IMAGE_OUTLIVED);
	ck_assert_int_eq(lives_outlive(&l, &b), 0);
	expect(&l, &b, 99 * MINUTE, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(an_image_of_before_a_life_is_outlived_however_that_life_ended)
{
	for (int last = 0; last < _LIFE_MAX; last++) {
		_cleanup_(lives_done) struct lives l = {0};

		lives_begin(&l, &UUID_NULL, "web", 100 * MINUTE, 1, &boot);
		l.last = (enum life)last;
		l.wall = 100 * MINUTE + 1;
		expect(&l, &a, 99 * MINUTE, IMAGE_OUTLIVED);
	}
}
END_TEST

START_TEST(a_clock_that_went_back_outlives_nothing)
{
	_cleanup_(lives_done) struct lives l = {0};

	lives_begin(&l, &UUID_NULL, "web", 100 * MINUTE, 1, &boot);
	lives_end(&l, LIFE_SUSPENDED, 40 * MINUTE, false);
	expect(&l, &a, 40 * MINUTE, IMAGE_NEWEST);
}
END_TEST

START_TEST(a_time_that_is_yet_to_come_outlives_nothing_until_the_next_is_known)
{
	for (int last = LIFE_BEGAN; last <= LIFE_SAVED; last++) {
		_cleanup_(lives_done) struct lives l = {0}, none = {0};

		lives_begin(&l, &UUID_NULL, "web", 100 * MINUTE, 1, &boot);
		if (last == LIFE_SAVED)
			save(&l, &b, "web", 110 * MINUTE);
		else if (last != LIFE_BEGAN)
			lives_end(&l, (enum life)last, 110 * MINUTE, false);
		ck_assert(!lives_is_ahead(&l, 110 * MINUTE));
		ck_assert(lives_is_ahead(&l, 40 * MINUTE));
		expect(&l, &a, 40 * MINUTE, IMAGE_OUTLIVED);
		ck_assert_int_eq(lives_judge_after(&none, &l, &a, 40 * MINUTE), IMAGE_OUTLIVED);
		l.ahead = true;
		expect(&l, &a, 40 * MINUTE, IMAGE_SUSPECT);
		ck_assert_int_eq(lives_judge_after(&none, &l, &a, 40 * MINUTE), IMAGE_SUSPECT);
		lives_begin(&l, &UUID_NULL, "web", 50 * MINUTE, 2, &boot);
		expect(&l, &a, 40 * MINUTE, IMAGE_OUTLIVED);
	}
}
END_TEST

START_TEST(a_clock_that_goes_back_while_another_tool_saves_outlives_nothing)
{
	_cleanup_(lives_done) struct lives l = {0};

	lives_begin(&l, &UUID_NULL, "web", 100 * MINUTE, 1, &boot);
	lives_end(&l, LIFE_SUSPENDED, 110 * MINUTE, false);
	lives_go(&l, 41 * MINUTE);
	expect(&l, &a, 40 * MINUTE, IMAGE_SUSPECT);
}
END_TEST

START_TEST(an_image_whose_own_record_is_lost_is_unknown_and_not_outlived)
{
	struct lives l = {.last = LIFE_SAVED, .wall = 10 * MINUTE};

	expect(&l, &a, 9 * MINUTE, IMAGE_UNKNOWN);
}
END_TEST

START_TEST(what_a_save_has_left_is_no_end_of_a_life)
{
	_cleanup_(lives_done) struct lives l = {0};

	save(&l, &a, "web", 10);
	lives_end(&l, LIFE_VANISHED, 20, false);
	ck_assert_int_eq(l.last, LIFE_SAVED);
	ck_assert(uuid_equal(&lives_newest(&l)->id, &a));
}
END_TEST

START_TEST(any_number_of_lives_takes_no_more_memory_and_keeps_the_newest)
{
	_cleanup_(lives_done) struct lives l = {0};
	struct uuid id = {0};

	save(&l, &a, "clone", 1);
	for (uint8_t i = 1; i < 200; i++) {
		id.bytes[15] = i;
		save(&l, &id, "web", i);
	}
	ck_assert_uint_eq(l.n_images, KNOWN_IMAGES_MAX);
	expect(&l, &id, 0, IMAGE_NEWEST);
	expect(&l, &a, 0, IMAGE_NEWEST);
	id.bytes[15] = 3;
	/* What is forgotten is still older than what is known. */
	expect(&l, &id, 3, IMAGE_OUTLIVED);
}
END_TEST

START_TEST(an_image_is_followed_until_its_guest_is_saved_to_it_again)
{
	_cleanup_(lives_done) struct lives l = {0}, other = {0};

	save(&l, &a, "web", 10);
	lives_follow(&l, "mail");
	ck_assert_int_eq(lives_judge_after(&l, &other, &a, 10), IMAGE_UNKNOWN);
	lives_follow(&l, "web");
	ck_assert_int_eq(lives_judge_after(&l, &other, &a, 10), IMAGE_OUTLIVED);
	/* By its own UUID it is what it was. */
	expect(&l, &a, 10, IMAGE_NEWEST);
	save(&l, &a, "web", 20);
	ck_assert_int_eq(lives_judge_after(&l, &other, &a, 20), IMAGE_UNKNOWN);
}
END_TEST

START_TEST(an_image_that_no_ledger_knows_is_compared_with_the_later_life_of_the_name)
{
	static const struct {
		usec_t own, others, written;
		bool ended;
		enum image_standing expected;
	} cases[] = {
		{0, 20 * MINUTE, 10 * MINUTE, false, IMAGE_OUTLIVED},
		{0, 20 * MINUTE, 10 * MINUTE, true, IMAGE_OUTLIVED},
		/* Nobody can have saved the other meanwhile. */
		{0, 20 * MINUTE, 30 * MINUTE, false, IMAGE_SUSPECT},
		{0, 20 * MINUTE, 30 * MINUTE, true, IMAGE_SUSPECT},
		{25 * MINUTE, 20 * MINUTE, 10 * MINUTE, false, IMAGE_UNKNOWN},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(lives_done) struct lives l = {0}, other = {0};

		if (cases[i].own)
			lives_begin(&l, &UUID_NULL, "web", cases[i].own, 1, &boot);
		lives_begin(&other, &UUID_NULL, "web", cases[i].others, 2, &boot);
		if (cases[i].ended)
			lives_end(&other, LIFE_ENDED, cases[i].others + MINUTE, false);
		ck_assert_int_eq(lives_judge_after(&l, &other, &a, cases[i].written),
				 cases[i].expected);
	}
}
END_TEST

SUITE("lives", an_image_is_followed_until_its_guest_is_saved_to_it_again,
      an_image_that_no_ledger_knows_is_compared_with_the_later_life_of_the_name,
      names_are_complete_and_read_back, an_image_is_the_newest_until_a_life_begins,
      an_image_that_a_life_began_from_is_used_up_for_good,
      a_life_that_did_not_run_can_be_taken_back,
      a_second_save_outlives_the_first_unless_it_is_of_another_domain,
      a_double_that_runs_on_outlives_only_what_it_was_not_saved_beside,
      image_is_disputed_once_a_domain_of_another_name_has_run_until_its_guest_runs,
      image_of_a_name_that_is_not_known_is_outlived_by_each_domain,
      copy_from_after_the_end_of_what_was_suspended_is_not_its_image,
      of_an_image_that_the_ledger_does_not_know_the_time_tells,
      a_checkpoint_is_outlived_when_its_guest_runs_on,
      an_image_of_before_a_life_is_outlived_however_that_life_ended,
      a_clock_that_went_back_outlives_nothing,
      an_image_from_before_a_guest_was_found_suspended_may_be_its_memory,
      a_time_that_is_yet_to_come_outlives_nothing_until_the_next_is_known,
      a_clock_that_goes_back_while_another_tool_saves_outlives_nothing,
      an_image_whose_own_record_is_lost_is_unknown_and_not_outlived,
      what_a_save_has_left_is_no_end_of_a_life,
      any_number_of_lives_takes_no_more_memory_and_keeps_the_newest);
