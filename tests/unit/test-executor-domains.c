/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "executor-rig.h"
#include "unit.h"
#include "util/str.h"

/* What the executor makes of domains that do not do what is expected of them. */

#define LIMIT (300 * USEC_PER_SEC)

/* What xl does for a guest that reboots: its domain goes, and another one comes. */
static struct domain *reboot(uint32_t from, uint32_t to)
{
	struct uuid uuid = puppet_domain(&rig.p, from)->uuid;
	enum domain_manager manager = puppet_domain(&rig.p, from)->manager;
	struct domain *d;

	puppet_remove(&rig.p, from);
	d = puppet_add(&rig.p, to, "again");
	d->uuid = uuid;
	d->manager = manager;
	return d;
}

static void begin_foreign(const enum stage *stages)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1")->manager = DOMAIN_MANAGER_XL;
	add_step(plan, 1, stages)->foreign = true;
	run_plan(plan);
}

START_TEST(a_foreign_guest_is_cleaned_up_by_whoever_made_it)
{
	begin_foreign(STAGES(STAGE_SHUTDOWN));
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	run_for(5 * USEC_PER_SEC);
	expect_calls("ask 1|");
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	expect_calls("");
	end();
}
END_TEST

START_TEST(a_foreign_guest_left_behind_is_cleaned_up_after_a_grace_time)
{
	begin_foreign(STAGES(STAGE_SHUTDOWN));
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	run_for(9 * USEC_PER_SEC);
	expect_calls("ask 1|");
	run_for(2 * USEC_PER_SEC);
	expect_calls("destroy 1|");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert(f.succeeded);
	end();
}
END_TEST

/* Such as one of xl whose monitor has ended, which it does after a save that failed. */
START_TEST(a_foreign_guest_that_has_ended_within_the_limit_is_no_failure_when_that_comes)
{
	begin_foreign(STAGES(STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL));
	run_for(LIMIT - 3 * USEC_PER_SEC);
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	run_for(4 * USEC_PER_SEC);
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

/* It was shut down, and is alive again: the grace time was for the domain that is gone. */
START_TEST(a_guest_that_reboots_instead_is_asked_again_and_not_destroyed)
{
	begin_foreign(STAGES(STAGE_SHUTDOWN));
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_REBOOT;
	look_again();
	run_for(1 * USEC_PER_SEC);
	reboot(1, 2);
	look_again();
	expect_calls("ask 1|ask 1|");
	run_for(60 * USEC_PER_SEC);
	expect_calls("");
	ck_assert_uint_eq(f.finished, 0);
	run_for(LIMIT);
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_reboots_each_time_has_no_more_time_than_any)
{
	uint32_t domid = 1;

	begin_foreign(STAGES(STAGE_SHUTDOWN));
	for (usec_t time = 0; time < LIMIT; time += 10 * USEC_PER_SEC) {
		ck_assert_uint_eq(f.finished, 0);
		reboot(domid, domid + 100);
		domid += 100;
		look_again();
		run_for(10 * USEC_PER_SEC);
	}
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_reboots_each_time_gets_no_key_twice)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 8,
							    .brief = 8,
							    .sysrq_pause = 10 * USEC_PER_SEC,
							    .stop_limit = LIMIT});
	puppet_add(&rig.p, 1, "1");
	ck_assert_int_eq(
		str_replace(&add_step(plan, 1, STAGES(STAGE_SYSRQ, STAGE_SAVE))->sysrq, "su"), 0);
	run_plan(plan);
	for (uint32_t domid = 2; domid < 12; domid++) {
		reboot(domid - 1, domid);
		look_again();
		run_for(3 * USEC_PER_SEC);
	}
	expect_calls("key-s 1|key-u 1|save 1|");
	end();
}
END_TEST

/* While it waits for its turn nobody has asked it for anything. */
START_TEST(a_foreign_guest_that_reboots_while_it_waits_is_left_to_whoever_made_it)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1")->manager = DOMAIN_MANAGER_XL;
	puppet_add(&rig.p, 9, "9");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN_ALL))->foreign = true;
	add_step(plan, 9, STAGES(STAGE_SAVE));
	run_plan(plan);
	expect_calls("save 9|");
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_REBOOT;
	look_again();
	expect_calls("");
	reboot(1, 2);
	look_again();
	run_for(60 * USEC_PER_SEC);
	expect_calls("");
	puppet_remove(&rig.p, 9);
	puppet_finish(&rig.p, 9, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("ask 1|");
	end();
}
END_TEST

