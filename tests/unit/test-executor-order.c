/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/wait.h"
#include "executor-rig.h"
#include "unit.h"

/* Guests that wait for others, also where the host does not wait for ever. */

#define WINDOW (570 * USEC_PER_SEC)
#define LIMIT  (60 * USEC_PER_SEC)

/* Guest 1 goes through some stages, and guest 2 comes behind it; no stage has a limit. */
static void begin_two(usec_t time, const enum stage *first, const enum stage *second, unsigned wave)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8);
	f.deadline = usec_add(loop_now(rig.loop), time);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	add_step(plan, 1, first);
	add_step(plan, 2, second)->wave = wave;
	run_plan(plan);
}

START_TEST(the_last_stage_waits_for_a_deaf_guest_only_while_there_is_time)
{
	begin_two(WINDOW, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN_ALL), 0);
	run_for(WINDOW - 62 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	run_for(3 * USEC_PER_SEC);
	expect_said("2 shutdown-all running|");
	end();
}
END_TEST

START_TEST(where_the_host_waits_the_last_stage_does_too)
{
	begin_two(USEC_INFINITY, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN_ALL), 0);
	run_for(100 * WINDOW);
	expect_said("1 shutdown running|");
	end();
}
END_TEST

static const char *awaited_by(unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	return executor_waits_for(f.ex, &uuid);
}

START_TEST(who_waits_for_another_guest_tells_its_name)
{
	begin_two(USEC_INFINITY, STAGES(STAGE_SAVE), STAGES(STAGE_SAVE), 1);
	run_now();
	ck_assert_ptr_null(awaited_by(1));
	ck_assert_str_eq(awaited_by(2), "1");
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_ptr_null(awaited_by(2));
	end();
}
END_TEST

START_TEST(who_waits_for_a_place_tells_the_setting)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 1);
	for (unsigned i = 1; i <= 2; i++) {
		puppet_add(&rig.p, i, i == 1 ? "1" : "2");
		add_step(plan, i, STAGES(STAGE_SAVE));
	}
	run_plan(plan);
	run_now();
	ck_assert_ptr_null(awaited_by(1));
	ck_assert_ptr_nonnull(strstr(awaited_by(2), "ParallelOperations="));
	end();
}
END_TEST

/* logind may have no more, and systemd's own stop comes behind it. */
START_TEST(the_last_stage_leaves_the_others_the_time_that_most_need)
{
	begin_two(5 * USEC_PER_SEC, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN_ALL), 0);
	run_for(59 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	run_for(2 * USEC_PER_SEC);
	expect_said("2 shutdown-all running|");
	end();
}
END_TEST

START_TEST(a_host_that_has_less_time_than_it_said_is_heeded)
{
	begin_two(WINDOW, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN_ALL), 0);
	run_for(100 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	f.deadline = loop_now(rig.loop) + 50 * USEC_PER_SEC;
	executor_kick(f.ex);
	run_now();
	expect_said("2 shutdown-all running|");
	end();
}
END_TEST

START_TEST(a_driver_domain_waits_for_a_deaf_guest_only_while_there_is_time)
{
	begin_two(WINDOW, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN), 1);
	run_for(WINDOW - 62 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	run_for(3 * USEC_PER_SEC);
	expect_said("2 shutdown running|");
	end();
}
END_TEST

/* It uses the disks until it is down, and whoever has short of time now may have more later. */
START_TEST(a_driver_domain_leaves_a_guest_the_time_that_most_need)
{
	begin_two(5 * USEC_PER_SEC, STAGES(STAGE_SHUTDOWN), STAGES(STAGE_SHUTDOWN), 1);
	run_for(59 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	run_for(2 * USEC_PER_SEC);
	expect_said("2 shutdown running|");
	end();
}
END_TEST

START_TEST(a_driver_domain_waits_for_a_save_that_gets_on)
{
	begin_two(50 * USEC_PER_SEC, STAGES(STAGE_SAVE), STAGES(STAGE_SHUTDOWN), 1);
	for (unsigned i = 0; i < 20; i++) {
		puppet_flying(&rig.p, 1)->operation.permille += 10;
		executor_progress(f.ex, &puppet_flying(&rig.p, 1)->operation);
		run_for(5 * USEC_PER_SEC);
	}
	expect_calls("save 1|");
	/* It gets on no more. */
	run_for(11 * USEC_PER_SEC);
	expect_calls("ask 2|");
	end();
}
END_TEST

START_TEST(a_driver_domain_does_not_wait_for_ever_for_what_hangs)
{
	static const enum stage stages[] = {STAGE_MIGRATE, STAGE_SAVE, STAGE_DESTROY, STAGE_CLEAN};

	for (size_t i = 0; i < ELEMENTSOF(stages); i++) {
		begin_two(WINDOW, STAGES(stages[i]), STAGES(STAGE_SHUTDOWN), 1);
		run_for(WINDOW - 62 * USEC_PER_SEC);
		ck_assert_ptr_null(strstr(rig.p.calls, "ask 2|"));
		run_for(3 * USEC_PER_SEC);
		ck_assert_ptr_nonnull(strstr(rig.p.calls, "ask 2|"));
		end();
	}
}
END_TEST

START_TEST(a_migration_that_makes_no_progress_leaves_its_place)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 1);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	add_step(plan, 1, STAGES(STAGE_MIGRATE));
	add_step(plan, 2, STAGES(STAGE_SAVE));
	run_plan(plan);
	run_for(9 * USEC_PER_SEC);
	expect_calls("migrate 1|");
	run_for(2 * USEC_PER_SEC);
	expect_calls("save 2|");
	end();
}
END_TEST

