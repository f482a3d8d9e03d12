/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "simulation.h"
#include "util/str.h"

#define NO_SAVE "XENDOMAINS_SAVE=\n"

START_TEST(a_stop_saves_its_guests_and_shuts_down_what_cannot_be_saved)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true},"
				       "{\"name\":\"b\",\"running\":true,"
				       "\"save\":{\"error\":\"no room\"}},"
				       "{\"name\":\"c\"}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	simulation_expect(&s, "0.0 a save running|0.0 b save running|1.0 a save ok.|"
			      "1.0 b save failed (why)|1.0 b shutdown running (why)|"
			      "2.1 b shutdown ok (why).|");
	ck_assert(simulation_reason_had(&s, "no room"));
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
}
END_TEST

START_TEST(the_rest_is_shut_down_when_all_others_are_through)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_AUTO_ONLY=true\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"config\":\"/auto/a\","
				   "\"save\":{\"ms\":9000}},"
				   "{\"name\":\"b\",\"running\":true},"
				   "{\"name\":\"c\",\"running\":true,\"manager\":\"xl\"},"
				   "{\"name\":\"d\",\"running\":true,\"manager\":\"libvirt\"}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	simulation_expect(&s, "0.0 d - skipped (why).|0.0 a save running|9.0 a save ok.|"
			      "9.0 b shutdown-all running|9.0 c shutdown-all running|"
			      "10.1 b shutdown-all ok.|10.2 c shutdown-all ok.|");
	ck_assert_str_eq(simulation_state(&s, "d"), "running");
}
END_TEST

START_TEST(a_guest_that_does_not_listen_costs_the_limit_and_no_more)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=30\nXENDOMAINS_SHUTDOWN_ALL=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"running\":true}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(!w->succeeded);
	simulation_expect(&s, "0.0 a shutdown running|0.0 b shutdown running|"
			      "1.1 b shutdown ok.|30.0 a shutdown failed (why).|");
	ck_assert(str_starts_with(simulation_state(&s, "a"), "running: "));
}
END_TEST

START_TEST(a_save_that_hangs_is_cut_off_and_the_guest_runs_on)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(
		&s,
		.variables = "XENDOMAINS_STOP_MAXWAIT=30\nXENDOMAINS_SHUTDOWN=\n"
			     "XENDOMAINS_SHUTDOWN_ALL=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"running\":true,\"save\":{\"hangs\":true,\"ms\":0}}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(!w->succeeded);
	ck_assert_uint_eq(w->ended / USEC_PER_SEC, 30);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "running"));
	ck_assert(str_starts_with(simulation_state(&s, "b"), "running"));
}
END_TEST

START_TEST(without_a_limit_a_guest_is_waited_for)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"ms\":7200000}}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_uint_eq(w->ended / USEC_PER_SEC, 7200);
}
END_TEST

START_TEST(a_stop_ends_a_start_and_what_it_builds)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start, *stop;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_CREATE_USLEEP=0\n",
			 .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"},"
				   "{\"name\":\"c\",\"config\":\"/auto/c\"}]");
	start = simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(start->succeeded && stop->succeeded);
	simulation_expect(&s, "0.0 a create running|0.5 b - skipped (why).|"
			      "0.5 c - skipped (why).|0.5 a create skipped (why).|");
	ck_assert_str_eq(simulation_state(&s, "a"), "stopped");
}
END_TEST

START_TEST(a_stop_ends_a_start_that_has_not_begun)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start, *stop;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"}]");
	start = simulation_wish(&s, GOAL_START, NULL);
	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert_int_eq(start->error, -ECANCELED);
	ck_assert_ptr_nonnull(start->reason);
	ck_assert(stop->succeeded);
	simulation_expect(&s, "");
}
END_TEST

START_TEST(a_start_behind_a_stop_waits_for_it)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *stop, *start;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_CREATE_USLEEP=0\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,"
				   "\"save\":{\"ms\":5000}}]");
	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	start = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(stop->succeeded && start->succeeded);
	simulation_expect(&s, "0.0 a save running|5.0 a save ok.|5.0 a restore running|"
			      "6.0 a restore ok.|");
}
END_TEST

/* Else the stop would take it in, and stop what was to run. */
START_TEST(a_start_of_another_guest_waits_for_a_stop_of_all)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *stop, *start;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_CREATE_USLEEP=0\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":9000}},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"}]");
	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	start = simulation_wish(&s, GOAL_START, (const char *const[]){"b", NULL});
	simulation_run(&s);
	ck_assert(start->succeeded && stop->succeeded);
	simulation_expect(&s, "0.0 a save running|9.0 a save ok.|9.0 b create running|"
			      "10.0 b create ok.|");
}
END_TEST

