/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "simulation.h"
#include "util/str.h"
#include "wire/ledger-record.h"

#define NO_PAUSE  "XENDOMAINS_CREATE_USLEEP=0\n"
#define ONE_PLACE "[Host]\nParallelOperations=1\n"

START_TEST(a_boot_starts_what_is_configured_and_restores_what_is_saved)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"saved\":true,"
				   "\"restore\":{\"ms\":2000}},"
				   "{\"name\":\"c\",\"config\":\"/auto/c\",\"running\":true},"
				   "{\"name\":\"d\",\"running\":true,\"manager\":\"xl\"}]");
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	simulation_expect(&s, "0.0 c - ok (why).|0.0 a create running|"
			      "0.0 b restore running|1.0 a create ok.|2.0 b restore ok.|");
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
}
END_TEST

START_TEST(the_parallel_limit_is_kept)
{
	_cleanup_simulation_ struct simulation s;
	_cleanup_free_ char *guests = strdup("[");
	struct wish *w;

	for (int i = 0; i < 20; i++) {
		char *more;

		ck_assert_int_eq(str_format(&more,
					    "%s%s{\"name\":\"g%02d\",\"config\":\"/auto/g%02d\"}",
					    guests, i ? "," : "", i, i),
				 0);
		free(guests);
		guests = more;
	}
	guests = realloc(guests, strlen(guests) + 2);
	strcat(guests, "]");
	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .native = "[Host]\nParallelOperations=3\nParallelCreates=100\n",
			 .guests = guests);
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_uint_eq(s.flying_max, 3);
	/* Seven rounds of a second. */
	ck_assert_uint_ge(w->ended, 7 * USEC_PER_SEC);
	ck_assert_uint_le(w->ended, 7 * USEC_PER_SEC + USEC_PER_SEC / 2);
}
END_TEST

START_TEST(the_pause_behind_a_create_ends_when_the_guest_is_up)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_CREATE_USLEEP=5000000\n", .native = ONE_PLACE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"up_ms\":2000},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"up_ms\":60000},"
				   "{\"name\":\"c\",\"config\":\"/auto/c\"}]");
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	/* a: a second, and two until it is up; b: a second, and five at most. */
	simulation_expect(&s, "0.0 a create running|1.0 a create ok.|"
			      "3.0 b create running|4.0 b create ok.|"
			      "9.0 c create running|10.0 c create ok.|");
}
END_TEST

START_TEST(a_create_that_fails_holds_up_nobody_and_is_remembered)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_CREATE_USLEEP=5000000\n", .native = ONE_PLACE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\","
				   "\"create\":{\"ms\":500,\"error\":\"no memory\"}},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"}]");
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(w->done && !w->succeeded && w->error == 0);
	simulation_expect(&s, "0.0 a create running|0.5 a create failed (why).|"
			      "0.5 b create running|1.5 b create ok.|");
	ck_assert(simulation_reason_had(&s, "no memory"));
	ck_assert_str_eq(simulation_state(&s, "a"), "failed: no memory");
}
END_TEST

START_TEST(a_broken_image_is_not_started_afresh)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"saved\":true,"
				   "\"image_error\":\"torn\"},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"saved\":true,"
				   "\"restore\":{\"error\":\"does not fit\"}}]");
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "failed: torn");
	ck_assert_str_eq(simulation_state(&s, "b"), "failed: does not fit");
	ck_assert(!simulation_said(&s, "create"));
}
END_TEST

START_TEST(two_starts_at_once_are_one)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *a, *b;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"}]");
	a = simulation_wish(&s, GOAL_START, NULL);
	b = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(a->succeeded && b->succeeded);
	ck_assert_uint_eq(a->ended, b->ended);
	ck_assert_uint_eq(a->reports, b->reports);
	/* Later there is nothing to do any more. */
	simulation_expect(&s, "0.0 a create running|0.0 a create running|"
			      "1.0 a create ok.|1.0 a create ok.|");
	a = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(a->succeeded);
	simulation_expect(&s, "1.0 a - ok (why).|");
}
END_TEST

