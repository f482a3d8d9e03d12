/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/hostdown-state.h"
#include "unit.h"
#include "util/str.h"

static void expect(enum hostdown_state *state, enum hostdown_event event,
		   enum hostdown_action action, enum hostdown_state after)
{
	ck_assert_int_eq(hostdown_step(state, event), action);
	ck_assert_int_eq(*state, after);
}

START_TEST(names_are_complete)
{
	for (int i = 0; i < _HOSTDOWN_STATE_MAX; i++)
		ck_assert(!str_empty(hostdown_state_to_string((enum hostdown_state)i)));
}
END_TEST

START_TEST(guests_are_stopped_once_and_then_the_host_may_go)
{
	enum hostdown_state s = HOSTDOWN_UP;

	expect(&s, HOSTDOWN_EVENT_PREPARE, HOSTDOWN_ACTION_STOP, HOSTDOWN_STOPPING);
	expect(&s, HOSTDOWN_EVENT_PREPARE, HOSTDOWN_ACTION_NONE, HOSTDOWN_STOPPING);
	ck_assert(hostdown_wants_lock(s, false) && hostdown_refuses_starts(s));
	expect(&s, HOSTDOWN_EVENT_STOPPED, HOSTDOWN_ACTION_NONE, HOSTDOWN_READY);
	/* Also where something is left that nothing could stop: waiting would not help it. */
	ck_assert(!hostdown_wants_lock(s, true) && hostdown_refuses_starts(s));
	expect(&s, HOSTDOWN_EVENT_PREPARE, HOSTDOWN_ACTION_NONE, HOSTDOWN_READY);
}
END_TEST

START_TEST(a_shutdown_that_is_cancelled_late_brings_guests_back)
{
	enum hostdown_state s = HOSTDOWN_READY;

	expect(&s, HOSTDOWN_EVENT_CANCEL, HOSTDOWN_ACTION_RETURN, HOSTDOWN_UP);
	ck_assert(hostdown_wants_lock(s, true) && !hostdown_refuses_starts(s));
	ck_assert(!hostdown_wants_lock(s, false));
}
END_TEST

START_TEST(a_shutdown_that_is_cancelled_early_waits_for_what_was_begun)
{
	enum hostdown_state s = HOSTDOWN_STOPPING;

	expect(&s, HOSTDOWN_EVENT_CANCEL, HOSTDOWN_ACTION_REST, HOSTDOWN_CANCELLED);
	ck_assert(hostdown_wants_lock(s, true) && !hostdown_refuses_starts(s));
	expect(&s, HOSTDOWN_EVENT_CANCEL, HOSTDOWN_ACTION_NONE, HOSTDOWN_CANCELLED);
	expect(&s, HOSTDOWN_EVENT_STOPPED, HOSTDOWN_ACTION_RETURN, HOSTDOWN_UP);
}
END_TEST

START_TEST(a_shutdown_that_is_asked_for_again_stops_what_was_left_out)
{
	enum hostdown_state s = HOSTDOWN_CANCELLED;

	/* logind waits from now on, so nothing else is waited for. */
	expect(&s, HOSTDOWN_EVENT_PREPARE, HOSTDOWN_ACTION_STOP, HOSTDOWN_STOPPING);
	ck_assert(hostdown_wants_lock(s, false) && hostdown_refuses_starts(s));
	expect(&s, HOSTDOWN_EVENT_CANCEL, HOSTDOWN_ACTION_REST, HOSTDOWN_CANCELLED);
	expect(&s, HOSTDOWN_EVENT_STOPPED, HOSTDOWN_ACTION_RETURN, HOSTDOWN_UP);
}
END_TEST

START_TEST(what_is_left_when_systemd_stops_the_system_is_stopped)
{
	enum hostdown_state s = HOSTDOWN_UP;

	expect(&s, HOSTDOWN_EVENT_LEAVE, HOSTDOWN_ACTION_STOP, HOSTDOWN_STOPPING);
	expect(&s, HOSTDOWN_EVENT_LEAVE, HOSTDOWN_ACTION_NONE, HOSTDOWN_STOPPING);
	expect(&s, HOSTDOWN_EVENT_STOPPED, HOSTDOWN_ACTION_NONE, HOSTDOWN_READY);
	expect(&s, HOSTDOWN_EVENT_LEAVE, HOSTDOWN_ACTION_STOP, HOSTDOWN_STOPPING);
}
END_TEST

START_TEST(at_home_nothing_is_cancelled_and_nothing_ends)
{
	enum hostdown_state s = HOSTDOWN_UP;

	expect(&s, HOSTDOWN_EVENT_CANCEL, HOSTDOWN_ACTION_NONE, HOSTDOWN_UP);
	expect(&s, HOSTDOWN_EVENT_STOPPED, HOSTDOWN_ACTION_NONE, HOSTDOWN_UP);
}
END_TEST

START_TEST(a_part_of_the_time_is_kept_back)
{
	ck_assert_uint_eq(hostdown_budget(0), 0);
	ck_assert_uint_eq(hostdown_budget(5 * USEC_PER_SEC), 4500 * USEC_PER_MSEC);
	ck_assert_uint_eq(hostdown_budget(600 * USEC_PER_SEC), 570 * USEC_PER_SEC);
	ck_assert_uint_eq(hostdown_budget(USEC_INFINITY), 0);
}
END_TEST

START_TEST(systemd_ends_the_host_behind_the_window_and_has_things_to_do_before)
{
	ck_assert_uint_eq(hostdown_end(600 * USEC_PER_SEC, 1800 * USEC_PER_SEC),
			  2280 * USEC_PER_SEC);
	ck_assert_uint_eq(hostdown_end(5 * USEC_PER_SEC, 240 * USEC_PER_SEC), 125 * USEC_PER_SEC);
	ck_assert_uint_eq(hostdown_end(5 * USEC_PER_SEC, USEC_INFINITY), USEC_INFINITY);
}
END_TEST

START_TEST(other_units_leave_guests_at_least_half_of_a_short_limit)
{
	ck_assert_uint_eq(hostdown_end(5 * USEC_PER_SEC, 120 * USEC_PER_SEC), 65 * USEC_PER_SEC);
	ck_assert_uint_eq(hostdown_end(0, 60 * USEC_PER_SEC), 30 * USEC_PER_SEC);
	ck_assert_uint_eq(hostdown_end(0, 0), 0);
}
END_TEST

SUITE("hostdown-state", names_are_complete, guests_are_stopped_once_and_then_the_host_may_go,
      a_shutdown_that_is_cancelled_late_brings_guests_back,
      a_shutdown_that_is_cancelled_early_waits_for_what_was_begun,
      a_shutdown_that_is_asked_for_again_stops_what_was_left_out,
      what_is_left_when_systemd_stops_the_system_is_stopped,
      at_home_nothing_is_cancelled_and_nothing_ends, a_part_of_the_time_is_kept_back,
      systemd_ends_the_host_behind_the_window_and_has_things_to_do_before,
      other_units_leave_guests_at_least_half_of_a_short_limit);