START_TEST(the_last_stage_does_not_wait_for_what_comes_up_later)
{
	struct plan *plan = new_plan(GOAL_STOP), *later = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	puppet_add(&rig.p, 3, "3");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN_ALL));
	add_step(later, 3, STAGES(STAGE_SHUTDOWN));
	job = run_plan(plan);
	ck_assert_int_eq(executor_extend(f.ex, job, later), 0);
	run_now();
	expect_calls("ask 1|ask 3|");
	puppet_remove(&rig.p, 1);
	look_again();
	expect_calls("ask 2|");
	end();
}
END_TEST

START_TEST(driver_domains_wait_for_those_that_may_use_them)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	for (unsigned i = 1; i <= 2; i++)
		puppet_add(&rig.p, i, "x");
	add_step(plan, 1, STAGES(STAGE_SAVE, STAGE_SHUTDOWN_ALL))->wave = 1;
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN_ALL));
	run_plan(plan);
	expect_calls("ask 2|");
	puppet_remove(&rig.p, 2);
	look_again();
	expect_calls("save 1|");
	end();
}
END_TEST

/* begun: by this daemon, and not by an earlier one. */
static void check_stuck(bool begun)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	for (unsigned i = 1; i <= 2; i++)
		puppet_add(&rig.p, i, "x");
	if (!begun)
		puppet_adopt(&rig.p, OPERATION_SAVE, 2);
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN_ALL))->wave = 1;
	add_step(plan, 2, STAGES(STAGE_SAVE));
	run_plan(plan);
	expect_calls(begun ? "save 2|" : "");
	run_for(LIMIT + 60 * USEC_PER_SEC);
	expect_calls("");
	puppet_flying(&rig.p, 2)->operation.stuck = true;
	executor_progress(f.ex, &puppet_flying(&rig.p, 2)->operation);
	run_now();
	expect_calls("ask 1|");
	end();
}

START_TEST(a_driver_domain_stays_where_it_is_to_while_a_guest_has_a_device_in_it)
{
	for (int stays = 0; stays < 2; stays++) {
		struct plan *plan = new_plan(GOAL_STOP);
		struct step *step = add_step(plan, 1, STAGES(STAGE_SAVE, STAGE_SHUTDOWN_ALL));

		BEGIN(.parallel = 8, .stop_limit = LIMIT);
		puppet_add(&rig.p, 1, "x")->serves = strdup("web");
		step->stays = stays;
		run_plan(plan);
		expect_calls(stays ? "" : "save 1|");
		end();
	}
}
END_TEST

START_TEST(a_driver_domain_does_not_wait_for_a_worker_that_cannot_be_killed)
{
	check_stuck(true);
	check_stuck(false);
}
END_TEST

START_TEST(a_driver_domain_is_up_before_others_are_built)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8, .create_pause = 5 * USEC_PER_SEC, .stop_limit = LIMIT);
	for (unsigned i = 1; i <= 2; i++) {
		struct step *s = add_step(plan, i, STAGES(STAGE_CREATE));

		s->domid = DOMID_NONE;
		s->wave = i == 1;
	}
	run_plan(plan);
	expect_calls("create 2|");
	puppet_add(&rig.p, 2, "2");
	puppet_finish(&rig.p, 2, 0, NULL, 2);
	run_now();
	expect_calls("");
	puppet_domain(&rig.p, 2)->up = true;
	look_again();
	expect_calls("create 1|");
	end();
}
END_TEST

START_TEST(a_host_that_stays_up_waits_for_a_driver_domain_that_was_asked)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN))->wave = 1;
	job = run_plan(plan);
	executor_rest(f.ex, job, "it stays up");
	run_now();
	ck_assert_uint_eq(f.finished, 0);
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_host_that_stays_up_does_not_wait_for_a_deaf_driver_domain_for_ever)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN, STAGE_DESTROY))->wave = 1;
	job = run_plan(plan);
	run_for(20 * USEC_PER_SEC);
	executor_rest(f.ex, job, "it stays up");
	run_for(39 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 0);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 1);
	expect_said("1 shutdown running|1 shutdown skipped (why).|");
	end();
}
END_TEST