START_TEST(a_foreign_guest_that_ends_while_it_waits_is_cleaned_up_too)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1")->manager = DOMAIN_MANAGER_XL;
	puppet_add(&rig.p, 9, "9");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN_ALL))->foreign = true;
	add_step(plan, 9, STAGES(STAGE_SAVE));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 9|destroy 1|");
	end();
}
END_TEST

START_TEST(one_of_ours_is_cleaned_up_at_once)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	expect_calls("ask 1|destroy 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_has_gone_before_it_could_be_asked_is_done)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	ck_assert_int_eq(executor_run(f.ex, plan, NULL, &job), 0);
	rig.p.ask_error = -ESTALE;
	look_again();
	expect_calls("ask 1|");
	ck_assert_uint_eq(f.finished, 0);
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_dying_domain_is_waited_for_and_not_for_ever)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->dying = true;
	look_again();
	run_for(29 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 0);
	run_for(2 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	expect_calls("ask 1|");
	end();
}
END_TEST

/* The old domain dies slowly, and the guest runs on in a new one: it is not gone. */
START_TEST(a_guest_that_runs_on_in_a_new_domain_is_not_gone_with_the_old_one)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->dying = true;
	look_again();
	run_for(20 * USEC_PER_SEC);
	reboot(1, 2);
	look_again();
	expect_calls("ask 1|ask 1|");
	run_for(60 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 0);
	end();
}
END_TEST

START_TEST(a_worker_counts_more_than_what_is_seen_of_its_domain)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct domain *d;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	d = puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	look_again();
	d->shutdown = false;
	d->dying = true;
	look_again();
	run_for(120 * USEC_PER_SEC);
	puppet_remove(&rig.p, 1);
	look_again();
	run_for(120 * USEC_PER_SEC);
	expect_calls("save 1|");
	ck_assert_uint_eq(f.finished, 0);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert(f.finished == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_somebody_else_suspends_is_not_cleaned_up)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_domain(&rig.p, 1)->saver = true;
	look_again();
	run_for(60 * USEC_PER_SEC);
	expect_calls("ask 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_another_tool_releases_late_is_no_failure_of_the_job_once_it_is_saved)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_domain(&rig.p, 1)->saver = true;
	add_step(plan, 1, STAGES(STAGE_SAVE));
	f.extension = new_plan(GOAL_STOP);
	add_step(f.extension, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	run_for(LIMIT + USEC_PER_SEC);
	ck_assert_ptr_null(f.extension);
	puppet_domain(&rig.p, 1)->shutdown = false;
	puppet_domain(&rig.p, 1)->saver = false;
	look_again();
	expect_calls("save 1|");
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert(f.finished == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_comes_up_by_itself_is_not_created)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 1, .stop_limit = LIMIT);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 2, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	puppet_add(&rig.p, 2, "2");
	look_again();
	expect_calls("create 1|");
	expect_said("1 create running|2 - ok.|");
	end();
}
END_TEST

/* What another tool saved, and put where no survey has seen it, must not be started cold. */
START_TEST(a_guest_that_another_tool_had_meanwhile_is_not_built)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 1, .stop_limit = LIMIT);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 2, STAGES(STAGE_RESTORE, STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 3, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	puppet_add(&rig.p, 2, "2")->paused = true;
	/* Of this name, with a UUID of its own. */
	puppet_add(&rig.p, 4, "3");
	look_again();
	puppet_remove(&rig.p, 2);
	puppet_remove(&rig.p, 4);
	look_again();
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("create 1|");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_whose_domain_is_another_one_by_then_is_saved_all_the_same)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE, STAGE_SHUTDOWN));
	run_plan(plan);
	reboot(1, 7);
	look_again();
	puppet_finish(&rig.p, 1, -ESRCH, "domain 1 is not there any more", DOMID_NONE);
	look_again();
	expect_calls("save 1|save 1|");
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert(f.finished == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(what_ends_a_domain_is_not_tried_on_the_next_one)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_CLEAN));
	run_plan(plan);
	reboot(1, 7);
	look_again();
	puppet_finish(&rig.p, 1, -ESRCH, "domain 1 is not there any more", DOMID_NONE);
	look_again();
	expect_calls("destroy 1|");
	ck_assert(f.finished == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_gets_a_domain_each_time_is_not_saved_for_ever)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	for (uint32_t domid = 2; domid < 20 && f.finished == 0; domid++) {
		reboot(domid - 1, domid);
		puppet_finish(&rig.p, 1, -ESRCH, "gone", DOMID_NONE);
		look_again();
	}
	ck_assert(f.finished == 1 && !f.succeeded);
	end();
}
END_TEST

