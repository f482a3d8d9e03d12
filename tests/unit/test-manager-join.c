/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "simulation.h"
#include "util/str.h"

/* Sequences that are about the same guests: each goes on with those that are free. */

#define NO_PAUSE   "XENDOMAINS_CREATE_USLEEP=0\n"
#define NO_SAVE    "XENDOMAINS_SAVE=\n"
#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

START_TEST(a_deaf_guest_of_a_named_stop_holds_up_no_stop_of_all)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *named, *all;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=100\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"running\":true}]");
	named = simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	all = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, 2 * USEC_PER_SEC);
	ck_assert(!named->done && !all->done);
	ck_assert(simulation_said(&s, "21.1 b shutdown ok."));
	simulation_run(&s);
	ck_assert(!named->succeeded);
	ck_assert_uint_eq(named->ended / USEC_PER_SEC, 100);
	/* Its own stop of that guest begins when the other one has failed. */
	ck_assert(simulation_said(&s, "100.0 a shutdown running"));
}
END_TEST

START_TEST(a_guest_that_comes_up_beside_a_deaf_one_is_stopped_at_once)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"manager\":\"xl\",\"appears_ms\":20000}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, 30 * USEC_PER_SEC);
	ck_assert(simulation_said(&s, "20.0 b shutdown running|"));
	ck_assert(simulation_said(&s, "21.2 b shutdown ok."));
}
END_TEST

#define TWO_AT_WORK                                                                                \
	"[{\"name\":\"a\",\"memory_mib\":256,\"running\":true,\"save\":{\"ms\":8000}},"            \
	"{\"name\":\"b\",\"memory_mib\":256,\"running\":true,\"save\":{\"ms\":8000}},"

START_TEST(a_guest_that_comes_up_has_no_room_that_saves_under_way_need)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .room_mib = 600,
			 .guests = TWO_AT_WORK
			 "{\"name\":\"c\",\"memory_mib\":256,\"manager\":\"xl\","
			 "\"appears_ms\":4000}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(simulation_said(&s, "8.0 a save ok."));
	ck_assert(simulation_said(&s, "8.0 b save ok."));
	ck_assert(!simulation_said(&s, "c save running"));
	ck_assert(simulation_said(&s, "c shutdown running"));
}
END_TEST

START_TEST(a_save_of_another_stop_counts_with_the_room_that_it_needs_and_once)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .room_mib = 300,
			 .guests = TWO_AT_WORK "{\"name\":\"c\",\"memory_mib\":16,"
					       "\"running\":true}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 2 * USEC_PER_SEC);
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(simulation_said(&s, "8.0 a save ok."));
	ck_assert(simulation_said(&s, "b shutdown running"));
}
END_TEST

START_TEST(a_guest_that_comes_up_is_not_kept_by_one_that_another_stop_waits_for)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"manager\":\"xl\",\"appears_ms\":20000}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 10 * USEC_PER_SEC);
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	ck_assert(simulation_said(&s, "20.0 b shutdown running|"));
}
END_TEST

START_TEST(the_host_asks_the_last_ones_in_time_beside_a_deaf_one)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\nXENDOMAINS_AUTO_ONLY=true\n",
		.guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,"
			  "\"shutdown\":{\"hangs\":true}},"
			  "{\"name\":\"b\",\"running\":true}]");
	simulation_host_stop(&s, 570 * USEC_PER_SEC);
	simulation_run_for(&s, 520 * USEC_PER_SEC);
	ck_assert(simulation_said(&s, "510.0 b shutdown-all running|"));
	ck_assert(simulation_said(&s, "511.1 b shutdown-all ok."));
}
END_TEST

START_TEST(the_host_asks_a_driver_domain_in_time_beside_the_hung_save_of_another_stop)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_STOP_MAXWAIT=\n",
			 .native = "[Host]\nProgressTimeout=0\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"hangs\":true}},"
				   "{\"name\":\"d\",\"running\":true,\"driver\":true,"
				   "\"save\":{\"error\":\"it cannot be saved\"}}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	simulation_host_stop(&s, 300 * USEC_PER_SEC);
	simulation_run_for(&s, 230 * USEC_PER_SEC);
	ck_assert(!simulation_said(&s, " d "));
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	ck_assert(simulation_said(&s, "260.0 d "));
}
END_TEST

