/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/departure.h"
#include "unit.h"
#include "util/str.h"

static void expect(enum departure_state *state, enum departure_event event,
		   enum departure_action action, enum departure_state after)
{
	ck_assert_int_eq(departure_step(state, event), action);
	ck_assert_int_eq(*state, after);
}

START_TEST(names_are_complete)
{
	for (int i = 0; i < _DEPARTURE_STATE_MAX; i++)
		ck_assert(!str_empty(departure_state_to_string((enum departure_state)i)));
}
END_TEST

START_TEST(guests_are_stopped_once_and_then_the_host_may_go)
{
	enum departure_state s = DEPARTURE_HOME;

	expect(&s, DEPARTURE_EVENT_PREPARE, DEPARTURE_ACTION_STOP, DEPARTURE_STOPPING);
	expect(&s, DEPARTURE_EVENT_PREPARE, DEPARTURE_ACTION_NONE, DEPARTURE_STOPPING);
	ck_assert(departure_wants_lock(s, false) && departure_refuses_starts(s));
	expect(&s, DEPARTURE_EVENT_STOPPED, DEPARTURE_ACTION_NONE, DEPARTURE_READY);
	/* Also where something is left that nothing could stop: waiting would not help it. */
	ck_assert(!departure_wants_lock(s, true) && departure_refuses_starts(s));
	expect(&s, DEPARTURE_EVENT_PREPARE, DEPARTURE_ACTION_NONE, DEPARTURE_READY);
}
END_TEST

START_TEST(a_shutdown_that_is_cancelled_late_brings_guests_back)
{
	enum departure_state s = DEPARTURE_READY;

	expect(&s, DEPARTURE_EVENT_CANCEL, DEPARTURE_ACTION_RETURN, DEPARTURE_HOME);
	ck_assert(departure_wants_lock(s, true) && !departure_refuses_starts(s));
	ck_assert(!departure_wants_lock(s, false));
}
END_TEST

START_TEST(a_shutdown_that_is_cancelled_early_waits_for_what_was_begun)
{
	enum departure_state s = DEPARTURE_STOPPING;

	expect(&s, DEPARTURE_EVENT_CANCEL, DEPARTURE_ACTION_REST, DEPARTURE_CANCELLED);
	ck_assert(departure_wants_lock(s, true) && !departure_refuses_starts(s));
	expect(&s, DEPARTURE_EVENT_CANCEL, DEPARTURE_ACTION_NONE, DEPARTURE_CANCELLED);
	expect(&s, DEPARTURE_EVENT_STOPPED, DEPARTURE_ACTION_RETURN, DEPARTURE_HOME);
}
END_TEST

START_TEST(a_shutdown_that_is_asked_for_again_stops_what_was_left_out)
{
	enum departure_state s = DEPARTURE_CANCELLED;

	/* logind waits from now on, so nothing else is waited for. */
	expect(&s, DEPARTURE_EVENT_PREPARE, DEPARTURE_ACTION_STOP, DEPARTURE_STOPPING);
	ck_assert(departure_wants_lock(s, false) && departure_refuses_starts(s));
	expect(&s, DEPARTURE_EVENT_CANCEL, DEPARTURE_ACTION_REST, DEPARTURE_CANCELLED);
	expect(&s, DEPARTURE_EVENT_STOPPED, DEPARTURE_ACTION_RETURN, DEPARTURE_HOME);
}
END_TEST

START_TEST(what_is_left_when_systemd_stops_the_system_is_stopped)
{
	enum departure_state s = DEPARTURE_HOME;

	expect(&s, DEPARTURE_EVENT_LEAVE, DEPARTURE_ACTION_STOP, DEPARTURE_STOPPING);
	expect(&s, DEPARTURE_EVENT_LEAVE, DEPARTURE_ACTION_NONE, DEPARTURE_STOPPING);
	expect(&s, DEPARTURE_EVENT_STOPPED, DEPARTURE_ACTION_NONE, DEPARTURE_READY);
	expect(&s, DEPARTURE_EVENT_LEAVE, DEPARTURE_ACTION_STOP, DEPARTURE_STOPPING);
}
END_TEST

START_TEST(at_home_nothing_is_cancelled_and_nothing_ends)
{
	enum departure_state s = DEPARTURE_HOME;

	expect(&s, DEPARTURE_EVENT_CANCEL, DEPARTURE_ACTION_NONE, DEPARTURE_HOME);
	expect(&s, DEPARTURE_EVENT_STOPPED, DEPARTURE_ACTION_NONE, DEPARTURE_HOME);
}
END_TEST

START_TEST(a_part_of_the_time_is_kept_back)
{
	ck_assert_uint_eq(departure_budget(0), 0);
	ck_assert_uint_eq(departure_budget(5 * USEC_PER_SEC), 4500 * USEC_PER_MSEC);
	ck_assert_uint_eq(departure_budget(600 * USEC_PER_SEC), 570 * USEC_PER_SEC);
	ck_assert_uint_eq(departure_budget(USEC_INFINITY), 0);
}
END_TEST

START_TEST(systemd_ends_the_host_behind_the_window_and_has_things_to_do_before)
{
	ck_assert_uint_eq(departure_end(600 * USEC_PER_SEC, 1800 * USEC_PER_SEC),
			  2280 * USEC_PER_SEC);
	ck_assert_uint_eq(departure_end(5 * USEC_PER_SEC, 60 * USEC_PER_SEC), 5 * USEC_PER_SEC);
	ck_assert_uint_eq(departure_end(5 * USEC_PER_SEC, USEC_INFINITY), USEC_INFINITY);
}
END_TEST

SUITE("departure", names_are_complete, guests_are_stopped_once_and_then_the_host_may_go,
      a_shutdown_that_is_cancelled_late_brings_guests_back,
      a_shutdown_that_is_cancelled_early_waits_for_what_was_begun,
      a_shutdown_that_is_asked_for_again_stops_what_was_left_out,
      what_is_left_when_systemd_stops_the_system_is_stopped,
      at_home_nothing_is_cancelled_and_nothing_ends, a_part_of_the_time_is_kept_back,
      systemd_ends_the_host_behind_the_window_and_has_things_to_do_before);