START_TEST(whoever_goes_away_hears_nothing_and_stops_nothing)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *gone, *stays;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"}]");
	gone = simulation_wish(&s, GOAL_START, NULL);
	stays = simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	manager_unfollow(s.manager, gone->id);
	manager_unfollow(s.manager, 4711);
	gone->done = true;
	gone->reports = 0;
	simulation_run(&s);
	ck_assert_uint_eq(gone->reports, 0);
	ck_assert(stays->succeeded);
}
END_TEST

START_TEST(a_guest_that_nobody_knows_costs_itself_only)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"}]");
	w = simulation_wish(&s, GOAL_START, (const char *const[]){"a", "nobody", NULL});
	simulation_run(&s);
	ck_assert_int_eq(w->error, 0);
	ck_assert(!w->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(a_start_by_hand_forgives)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE, .native = "[Host]\nRestartLimit=1\n",
		.guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"on_crash\":\"restart\","
			  "\"ends\":{\"after_ms\":1000,\"reason\":\"crash\"}}]");
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "failed: "));
	simulation_wish(&s, GOAL_START, (const char *const[]){"a", NULL});
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	simulation_run_for(&s, 2 * USEC_PER_SEC);
	/* It has its one restart again. */
	ck_assert_str_ne(simulation_state(&s, "a"), "stopped");
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "failed: "));
}
END_TEST

START_TEST(a_configuration_that_is_refused_keeps_starts_away_until_it_is_mended)
{
	_cleanup_simulation_ struct simulation s;
	struct follower follower = {.data = NULL};
	_cleanup_free_ char *reason = NULL;
	struct wish *w;
	uint64_t id;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SAVE=relative\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"}]");
	ck_assert_ptr_null(manager_config(s.manager));
	ck_assert_ptr_nonnull(manager_config_for(s.manager, GOAL_STOP));
	ck_assert_ptr_nonnull(
		strstr(manager_obstacle(s.manager, GOAL_START), ":1: XENDOMAINS_SAVE=relative: "));
	/* The file may be mended already, so both tell what to type. */
	ck_assert_ptr_nonnull(
		strstr(manager_obstacle(s.manager, GOAL_START), "'xendomainsctl reload'"));
	ck_assert_ptr_nonnull(strstr(manager_settings_effect(s.manager), "'xendomainsctl reload'"));
	ck_assert_uint_eq(manager_refused(s.manager)->n_refusals, 1);
	ck_assert_int_eq(manager_request(s.manager, GOAL_START, NULL, 0, &follower, &id),
			 -EHOSTDOWN);
	ck_assert_ptr_null(manager_obstacle(s.manager, GOAL_STOP));
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	folder_write(&s.folder, "variables", NO_PAUSE);
	ck_assert_int_eq(manager_reload(s.manager, &reason), 0);
	ck_assert_ptr_null(manager_obstacle(s.manager, GOAL_START));
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
}
END_TEST

START_TEST(a_ledger_of_a_newer_version_keeps_starts_away_and_no_stop)
{
	struct ledger_record kept = {
		.kind = LEDGER_KEPT, .format = LEDGER_FORMAT_READ + 1, .boot = {.bytes = {1}}};
	_cleanup_simulation_ struct simulation s;
	struct follower follower = {.data = NULL};
	_cleanup_free_ char *line = NULL;
	struct wish *w;
	uint64_t id;

	ck_assert_int_eq(ledger_record_format(&kept, &line), 0);
	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true}]");
	folder_write(&s.folder, "state/ledger", line);
	/* It is seen when the start looks. */
	ck_assert_ptr_null(manager_obstacle(s.manager, GOAL_START));
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(!w->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "stopped");
	for (enum goal goal = 0; goal < _GOAL_MAX; goal++)
		ck_assert_int_eq(!manager_obstacle(s.manager, goal),
				 goal == GOAL_STOP || goal == GOAL_STOP_FORCED);
	ck_assert_int_eq(manager_request(s.manager, GOAL_START, NULL, 0, &follower, &id),
			 -EHOSTDOWN);
	ck_assert_int_eq(manager_restart(s.manager, false, NULL, 0, &follower, &id), -EHOSTDOWN);
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