START_TEST(the_host_takes_a_guest_over_that_is_waited_for_beyond_its_end)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *named, *host;

	SIMULATION_BEGIN(
		&s, .variables = NO_SAVE "XENDOMAINS_STOP_MAXWAIT=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"shutdown\":{\"ms\":300000}},"
			  "{\"name\":\"b\",\"running\":true}]");
	named = simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_expect(&s, "0.0 a shutdown running|");
	host = simulation_host_stop(&s, 100 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	ck_assert(simulation_said(&s, "1.0 a shutdown skipped (why).|"));
	ck_assert(simulation_said(&s, "1.0 a shutdown running"));
	ck_assert(simulation_said(&s, "1.0 b shutdown running"));
	/* Who asked for it hears the end, too. */
	ck_assert(!named->done && !host->done);
	simulation_run(&s);
	ck_assert(named->succeeded && host->succeeded);
}
END_TEST

START_TEST(a_named_stop_ends_the_start_of_its_guest_alone)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start, *stop;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE,
		.guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"create\":{\"ms\":60000}},"
			  "{\"name\":\"b\",\"config\":\"/auto/b\",\"create\":{\"ms\":9000}}]");
	start = simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	stop = simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run(&s);
	ck_assert(start->succeeded && stop->succeeded);
	ck_assert_uint_eq(stop->ended / USEC_PER_SEC, 1);
	ck_assert_str_eq(simulation_state(&s, "a"), "stopped");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
}
END_TEST

START_TEST(a_start_begins_with_the_guests_that_nobody_stops)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,"
				   "\"save\":{\"ms\":30000}},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, USEC_PER_SEC);
	start = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(start->succeeded);
	simulation_expect(&s, "0.0 a save running|1.0 b create running|2.0 b create ok.|"
			      "30.0 a save ok.|30.0 a restore running|31.0 a restore ok.|");
}
END_TEST

START_TEST(a_stop_of_two_waits_for_the_one_that_is_busy_only)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *first, *second;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":30000}},"
				       "{\"name\":\"b\",\"running\":true}]");
	first = simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, USEC_PER_SEC);
	second = simulation_wish(&s, GOAL_STOP, NAMES("a", "b"));
	simulation_run(&s);
	ck_assert(first->succeeded && second->succeeded);
	ck_assert_uint_eq(second->ended / USEC_PER_SEC, 30);
	ck_assert(simulation_said(&s, "1.0 b save running|2.0 b save ok.|30.0 a save ok.|"));
}
END_TEST

START_TEST(a_host_that_stays_up_ends_no_stop_of_an_administrator)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *hand, *host;

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	host = simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC);
	hand = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	manager_rest(s.manager, "the host stays up");
	simulation_run(&s);
	ck_assert(host->done && hand->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

static void ask_restart(struct simulation *s, struct wish *w, const char *const *names, size_t n)
{
	struct follower follower = {
		.report = simulation_on_report, .done = simulation_on_done, .data = w};

	*w = (struct wish){.sim = s};
	ck_assert_int_eq(manager_restart(s->manager, false, names, n, &follower, &w->id), 0);
}

START_TEST(a_restart_is_one_request)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"running\":true},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"},"
				   "{\"name\":\"c\",\"running\":true}]");
	ask_restart(&s, &w, NAMES("a", "b"), 2);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(w.done && w.succeeded);
	simulation_expect(&s, "0.0 b - ok (why).|0.0 a save running|1.0 a save ok.|"
			      "1.0 a restore running|1.0 b create running|"
			      "2.0 a restore ok.|2.0 b create ok.|");
}
END_TEST

START_TEST(a_restart_that_a_stop_of_all_meets_starts_nothing)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w, *stop;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"running\":true}]");
	ask_restart(&s, &w, NULL, 0);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(w.done && stop->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
}
END_TEST

START_TEST(a_restart_that_the_host_meets_goes_on_if_the_host_stays_up)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	ask_restart(&s, &w, NULL, 0);
	simulation_run_for(&s, USEC_PER_SEC);
	ck_assert_int_eq(manager_refuse_starts(s.manager, "the host goes down"), 0);
	simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	/* Not while the host may still go down. */
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert_int_eq(manager_refuse_starts(s.manager, NULL), 0);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(w.done && w.succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
}
END_TEST

