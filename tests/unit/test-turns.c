/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/turns.h"
#include "unit.h"

struct guest {
	char name;
	enum stage stage;
	uint64_t kib;
	bool late, safe; /* safe: it can be shut down instead */
	unsigned wave;
};

/* What follows are its size, and other members. */
#define GUEST(n, s, ...)                                                                           \
	{                                                                                          \
		.name = n, .stage = STAGE_##s, .kib = __VA_ARGS__                                  \
	}

static void expect_sorted(const struct guest *guests, size_t n, bool tight, const char *expected)
{
	struct step steps[16] = {0};
	char names[17] = "", found[17] = "";

	for (size_t i = 0; i < n; i++) {
		names[i] = guests[i].name;
		steps[i] = (struct step){.name = &names[i],
					 .memory_kib = guests[i].kib,
					 .late = guests[i].late,
					 .wave = guests[i].wave};
		step_add_stage(&steps[i], guests[i].stage);
		if (guests[i].safe)
			step_add_stage(&steps[i], STAGE_SHUTDOWN);
	}
	ck_assert_int_eq(turns_sort(steps, n, tight), 0);
	for (size_t i = 0; i < n; i++)
		found[i] = *steps[i].name;
	ck_assert_str_eq(found, expected);
}

#define EXPECT(expected, ...)                                                                      \
	expect_sorted((const struct guest[]){__VA_ARGS__},                                         \
		      ELEMENTSOF(((const struct guest[]){__VA_ARGS__})), false, expected)

START_TEST(the_largest_comes_first_and_equals_keep_their_order)
{
	EXPECT("cabd", GUEST('a', SAVE, 2), GUEST('b', MIGRATE, 2), GUEST('c', SAVE, 3),
	       GUEST('d', SAVE, 1));
	EXPECT("ba", GUEST('a', RESTORE, 1), GUEST('b', RESTORE, 2));
}
END_TEST

START_TEST(others_keep_their_places)
{
	EXPECT("cxyba", GUEST('a', RESTORE, 1), GUEST('x', CREATE, 1), GUEST('y', CREATE, 9),
	       GUEST('b', RESTORE, 2), GUEST('c', RESTORE, 3));
	EXPECT("xy", GUEST('x', SHUTDOWN, 1), GUEST('y', SHUTDOWN, 9));
}
END_TEST

START_TEST(each_wave_is_sorted_for_itself)
{
	EXPECT("bdac", GUEST('a', SAVE, 1), GUEST('c', SAVE, 1, .wave = 1), GUEST('b', SAVE, 2),
	       GUEST('d', SAVE, 9, .wave = 1));
}
END_TEST

START_TEST(a_preparation_is_not_what_counts)
{
	struct step steps[2] = {{.memory_kib = 1}, {.memory_kib = 2}};

	for (size_t i = 0; i < 2; i++) {
		step_add_stage(&steps[i], STAGE_SYSRQ);
		step_add_stage(&steps[i], STAGE_SAVE);
	}
	ck_assert_int_eq(turns_sort(steps, 2, false), 0);
	ck_assert_uint_eq(steps[0].memory_kib, 2);
}
END_TEST

START_TEST(late_guests_come_last_the_smallest_of_them_first)
{
	EXPECT("badc", GUEST('a', SAVE, 1, .safe = true), GUEST('b', SAVE, 2, .safe = true),
	       GUEST('c', SAVE, 9, .late = true, .safe = true),
	       GUEST('d', SAVE, 8, .late = true, .safe = true));
}
END_TEST

START_TEST(late_guests_that_cannot_be_shut_down_come_before_those_that_can)
{
	EXPECT("adcb", GUEST('a', SAVE, 1, .safe = true),
	       GUEST('b', SAVE, 7, .late = true, .safe = true), GUEST('c', SAVE, 9, .late = true),
	       GUEST('d', SAVE, 8, .late = true));
}
END_TEST

/* A disk that is slower than expected cuts off the last ones. */
START_TEST(where_time_is_short_the_smallest_come_first)
{
	static const struct guest guests[] = {
		GUEST('a', SAVE, 8, .safe = true),
		GUEST('b', SAVE, 1, .safe = true),
		GUEST('c', SAVE, 9),
		GUEST('d', SAVE, 2, .safe = true),
	};

	expect_sorted(guests, ELEMENTSOF(guests), true, "cbda");
}
END_TEST

START_TEST(chosen_are_those_that_can_only_be_saved_and_the_smallest)
{
	struct step steps[] = {{.memory_kib = 8, .wait = true},
			       {.memory_kib = 1, .wait = true},
			       {.memory_kib = 9},
			       {.memory_kib = 1, .wait = true}};
	struct step *choices[ELEMENTSOF(steps)];

	for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
		choices[i] = &steps[i];
		step_add_stage(&steps[i], STAGE_SAVE);
		if (steps[i].wait)
			step_add_stage(&steps[i], STAGE_SHUTDOWN);
	}
	turns_choose(choices, ELEMENTSOF(steps));
	ck_assert_ptr_eq(choices[0], &steps[2]);
	ck_assert_ptr_eq(choices[1], &steps[1]);
	ck_assert_ptr_eq(choices[2], &steps[3]);
	ck_assert_ptr_eq(choices[3], &steps[0]);
}
END_TEST

SUITE("turns", where_time_is_short_the_smallest_come_first,
      the_largest_comes_first_and_equals_keep_their_order, others_keep_their_places,
      each_wave_is_sorted_for_itself, a_preparation_is_not_what_counts,
      late_guests_come_last_the_smallest_of_them_first,
      late_guests_that_cannot_be_shut_down_come_before_those_that_can,
      chosen_are_those_that_can_only_be_saved_and_the_smallest);
