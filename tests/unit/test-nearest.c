/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/nearest.h"

static const char *nearest_of(const char *word)
{
	static const char *const words[] = {"start",   "stop",   "status",
					    "restart", "cancel", "web-1"};
	struct nearest nearest = {.word = word};

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		nearest_consider(&nearest, words[i]);
	return nearest.found;
}

START_TEST(slip_of_the_fingers_is_understood)
{
	ck_assert_str_eq(nearest_of("strat"), "start");
	ck_assert_str_eq(nearest_of("stpo"), "stop");
	ck_assert_str_eq(nearest_of("statuss"), "status");
	ck_assert_str_eq(nearest_of("cansel"), "cancel");
	ck_assert_str_eq(nearest_of("web1"), "web-1");
}
END_TEST

START_TEST(word_that_ends_early_is_understood)
{
	ck_assert_str_eq(nearest_of("stat"), "status");
	ck_assert_str_eq(nearest_of("rest"), "restart");
}
END_TEST

START_TEST(another_word_is_no_slip)
{
	char long_word[200];

	memset(long_word, 's', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	ck_assert_ptr_null(nearest_of("mail"));
	ck_assert_ptr_null(nearest_of("x"));
	ck_assert_ptr_null(nearest_of(""));
	ck_assert_ptr_null(nearest_of(long_word));
}
END_TEST

SUITE("nearest", slip_of_the_fingers_is_understood, word_that_ends_early_is_understood,
      another_word_is_no_slip);