START_TEST(a_restart_whose_start_the_host_meets_goes_on_if_the_host_stays_up)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true},"
				   "{\"name\":\"b\",\"running\":true,\"restore\":{\"ms\":10000}},"
				   "{\"name\":\"c\",\"running\":true}]");
	ask_restart(&s, &w, NULL, 0);
	while (!simulation_said(&s, "b restore running"))
		simulation_run_for(&s, USEC_PER_SEC);
	ck_assert_int_eq(manager_refuse_starts(s.manager, "the host goes down"), 0);
	simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	/* Not while the host may still go down. */
	ck_assert(!w.done);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
	ck_assert_str_eq(simulation_state(&s, "c"), "saved");
	ck_assert_int_eq(manager_refuse_starts(s.manager, NULL), 0);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(w.done && w.succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
	ck_assert_str_eq(simulation_state(&s, "c"), "running");
}
END_TEST

/* A later stop of all, or a cancel, is the last word on it. */
START_TEST(a_restart_that_waits_for_the_host_can_be_ended)
{
	for (unsigned stops = 0; stops < 2; stops++) {
		_cleanup_simulation_ struct simulation s;
		struct wish w;

		SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
				 .guests = "[{\"name\":\"a\",\"running\":true,"
					   "\"restore\":{\"ms\":10000}}]");
		ask_restart(&s, &w, NULL, 0);
		while (!simulation_said(&s, "a restore running"))
			simulation_run_for(&s, USEC_PER_SEC);
		ck_assert_int_eq(manager_refuse_starts(s.manager, "the host goes down"), 0);
		simulation_host_stop(&s, 500 * USEC_PER_SEC);
		simulation_run_for(&s, 100 * USEC_PER_SEC);
		if (stops)
			simulation_wish(&s, GOAL_STOP, NULL);
		else
			ck_assert_uint_eq(manager_cancel(s.manager, "cancelled", NULL), 1);
		simulation_run_for(&s, USEC_PER_SEC);
		ck_assert(w.done);
		ck_assert_int_eq(manager_refuse_starts(s.manager, NULL), 0);
		simulation_run_for(&s, 100 * USEC_PER_SEC);
		ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	}
}
END_TEST

START_TEST(a_restart_starts_what_could_be_stopped_and_tells_what_could_not)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE "XENDOMAINS_SHUTDOWN=\nXENDOMAINS_SHUTDOWN_ALL=\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"error\":\"full\"}},"
			  "{\"name\":\"b\",\"running\":true}]");
	ask_restart(&s, &w, NULL, 0);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(w.done && w.error == 0 && !w.succeeded);
	ck_assert(simulation_said(&s, "b restore ok."));
}
END_TEST

/* Of the guests that the host's stop has stopped, how many an administrator wants down as well. */
struct count {
	const struct job *job;
	unsigned stopped, wanted;
};

static void count_outcome(void *data, const struct report *report)
{
	struct count *c = data;

	if (report->stage != _STAGE_INVALID && report->final && report->result == RESULT_OK) {
		c->stopped++;
		c->wanted += manager_wants_down(c->job, &report->step->uuid);
	}
}

static void count_wanted(void *data, int error, const char *reason _unused_, const struct job *job)
{
	struct count *c = data;

	ck_assert_int_eq(error, 0);
	c->job = job;
	job_reports(job, count_outcome, c);
}

static void ignore(void *data _unused_, const struct report *report _unused_)
{
}

static void stop_for_host(struct simulation *s, struct count *count)
{
	struct follower follower = {.report = ignore, .done = count_wanted, .data = count};
	uint64_t id;

	ck_assert_int_eq(manager_stop_until(s->manager, loop_now(s->loop) + 500 * USEC_PER_SEC,
					    USEC_INFINITY, &follower, &id),
			 0);
}

/* What is brought back if the host stays up is decided from this. */
START_TEST(the_host_knows_which_guests_an_administrator_wants_down_as_well)
{
	_cleanup_simulation_ struct simulation s;
	struct count count = {0};

	SIMULATION_BEGIN(
		&s, .native = "[Host]\nParallelOperations=1\n",
		.guests = "[{\"name\":\"a\",\"running\":true},{\"name\":\"b\",\"running\":true},"
			  "{\"name\":\"c\",\"running\":true}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a", "b"));
	simulation_run_for(&s, USEC_PER_SEC / 2);
	stop_for_host(&s, &count);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	/* a was saved by the administrator's own stop, b was taken over, and c is the host's. */
	ck_assert_uint_eq(count.stopped, 2);
	ck_assert_uint_eq(count.wanted, 1);
}
END_TEST

