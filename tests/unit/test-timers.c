/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/timers.h"
#include "unit.h"

#define MANY 50

/* The one that should be first, by looking at all. */
static const struct timer_place *find_first(const struct timer_place *places)
{
	const struct timer_place *first = NULL;

	for (size_t i = 0; i < MANY; i++) {
		const struct timer_place *p = &places[i];

		if (p->index > 0 && (!first || p->at < first->at ||
				     (p->at == first->at && p->number < first->number)))
			first = p;
	}
	return first;
}

START_TEST(the_first_timer_is_the_earliest_however_they_are_set_and_cleared)
{
	struct timer_place places[MANY] = {0};
	struct dice dice = {.state = 1};
	struct timers t = {0};

	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(timers_join(&t), 0);
	for (unsigned i = 0; i < 20000; i++) {
		struct timer_place *p = &places[dice_pick(&dice, MANY)];

		if (dice_once_in(&dice, 3))
			timers_remove(&t, p);
		else
			timers_insert(&t, p, dice_pick(&dice, 20));
		ck_assert_ptr_eq(timers_first(&t), find_first(places));
	}
	timers_done(&t);
}
END_TEST

/* What was asked for first happens first, also where it is asked for anew. */
START_TEST(timers_of_one_time_come_in_the_order_in_which_they_were_set)
{
	struct timer_place places[MANY] = {0};
	struct timers t = {0};

	for (size_t i = 0; i < MANY; i++)
		ck_assert_int_eq(timers_join(&t), 0);
	for (size_t i = 0; i < MANY; i++)
		timers_insert(&t, &places[i], 7);
	timers_insert(&t, &places[0], 7);
	for (size_t i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(timers_first(&t), &places[(i + 1) % MANY]);
		timers_remove(&t, timers_first(&t));
	}
	ck_assert_ptr_null(timers_first(&t));
	timers_done(&t);
}
END_TEST

SUITE("timers", the_first_timer_is_the_earliest_however_they_are_set_and_cleared,
      timers_of_one_time_come_in_the_order_in_which_they_were_set);