START_TEST(a_save_that_is_tried_again_has_no_more_time_than_one)
{
	struct plan *plan = new_plan(GOAL_STOP);
	usec_t deadline;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	deadline = puppet_flying(&rig.p, 1)->deadline;
	run_for(LIMIT / 2);
	reboot(1, 2);
	puppet_finish(&rig.p, 1, -ESRCH, "gone", DOMID_NONE);
	look_again();
	expect_calls("save 1|save 1|");
	ck_assert_uint_eq(puppet_flying(&rig.p, 1)->deadline, deadline);
	end();
}
END_TEST

/* A reaction and a stop may meet at one guest: the end of the operation is for who began it. */
START_TEST(the_end_of_an_operation_reaches_the_job_that_began_it)
{
	struct plan *first = new_plan(GOAL_STOP), *second = new_plan(GOAL_REACT);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 9, "9");
	/* The stop has guest 1 wait for guest 9. */
	add_step(first, 9, STAGES(STAGE_SAVE));
	add_step(first, 1, STAGES(STAGE_SHUTDOWN_ALL));
	run_plan(first);
	add_step(second, 1, STAGES(STAGE_RESTART));
	run_plan(second);
	expect_calls("save 9|restart 1|");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	/* Both are through with guest 1. */
	ck_assert_uint_eq(f.finished, 1);
	puppet_remove(&rig.p, 9);
	puppet_finish(&rig.p, 9, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert_uint_eq(f.finished, 2);
	end();
}
END_TEST

static const struct operation_result undecided = {
	.outcome = OPERATION_UNDECIDED,
	.error = -EIO,
	.reason = (char[]){"nobody knows"},
	.domid = DOMID_NONE,
};

START_TEST(a_guest_that_may_be_elsewhere_is_left_alone)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_MIGRATE, STAGE_SAVE, STAGE_SHUTDOWN_ALL));
	run_plan(plan);
	ck_assert_uint_ne(puppet_flying(&rig.p, 1)->deadline, USEC_INFINITY);
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_end(&rig.p, 1, &undecided);
	run_for(2 * LIMIT);
	expect_calls("migrate 1|");
	expect_said("1 migrate running|1 migrate failed (why).|");
	ck_assert(reason_had("nobody knows"));
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(so_is_one_that_an_earlier_daemon_sent_away)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	puppet_adopt(&rig.p, OPERATION_MIGRATE, 1);
	add_step(plan, 1, STAGES(STAGE_MIGRATE, STAGE_SAVE));
	run_plan(plan);
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_end(&rig.p, 1, &undecided);
	run_now();
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

SUITE("executor-domains", a_foreign_guest_is_cleaned_up_by_whoever_made_it,
      a_foreign_guest_left_behind_is_cleaned_up_after_a_grace_time,
      a_foreign_guest_that_has_ended_within_the_limit_is_no_failure_when_that_comes,
      a_guest_that_reboots_instead_is_asked_again_and_not_destroyed,
      a_guest_that_reboots_each_time_has_no_more_time_than_any,
      a_guest_that_reboots_each_time_gets_no_key_twice,
      a_foreign_guest_that_reboots_while_it_waits_is_left_to_whoever_made_it,
      a_foreign_guest_that_ends_while_it_waits_is_cleaned_up_too, one_of_ours_is_cleaned_up_at_once,
      a_guest_that_has_gone_before_it_could_be_asked_is_done,
      a_dying_domain_is_waited_for_and_not_for_ever,
      a_guest_that_runs_on_in_a_new_domain_is_not_gone_with_the_old_one,
      a_worker_counts_more_than_what_is_seen_of_its_domain,
      a_guest_that_somebody_else_suspends_is_not_cleaned_up,
      a_guest_that_comes_up_by_itself_is_not_created,
      a_guest_that_another_tool_releases_late_is_no_failure_of_the_job_once_it_is_saved,
      a_guest_that_another_tool_had_meanwhile_is_not_built,
      a_guest_whose_domain_is_another_one_by_then_is_saved_all_the_same,
      what_ends_a_domain_is_not_tried_on_the_next_one,
      a_guest_that_gets_a_domain_each_time_is_not_saved_for_ever,
      a_save_that_is_tried_again_has_no_more_time_than_one,
      the_end_of_an_operation_reaches_the_job_that_began_it,
      a_guest_that_may_be_elsewhere_is_left_alone, so_is_one_that_an_earlier_daemon_sent_away);