START_TEST(a_guest_whose_own_stop_has_failed_is_still_wanted_down)
{
	_cleanup_simulation_ struct simulation s;
	struct count count = {0};

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,"
				       "\"save\":{\"ms\":10000,\"error\":\"full\"}}]");
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, USEC_PER_SEC);
	stop_for_host(&s, &count);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert_uint_eq(count.stopped, 1);
	ck_assert_uint_eq(count.wanted, 1);
}
END_TEST

START_TEST(who_cancels_a_stop_does_not_want_its_guests_down_any_more)
{
	_cleanup_simulation_ struct simulation s;
	struct count count = {0};

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	stop_for_host(&s, &count);
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_wish(&s, GOAL_STOP, NAMES("b"));
	simulation_run_for(&s, USEC_PER_SEC);
	manager_cancel(s.manager, "cancelled", NULL);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert_uint_eq(count.stopped, 2);
	ck_assert_uint_eq(count.wanted, 0);
}
END_TEST

START_TEST(a_host_that_waits_for_ever_is_still_the_host)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *host;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true}]");
	host = simulation_host_stop(&s, USEC_INFINITY);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	ck_assert_uint_eq(manager_cancel(s.manager, "cancelled", NULL), 0);
	simulation_run(&s);
	ck_assert(host->succeeded);
}
END_TEST

/* The second line comes behind logind's stop, and some guests are still being stopped. */
START_TEST(a_second_stop_of_the_host_joins_the_first_one)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *first, *named, *second;

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":5000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	first = simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC);
	named = simulation_wish(&s, GOAL_STOP, NAMES("b"));
	second = simulation_host_stop(&s, 900 * USEC_PER_SEC);
	simulation_run(&s);
	ck_assert(first->succeeded && named->succeeded && second->succeeded);
	ck_assert_uint_eq(first->ended, second->ended);
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

START_TEST(an_administrators_stop_goes_on_with_what_the_host_took_and_left)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *hand;

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"running\":true}]");
	hand = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC);
	manager_rest(s.manager, "the host stays up");
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(hand->done && hand->succeeded);
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

START_TEST(the_host_takes_no_guest_over_that_it_would_not_stop)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *stop;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_AUTO_ONLY=true\nXENDOMAINS_SHUTDOWN_ALL=\n",
			 .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true,"
				   "\"save\":{\"ms\":10000}},{\"name\":\"x\",\"running\":true}]");
	stop = simulation_wish(&s, GOAL_STOP, NAMES("b", "x"));
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(stop->done && stop->succeeded);
	ck_assert(simulation_said(&s, "x save ok."));
}
END_TEST

/* Two that are under way for long, beside what is asked for and done meanwhile. */
#define A_AND_SLOW_B                                                                               \
	"[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true},"                               \
	"{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true,\"save\":{\"ms\":60000}}]"

START_TEST(a_start_that_waits_starts_no_other_guest_again)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *stop;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .guests = A_AND_SLOW_B);
	simulation_wish(&s, GOAL_STOP, NAMES("b"));
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, 9 * USEC_PER_SEC);
	stop = simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(stop->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "saved");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
}
END_TEST

