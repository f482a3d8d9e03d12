/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "simulation.h"
#include "util/str.h"

/* What a restart tells in the end. */

#define NO_PAUSE "XENDOMAINS_CREATE_USLEEP=0\n"

/* How many guests each fate had. */
struct fates {
	unsigned restarted, stopped, migrated, skipped;
	bool done, cut_short;
};

static void count_fate(void *data, const struct report *r)
{
	struct fates *f = data;
	bool stopped = r->goal == GOAL_STOP && r->result == RESULT_OK;

	f->restarted += r->restarted && r->result == RESULT_OK;
	f->migrated += stopped && r->stage == STAGE_MIGRATE;
	f->stopped += stopped && r->stage != STAGE_MIGRATE;
	f->skipped += r->result == RESULT_SKIPPED;
}

static void ignore_report(void *data _unused_, const struct report *r _unused_)
{
}

static void count_fates(void *data, int error, const char *reason _unused_, const struct job *job)
{
	struct fates *f = data;

	ck_assert_int_eq(error, 0);
	job_reports(job, count_fate, f);
	f->cut_short = manager_was_cut_short(job);
	f->done = true;
}

static void restart_all(struct simulation *s, struct fates *f)
{
	struct follower follower = {.report = ignore_report, .done = count_fates, .data = f};
	uint64_t id;

	ck_assert_int_eq(manager_restart(s->manager, false, NULL, 0, &follower, &id), 0);
}

static const char *waits_for(struct simulation *s, const char *name)
{
	const struct inventory *inventory = world_inventory(manager_world(s->manager));

	return manager_waits_for(s->manager, inventory_find_named(inventory, name));
}

static void stop_both(struct simulation *s, struct fates *f)
{
	static const char *const names[] = {"a", "b"};
	struct follower follower = {.report = ignore_report, .done = count_fates, .data = f};
	uint64_t id;

	ck_assert_int_eq(manager_request(s->manager, GOAL_STOP, names, 2, &follower, &id), 0);
}

START_TEST(a_restart_that_is_cancelled_tells_which_guests_it_has_stopped)
{
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"restore\":{\"ms\":10000}},"
				   "{\"name\":\"b\",\"running\":true},"
				   "{\"name\":\"c\",\"running\":true}]");
	restart_all(&s, &f);
	while (!str_equal(simulation_state(&s, "b"), "saved"))
		simulation_run_for(&s, USEC_PER_SEC / 10);
	/* Nobody has to start it. */
	ck_assert_str_eq(simulation_state(&s, "c"), "running");
	ck_assert_ptr_nonnull(waits_for(&s, "b"));
	while (!str_equal(simulation_state(&s, "c"), "saved"))
		simulation_run_for(&s, USEC_PER_SEC / 10);
	simulation_run_for(&s, USEC_PER_SEC);
	ck_assert_uint_eq(manager_cancel(s.manager, "cancelled", NULL), 1);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(f.done);
	ck_assert_uint_eq(f.restarted, 1);
	ck_assert_uint_eq(f.stopped, 2);
	ck_assert(f.cut_short);
	ck_assert_uint_eq(f.skipped, 0);
	ck_assert_ptr_null(waits_for(&s, "b"));
}
END_TEST

static void run_until(struct simulation *s, const char *name, const char *state)
{
	while (!str_equal(simulation_state(s, name), state))
		simulation_run_for(s, USEC_PER_SEC / 10);
}

START_TEST(a_guest_that_the_restart_will_not_start_waits_for_nothing)
{
	static const char *const stopped[] = {"b", NULL};
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE, .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"running\":true},"
				   "{\"name\":\"b\",\"running\":true},"
				   "{\"name\":\"c\",\"running\":true,\"save\":{\"ms\":60000}},"
				   "{\"name\":\"kept\",\"saved\":true},"
				   "{\"name\":\"broken\",\"saved\":true,"
				   "\"image_error\":\"it is truncated\"}]");
	restart_all(&s, &f);
	run_until(&s, "a", "saved");
	run_until(&s, "b", "saved");
	ck_assert_ptr_nonnull(waits_for(&s, "a"));
	ck_assert_ptr_nonnull(waits_for(&s, "b"));
	ck_assert_ptr_nonnull(waits_for(&s, "kept"));
	ck_assert_ptr_null(waits_for(&s, "broken"));
	simulation_wish(&s, GOAL_STOP, stopped);
	simulation_run_for(&s, USEC_PER_SEC);
	ck_assert_str_ne(simulation_state(&s, "c"), "saved");
	ck_assert_ptr_nonnull(waits_for(&s, "a"));
	ck_assert_ptr_null(waits_for(&s, "b"));
	simulation_run_for(&s, 300 * USEC_PER_SEC);
	ck_assert(f.done);
}
END_TEST