START_TEST(a_created_guest_keeps_its_place_until_it_is_up)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 1, .create_pause = 5 * USEC_PER_SEC);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 2, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 3, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(4 * USEC_PER_SEC);
	expect_calls("create 1|");
	/* It is up. */
	puppet_domain(&rig.p, 1)->up = true;
	look_again();
	expect_calls("create 2|");
	puppet_add(&rig.p, 2, "2");
	puppet_finish(&rig.p, 2, 0, NULL, 2);
	run_for(5 * USEC_PER_SEC - 1);
	expect_calls("");
	/* The time is over. */
	run_for(2);
	expect_calls("create 3|");
	puppet_add(&rig.p, 3, "3");
	puppet_finish(&rig.p, 3, 0, NULL, 3);
	run_now();
	/* Nobody waits for the last place. */
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

/* One of three is built, and boots, with three places; one is built at a time. */
static void begin_boots(bool boots_count)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 3, .creates = 1, .boots_count = boots_count,
	      .create_pause = 5 * USEC_PER_SEC);
	for (unsigned i = 1; i <= 3; i++)
		add_step(plan, i, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	expect_calls("create 1|");
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
}

START_TEST(guests_that_boot_leave_one_place)
{
	begin_boots(false);
	expect_calls("create 2|");
	puppet_add(&rig.p, 2, "2");
	puppet_finish(&rig.p, 2, 0, NULL, 2);
	run_for(USEC_PER_SEC);
	expect_calls("");
	puppet_domain(&rig.p, 2)->up = true;
	look_again();
	expect_calls("create 3|");
	end();
}
END_TEST

START_TEST(where_creates_have_a_number_guests_that_boot_are_among_them)
{
	begin_boots(true);
	expect_calls("");
	puppet_domain(&rig.p, 1)->up = true;
	look_again();
	expect_calls("create 2|");
	end();
}
END_TEST

START_TEST(a_created_guest_that_is_gone_again_keeps_no_place)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 1, .create_pause = 5 * USEC_PER_SEC);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 2, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("create 1|create 2|");
	end();
}
END_TEST

static enum goal goal_of(unsigned number)
{
	const struct uuid uuid = puppet_uuid(number);
	usec_t since;
	const struct machine *m = executor_machine(f.ex, &uuid, &since);

	return m ? m->goal : _GOAL_INVALID;
}

/* Whichever was added first. A job with no guest left takes its runs with it. */
START_TEST(the_runs_of_a_guest_come_in_the_order_of_their_jobs)
{
	struct plan *stop = new_plan(GOAL_STOP), *start = new_plan(GOAL_START),
		    *more = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8);
	puppet_add(&rig.p, 1, "1");
	add_step(stop, 1, STAGES(STAGE_SHUTDOWN));
	job = run_plan(stop);
	add_step(start, 2, STAGES(STAGE_CREATE));
	run_plan(start);
	ck_assert_int_eq(goal_of(1), GOAL_STOP);
	ck_assert_int_eq(goal_of(2), GOAL_START);
	add_step(more, 2, STAGES(STAGE_SHUTDOWN));
	ck_assert_int_eq(executor_extend(f.ex, job, more), 0);
	ck_assert_int_eq(goal_of(2), GOAL_STOP);
	puppet_finish(&rig.p, 2, -EIO, "broken", DOMID_NONE);
	run_now();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert_int_eq(goal_of(1), GOAL_STOP);
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_uint_eq(f.finished, 2);
	ck_assert_int_eq(goal_of(1), _GOAL_INVALID);
	ck_assert_int_eq(goal_of(2), _GOAL_INVALID);
	end();
}
END_TEST

SUITE("executor-order", who_waits_for_another_guest_tells_its_name,
      who_waits_for_a_place_tells_the_setting,
      the_last_stage_waits_for_a_deaf_guest_only_while_there_is_time,
      where_the_host_waits_the_last_stage_does_too,
      the_last_stage_leaves_the_others_the_time_that_most_need,
      a_host_that_has_less_time_than_it_said_is_heeded,
      a_driver_domain_waits_for_a_deaf_guest_only_while_there_is_time,
      a_driver_domain_leaves_a_guest_the_time_that_most_need,
      a_driver_domain_waits_for_a_save_that_gets_on,
      a_driver_domain_does_not_wait_for_ever_for_what_hangs,
      a_migration_that_makes_no_progress_leaves_its_place,
      the_last_stage_does_not_wait_for_what_comes_up_later,
      driver_domains_wait_for_those_that_may_use_them,
      a_driver_domain_stays_where_it_is_to_while_a_guest_has_a_device_in_it,
      a_driver_domain_does_not_wait_for_a_worker_that_cannot_be_killed,
      a_driver_domain_is_up_before_others_are_built,
      a_host_that_stays_up_waits_for_a_driver_domain_that_was_asked,
      a_host_that_stays_up_does_not_wait_for_a_deaf_driver_domain_for_ever,
      a_created_guest_keeps_its_place_until_it_is_up, guests_that_boot_leave_one_place,
      where_creates_have_a_number_guests_that_boot_are_among_them,
      a_created_guest_that_is_gone_again_keeps_no_place,
      the_runs_of_a_guest_come_in_the_order_of_their_jobs);