START_TEST(a_foreign_guest_is_stopped_and_cleaned_up_by_its_monitor)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = NO_SAVE,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"manager\":\"xl\"}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	/* Its monitor takes a fifth of a second, and nobody is faster. */
	simulation_expect(&s, "0.0 a shutdown running|1.2 a shutdown ok.|");
	ck_assert_uint_eq(LOGGED(.stage = "destroy"), 0);
}
END_TEST

START_TEST(guests_go_to_another_host_and_are_not_started_twice)
{
	_cleanup_simulation_ struct simulation s;
	const char *const names[] = {"a", NULL};
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_MIGRATE=other\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"config\":\"/auto/a\"},"
				   "{\"name\":\"b\",\"running\":true,\"config\":\"/auto/b\","
				   "\"migrate\":{\"ms\":2000,\"error\":\"refused\"}}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	simulation_expect(&s, "0.0 a migrate running|0.0 b migrate running|"
			      "1.0 a migrate ok.|2.0 b migrate failed (why)|"
			      "2.0 b save running (why)|3.0 b save ok (why).|");
	ck_assert(simulation_reason_had(&s, "refused"));
	ck_assert(str_starts_with(simulation_state(&s, "a"), "stopped: "));
	ck_assert_ptr_nonnull(strstr(simulation_state(&s, "a"), "xendomainsctl start a"));
	w = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert(simulation_said(&s, "a - skipped (why)"));
	ck_assert(simulation_said(&s, "b restore ok."));
	/* Who names it has looked. */
	simulation_wish(&s, GOAL_START, names);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(a_migration_that_hangs_is_cut_off_and_the_guest_is_saved)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = "XENDOMAINS_MIGRATE=other\nXENDOMAINS_STOP_MAXWAIT=30\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"migrate\":{\"hangs\":true}}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(simulation_said(&s, "30.0 a migrate failed (why)"));
	ck_assert(str_starts_with(simulation_state(&s, "a"), "saved: migrate: "));
}
END_TEST

START_TEST(what_a_stop_tells_of_a_disk_is_of_images_as_they_were_when_it_began)
{
	_cleanup_simulation_ struct simulation s;
	_cleanup_free_ char *reason = NULL;
	const struct ledger *ledger;

	SIMULATION_BEGIN(&s,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":5000}}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	folder_write(&s.folder, "native", "[Host]\nImageCompression=zstd\n");
	ck_assert_int_eq(manager_reload(s.manager, &reason), 0);
	simulation_run(&s);
	ledger = ledger_file_get(s.state);
	ck_assert_uint_eq(ledger_paces(ledger, COMPRESSION_NONE, NULL)->n, 1);
	ck_assert_uint_eq(ledger_paces(ledger, COMPRESSION_ZSTD, NULL)->n, 0);
}
END_TEST

/* What they wait for takes longer than was planned. */
START_TEST(near_the_end_of_the_host_guests_are_asked_that_wait_to_be_saved)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":180000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	simulation_last_stop(&s, 200 * USEC_PER_SEC);
	simulation_run(&s);
	simulation_expect(&s, "0.0 a save running|140.0 b shutdown running (why)|"
			      "141.1 b shutdown ok (why).|180.0 a save ok.|");
}
END_TEST

START_TEST(a_save_that_would_not_be_over_before_the_end_of_the_host_makes_way_for_a_shutdown)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s,
		.guests =
			"[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,\"save\":{\"ms\":250000}}]");
	simulation_last_stop(&s, 200 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert(simulation_said(&s, "140.0 a shutdown running"));
	ck_assert_str_eq(simulation_state(&s, "a"), "stopped");
}
END_TEST

START_TEST(near_the_end_of_the_host_a_guest_that_can_only_be_saved_is)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SHUTDOWN=\nXENDOMAINS_SHUTDOWN_ALL=\n",
			 .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":180000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	simulation_last_stop(&s, 200 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

START_TEST(near_the_end_of_the_host_a_guest_is_told_that_was_asked)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\nXENDOMAINS_SHUTDOWN_ALL=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"hangs\":true}}]");
	simulation_last_stop(&s, 200 * USEC_PER_SEC);
	simulation_run(&s);
	simulation_expect(&s, "0.0 a shutdown running|196.0 a shutdown failed (why).|");
}
END_TEST

START_TEST(near_the_end_of_the_host_a_guest_is_told_whose_save_is_not_over)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SHUTDOWN=\nXENDOMAINS_SHUTDOWN_ALL=\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":250000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	simulation_last_stop(&s, 200 * USEC_PER_SEC);
	simulation_run_for(&s, 195 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "saving");
	simulation_run_for(&s, 4 * USEC_PER_SEC);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "saving: "));
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
}
END_TEST

/* And is not tried again, though it would fit into half of what is left. */
START_TEST(the_save_of_an_administrators_stop_makes_way_for_a_shutdown_too)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *host;

	SIMULATION_BEGIN(
		&s,
		.guests =
			"[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,\"memory_mib\":64,"
			"\"save\":{\"ms\":90000}}]");
	simulation_wish(&s, GOAL_STOP, (const char *const[]){"a", NULL});
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_expect(&s, "0.0 a save running|");
	host = simulation_last_stop(&s, 20 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert(simulation_said(&s, "11.0 a shutdown running"));
	ck_assert(!simulation_said(&s, "a save running"));
	ck_assert_str_eq(simulation_state(&s, "a"), "stopped");
	ck_assert(host->succeeded);
}
END_TEST