START_TEST(a_reload_that_is_refused_keeps_what_was)
{
	_cleanup_simulation_ struct simulation s;
	_cleanup_free_ char *reason = NULL;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SAVE=/first\n", .guests = "[]");
	folder_write(&s.folder, "variables", "XENDOMAINS_SAVE=$(rm)\n");
	ck_assert_int_eq(manager_reload(s.manager, &reason), -EINVAL);
	ck_assert_ptr_nonnull(strstr(reason, ":1: $(...) "));
	ck_assert_str_eq(manager_config(s.manager)->save, "/first");
	ck_assert_ptr_null(manager_obstacle(s.manager, GOAL_START));
	/* But it is not kept secret. */
	ck_assert_int_eq(manager_settings_source(s.manager), SETTINGS_PREVIOUS);
	ck_assert_uint_eq(manager_refused(s.manager)->refusals[0].line, 1);
	folder_write(&s.folder, "variables", "XENDOMAINS_SAVE=/second\nXENDOMAINS_X=1\n");
	ck_assert_int_eq(manager_reload(s.manager, &reason), 0);
	ck_assert_str_eq(manager_config(s.manager)->save, "/second");
	ck_assert_int_eq(manager_settings_source(s.manager), SETTINGS_FROM_FILES);
	ck_assert_uint_eq(manager_refused(s.manager)->n_refusals, 0);
	ck_assert_ptr_nonnull(strstr(manager_warning(s.manager, 0), "XENDOMAINS_X"));
	ck_assert_ptr_null(manager_warning(s.manager, 1));
}
END_TEST

START_TEST(a_create_that_hangs_is_ended_in_the_end_and_the_others_go_on)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE, .native = ONE_PLACE "ProgressTimeout=60\n",
		.guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"create\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"config\":\"/auto/b\"}]");
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(!w->succeeded);
	simulation_expect(&s, "0.0 a create running|61.0 a create failed (why).|"
			      "61.0 b create running|62.0 b create ok.|");
}
END_TEST

START_TEST(the_log_says_how_a_sequence_has_ended)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE,
		.guests =
			"[{\"name\":\"a\",\"config\":\"/auto/a\"},"
			"{\"name\":\"b\",\"config\":\"/auto/b\",\"create\":{\"error\":\"bad\"}}]");
	simulation_wish(&s, GOAL_START, (const char *const[]){"a", NULL});
	simulation_run(&s);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_STARTED, .result = ""), 1);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_DONE, .result = "ok"), 1);
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_FAILED, .result = "failed"), 1);
	/* Before it has begun with any guest. */
	simulation_wish(&s, GOAL_STOP, NULL);
	ck_assert_uint_eq(manager_cancel(s.manager, "not now", NULL), 1);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_CUT, .result = "skipped"), 1);
	ck_assert_ptr_nonnull(strstr(unit_log(), "not now"));
}
END_TEST

SUITE("manager-start", a_boot_starts_what_is_configured_and_restores_what_is_saved,
      the_parallel_limit_is_kept, the_pause_behind_a_create_ends_when_the_guest_is_up,
      a_create_that_hangs_is_ended_in_the_end_and_the_others_go_on,
      a_create_that_fails_holds_up_nobody_and_is_remembered, a_broken_image_is_not_started_afresh,
      two_starts_at_once_are_one, whoever_goes_away_hears_nothing_and_stops_nothing,
      a_guest_that_nobody_knows_costs_itself_only, a_start_by_hand_forgives,
      a_configuration_that_is_refused_keeps_starts_away_until_it_is_mended,
      a_ledger_of_a_newer_version_keeps_starts_away_and_no_stop,
      a_reload_that_is_refused_keeps_what_was, the_log_says_how_a_sequence_has_ended);
