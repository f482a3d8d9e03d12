/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/result.h"

START_TEST(names_of_results_are_inverse)
{
	for (int i = 0; i < _RESULT_MAX; i++)
		ck_assert_int_eq(result_from_string(result_to_string((enum result)i)), i);
}
END_TEST

START_TEST(what_a_later_daemon_may_say_is_no_result)
{
	ck_assert_int_eq(result_from_string("postponed"), _RESULT_INVALID);
	ck_assert_int_eq(result_from_string(NULL), _RESULT_INVALID);
}
END_TEST

SUITE("result", names_of_results_are_inverse, what_a_later_daemon_may_say_is_no_result);