START_TEST(the_save_of_an_administrators_stop_goes_on_where_nothing_stands_in_for_it)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SHUTDOWN=\nXENDOMAINS_SHUTDOWN_ALL=\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":90000}}]");
	simulation_wish(&s, GOAL_STOP, (const char *const[]){"a", NULL});
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_last_stop(&s, 20 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
}
END_TEST

/* Of a disk that is slower than it was expected to be: each gets a part of it. */
#define SLOW_DISK "{\"mib_s\":20}"
#define SLOW_GUESTS                                                                                \
	"[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,\"memory_mib\":400},"            \
	"{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true,\"memory_mib\":500},"             \
	"{\"name\":\"c\",\"config\":\"/auto/c\",\"running\":true,\"memory_mib\":800}]"

START_TEST(saves_that_cannot_all_keep_their_limit_are_not_all_cut_off)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_STOP_MAXWAIT=60\n", .disk = SLOW_DISK,
			 .guests = SLOW_GUESTS);
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert(str_starts_with(simulation_state(&s, "c"), "stopped"));
	ck_assert(simulation_said(&s, "c shutdown ok"));
}
END_TEST

/* It is known from the beginning when the guests of the host are not saved any more. */
START_TEST(saves_of_the_host_that_cannot_all_keep_their_limit_are_not_all_cut_off)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_STOP_MAXWAIT=60\n", .disk = SLOW_DISK,
			 .guests = SLOW_GUESTS);
	simulation_last_stop(&s, 1000 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert(simulation_said(&s, "c shutdown ok"));
}
END_TEST

START_TEST(a_save_that_makes_way_leaves_a_guest_running_that_is_not_to_be_shut_down)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s,
			 .variables = "XENDOMAINS_STOP_MAXWAIT=60\nXENDOMAINS_SHUTDOWN=\n"
				      "XENDOMAINS_SHUTDOWN_ALL=\n",
			 .disk = SLOW_DISK, .guests = SLOW_GUESTS);
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(!w->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert(str_starts_with(simulation_state(&s, "c"), "running: "));
}
END_TEST

/* Of the same disk, which the host leaves too little time. */
START_TEST(near_the_end_of_the_host_not_all_saves_make_way)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = "XENDOMAINS_STOP_MAXWAIT=\n", .disk = SLOW_DISK,
		.guests =
			"[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,\"memory_mib\":1000},"
			"{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true,\"memory_mib\":1200},"
			"{\"name\":\"c\",\"config\":\"/auto/c\",\"running\":true,\"memory_mib\":1800}]");
	simulation_last_stop(&s, 160 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert(str_starts_with(simulation_state(&s, "c"), "stopped"));
}
END_TEST

SUITE("manager-stop", a_stop_saves_its_guests_and_shuts_down_what_cannot_be_saved,
      the_rest_is_shut_down_when_all_others_are_through,
      a_guest_that_does_not_listen_costs_the_limit_and_no_more,
      a_save_that_hangs_is_cut_off_and_the_guest_runs_on, without_a_limit_a_guest_is_waited_for,
      a_stop_ends_a_start_and_what_it_builds, a_stop_ends_a_start_that_has_not_begun,
      a_start_behind_a_stop_waits_for_it, a_start_of_another_guest_waits_for_a_stop_of_all,
      a_foreign_guest_is_stopped_and_cleaned_up_by_its_monitor,
      guests_go_to_another_host_and_are_not_started_twice,
      a_migration_that_hangs_is_cut_off_and_the_guest_is_saved,
      what_a_stop_tells_of_a_disk_is_of_images_as_they_were_when_it_began,
      near_the_end_of_the_host_guests_are_asked_that_wait_to_be_saved,
      a_save_that_would_not_be_over_before_the_end_of_the_host_makes_way_for_a_shutdown,
      near_the_end_of_the_host_a_guest_that_can_only_be_saved_is,
      near_the_end_of_the_host_a_guest_is_told_that_was_asked,
      near_the_end_of_the_host_a_guest_is_told_whose_save_is_not_over,
      the_save_of_an_administrators_stop_makes_way_for_a_shutdown_too,
      the_save_of_an_administrators_stop_goes_on_where_nothing_stands_in_for_it,
      saves_that_cannot_all_keep_their_limit_are_not_all_cut_off,
      saves_of_the_host_that_cannot_all_keep_their_limit_are_not_all_cut_off,
      a_save_that_makes_way_leaves_a_guest_running_that_is_not_to_be_shut_down,
      near_the_end_of_the_host_not_all_saves_make_way);