START_TEST(a_stop_that_waits_stops_no_other_guest_again)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .guests = A_AND_SLOW_B);
	simulation_wish(&s, GOAL_STOP, NAMES("b"));
	simulation_run_for(&s, USEC_PER_SEC);
	simulation_wish(&s, GOAL_STOP, NAMES("a", "b"));
	simulation_run_for(&s, 9 * USEC_PER_SEC);
	start = simulation_wish(&s, GOAL_START, NAMES("a"));
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(start->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(the_same_request_is_not_joined_where_another_one_came_between)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *again;

	SIMULATION_BEGIN(
		&s, .variables = NO_PAUSE,
		.guests = "[{\"name\":\"a\",\"config\":\"/auto/a\"},"
			  "{\"name\":\"b\",\"config\":\"/auto/b\",\"create\":{\"ms\":60000}}]");
	simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, 10 * USEC_PER_SEC);
	simulation_wish(&s, GOAL_STOP, NAMES("a"));
	simulation_run_for(&s, 10 * USEC_PER_SEC);
	again = simulation_wish(&s, GOAL_START, NULL);
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(again->succeeded);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(a_stop_in_the_middle_of_a_restart_is_the_last_word)
{
	_cleanup_simulation_ struct simulation s;
	struct wish w, *stop;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true,"
				   "\"save\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true}]");
	ask_restart(&s, &w, NAMES("b", "a"), 2);
	simulation_run_for(&s, 2 * USEC_PER_SEC);
	stop = simulation_wish(&s, GOAL_STOP, NAMES("b"));
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert(stop->succeeded && w.done);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_str_eq(simulation_state(&s, "b"), "saved");
}
END_TEST

START_TEST(nothing_follows_the_keys_of_a_stop_that_is_over)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SYSRQ=\"s\"\nXENDOMAINS_USLEEP=3000000\n",
			 .guests = "[{\"name\":\"a\",\"running\":true}]");
	simulation_host_stop(&s, 500 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC);
	manager_rest(s.manager, "the host stays up");
	simulation_run_for(&s, 100 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(a_stop_that_is_over_holds_up_no_start)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *start;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"hangs\":true}},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\"}]");
	simulation_host_stop(&s, 100 * USEC_PER_SEC);
	simulation_run_for(&s, USEC_PER_SEC);
	manager_rest(s.manager, "the host stays up");
	ck_assert(!manager_stops_all(s.manager));
	start = simulation_wish(&s, GOAL_START, NAMES("b"));
	simulation_run_for(&s, 10 * USEC_PER_SEC);
	ck_assert(start->succeeded);
}
END_TEST

SUITE("manager-join", a_deaf_guest_of_a_named_stop_holds_up_no_stop_of_all,
      a_guest_that_comes_up_beside_a_deaf_one_is_stopped_at_once,
      the_host_asks_the_last_ones_in_time_beside_a_deaf_one,
      the_host_asks_a_driver_domain_in_time_beside_the_hung_save_of_another_stop,
      a_guest_that_comes_up_has_no_room_that_saves_under_way_need,
      a_save_of_another_stop_counts_with_the_room_that_it_needs_and_once,
      a_guest_that_comes_up_has_no_room_that_saves_under_way_need,
      a_save_of_another_stop_counts_with_the_room_that_it_needs_and_once,
      a_guest_that_comes_up_is_not_kept_by_one_that_another_stop_waits_for,
      the_host_takes_a_guest_over_that_is_waited_for_beyond_its_end,
      a_named_stop_ends_the_start_of_its_guest_alone,
      a_start_begins_with_the_guests_that_nobody_stops,
      a_stop_of_two_waits_for_the_one_that_is_busy_only,
      a_host_that_stays_up_ends_no_stop_of_an_administrator, a_restart_is_one_request,
      a_restart_that_the_host_meets_goes_on_if_the_host_stays_up,
      a_restart_whose_start_the_host_meets_goes_on_if_the_host_stays_up,
      a_restart_that_waits_for_the_host_can_be_ended,
      a_restart_that_a_stop_of_all_meets_starts_nothing,
      a_restart_starts_what_could_be_stopped_and_tells_what_could_not,
      the_host_knows_which_guests_an_administrator_wants_down_as_well,
      a_guest_whose_own_stop_has_failed_is_still_wanted_down,
      who_cancels_a_stop_does_not_want_its_guests_down_any_more,
      a_host_that_waits_for_ever_is_still_the_host, a_second_stop_of_the_host_joins_the_first_one,
      an_administrators_stop_goes_on_with_what_the_host_took_and_left,
      the_host_takes_no_guest_over_that_it_would_not_stop,
      a_start_that_waits_starts_no_other_guest_again, a_stop_that_waits_stops_no_other_guest_again,
      the_same_request_is_not_joined_where_another_one_came_between,
      a_stop_in_the_middle_of_a_restart_is_the_last_word,
      nothing_follows_the_keys_of_a_stop_that_is_over, a_stop_that_is_over_holds_up_no_start);