START_TEST(a_guest_that_the_restart_has_migrated_waits_for_nothing)
{
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE "XENDOMAINS_MIGRATE=other\n",
			 .native = "[Host]\nParallelOperations=1\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true},"
				   "{\"name\":\"b\",\"config\":\"/auto/b\",\"running\":true}]");
	restart_all(&s, &f);
	run_until(&s, "a", "stopped");
	ck_assert_str_eq(simulation_state(&s, "b"), "running");
	ck_assert_ptr_null(waits_for(&s, "a"));
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(f.done);
	ck_assert_uint_eq(f.migrated, 2);
}
END_TEST

START_TEST(a_restart_tells_which_guests_it_has_migrated)
{
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE "XENDOMAINS_MIGRATE=other\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/auto/a\",\"running\":true}]");
	restart_all(&s, &f);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(f.done);
	ck_assert_uint_eq(f.migrated, 1);
	ck_assert(!f.cut_short);
	ck_assert_uint_eq(f.skipped, 0);
}
END_TEST

/* Also where each stage that had begun has succeeded. */
START_TEST(a_restart_that_is_cancelled_while_it_stops_is_cut_short)
{
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"running\":true}]");
	restart_all(&s, &f);
	simulation_run_for(&s, USEC_PER_SEC / 2);
	ck_assert_uint_eq(manager_cancel(s.manager, "cancelled", NULL), 1);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(f.done && f.cut_short);
	ck_assert_uint_eq(f.stopped, 1);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_CUT, .result = "skipped"), 1);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_DONE), 0);
}
END_TEST

START_TEST(each_half_of_a_restart_has_a_time_of_its_own)
{
	_cleanup_simulation_ struct simulation s;
	struct fates f = {0};
	usec_t begin;

	SIMULATION_BEGIN(&s, .variables = NO_PAUSE,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":60000},"
				   "\"restore\":{\"ms\":30000}}]");
	begin = loop_now(s.loop);
	restart_all(&s, &f);
	while (!f.done)
		simulation_run_for(&s, USEC_PER_SEC);
	ck_assert_uint_eq(f.restarted, 1);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_SEQUENCE_DONE), 2);
	ck_assert_uint_ge(LOGGED_TIME(.message_id = MSG_SEQUENCE_DONE), 60 * USEC_PER_SEC);
	ck_assert_uint_le(LOGGED_TIME(.message_id = MSG_SEQUENCE_DONE), loop_now(s.loop) - begin);
}
END_TEST

/* What others have of it, and what it has begun with, when it is cancelled. */
START_TEST(a_stop_is_cut_short_if_a_guest_was_left_out)
{
	static const struct {
		const char *first, *second;
		bool cut_short;
	} cases[] = {{"b", NULL, true}, {"a", NULL, true}, {"a", "b", false}};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const char *const names[] = {cases[i].first, cases[i].second, NULL};
		_cleanup_simulation_ struct simulation s;
		struct fates f = {0};

		SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true},"
					       "{\"name\":\"b\",\"running\":true}]");
		if (!cases[i].second)
			simulation_wish(&s, GOAL_STOP, names);
		simulation_run_for(&s, USEC_PER_SEC / 4);
		stop_both(&s, &f);
		simulation_run_for(&s, USEC_PER_SEC / 4);
		ck_assert_uint_eq(manager_cancel(s.manager, "cancelled", NULL),
				  cases[i].second ? 1 : 2);
		simulation_run_for(&s, 60 * USEC_PER_SEC);
		ck_assert(f.done);
		ck_assert_int_eq(f.cut_short, cases[i].cut_short);
	}
}
END_TEST

SUITE("manager-restart", a_restart_that_is_cancelled_tells_which_guests_it_has_stopped,
      a_guest_that_the_restart_will_not_start_waits_for_nothing,
      a_guest_that_the_restart_has_migrated_waits_for_nothing,
      a_restart_tells_which_guests_it_has_migrated, each_half_of_a_restart_has_a_time_of_its_own,
      a_restart_that_is_cancelled_while_it_stops_is_cut_short,
      a_stop_is_cut_short_if_a_guest_was_left_out);
