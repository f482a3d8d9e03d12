/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "executor-rig.h"
#include "unit.h"
#include "util/log.h"
#include "util/str.h"

static unsigned n_cold;
static char cold[512];

static void hear_cold(int level, const struct log_fields *fields, const char *message)
{
	if (!fields || !str_equal(fields->message_id, MSG_GUEST_COLD))
		return;
	ck_assert_int_eq(level, LOG_WARNING);
	snprintf(cold, sizeof(cold), "%s", message);
	n_cold++;
}

/* A guest with an image, which is restored or, if a disk has changed, created. */
static void begin_restore(void)
{
	struct plan *plan = new_plan(GOAL_START);
	struct step *s;

	BEGIN(.parallel = 8);
	n_cold = 0;
	log_set_sink(hear_cold);
	s = add_step(plan, 1, STAGES(STAGE_RESTORE, STAGE_CREATE));
	s->domid = DOMID_NONE;
	s->changed = IMAGE_AFRESH;
	ck_assert_int_eq(str_replace(&s->image, "/save/web"), 0);
	run_plan(plan);
	expect_calls("restore 1|");
}

static void end_restore(enum operation_outcome outcome, int error)
{
	const struct operation_result result = {
		.outcome = outcome,
		.error = error,
		.reason = (char[]){"xvda"},
		.domid = DOMID_NONE,
	};

	puppet_end(&rig.p, 1, &result);
	run_now();
}

START_TEST(a_guest_whose_disk_has_changed_is_created_with_a_warning)
{
	begin_restore();
	end_restore(OPERATION_DISK_CHANGED, -EIO);
	expect_calls("create 1|");
	ck_assert_uint_eq(n_cold, 0);
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	ck_assert(f.succeeded);
	ck_assert_uint_eq(n_cold, 1);
	ck_assert_ptr_nonnull(strstr(cold, "/save/web"));
	ck_assert_ptr_nonnull(strstr(cold, "xvda"));
	end();
}
END_TEST

START_TEST(no_errno_lets_a_create_follow_a_restore)
{
	static const int errors[] = {-EIO, -ESTALE, -EUCLEAN, -ENOTEMPTY, -ENOTRECOVERABLE};

	for (size_t i = 0; i < ELEMENTSOF(errors); i++) {
		begin_restore();
		end_restore(OPERATION_FAILED, errors[i]);
		expect_calls("");
		ck_assert_uint_eq(f.finished, 1);
		ck_assert(!f.succeeded);
		ck_assert_uint_eq(n_cold, 0);
		end();
	}
}
END_TEST

START_TEST(a_guest_that_was_restored_is_not_warned_of)
{
	begin_restore();
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	ck_assert(f.succeeded);
	ck_assert_uint_eq(n_cold, 0);
	end();
}
END_TEST

START_TEST(a_guest_goes_through_its_stages)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE, STAGE_SHUTDOWN));
	run_plan(plan);
	expect_calls("save 1|");
	puppet_finish(&rig.p, 1, -ENOSPC, "no room", DOMID_NONE);
	run_now();
	expect_calls("ask 1|");
	puppet_domain(&rig.p, 1)->shutdown = true;
	look_again();
	expect_calls("destroy 1|");
	ck_assert_uint_eq(f.finished, 0);
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	expect_said("1 save running|1 save failed (why)|1 shutdown running (why)|"
		    "1 shutdown ok (why).|");
	ck_assert(reason_had("no room"));
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(no_more_operations_fly_than_there_are_places)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 2);
	for (unsigned i = 1; i <= 4; i++)
		add_step(plan, i, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	expect_calls("create 1|create 2|");
	puppet_add(&rig.p, 2, "2");
	puppet_finish(&rig.p, 2, 0, NULL, 2);
	run_now();
	expect_calls("create 3|");
	puppet_finish(&rig.p, 1, -EIO, "x", DOMID_NONE);
	run_now();
	expect_calls("create 4|");
	puppet_finish(&rig.p, 3, 0, NULL, 3);
	puppet_finish(&rig.p, 4, 0, NULL, 4);
	run_now();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(guests_that_are_built_leave_a_stop_its_places)
{
	struct plan *start = new_plan(GOAL_START), *stop = new_plan(GOAL_STOP);

	BEGIN(.parallel = 1);
	puppet_add(&rig.p, 2, "2");
	puppet_add(&rig.p, 3, "3");
	add_step(start, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(start);
	expect_calls("create 1|");
	add_step(stop, 2, STAGES(STAGE_SAVE));
	add_step(stop, 3, STAGES(STAGE_SAVE));
	run_plan(stop);
	expect_calls("save 2|");
	puppet_finish(&rig.p, 2, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("save 3|");
	end();
}
END_TEST

START_TEST(guests_that_are_built_have_a_limit_of_their_own)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 3);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 3,
							    .brief = 8,
							    .creates = 1,
							    .stop_limit = USEC_INFINITY});
	for (unsigned i = 1; i <= 6; i++)
		add_step(plan, i, STAGES(i % 2 ? STAGE_CREATE : STAGE_RESTORE))->domid = DOMID_NONE;
	run_plan(plan);
	expect_calls("create 1|restore 2|restore 4|");
	puppet_finish(&rig.p, 2, 0, NULL, 2);
	run_now();
	expect_calls("restore 6|");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("create 3|");
	end();
}
END_TEST

START_TEST(asking_and_cleaning_need_no_place)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 1);
	for (unsigned i = 1; i <= 4; i++)
		puppet_add(&rig.p, i, "x");
	puppet_domain(&rig.p, 4)->shutdown = true;
	add_step(plan, 1, STAGES(STAGE_SAVE));
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN));
	add_step(plan, 3, STAGES(STAGE_SHUTDOWN));
	add_step(plan, 4, STAGES(STAGE_CLEAN));
	run_plan(plan);
	expect_calls("save 1|ask 2|ask 3|destroy 4|");
	end();
}
END_TEST

static void begin_brief(unsigned brief)
{
	BEGIN(.parallel = 1, .stop_limit = 60 * USEC_PER_SEC);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 1,
							    .brief = brief,
							    .save_kib = UINT64_MAX,
							    .stop_limit = 60 * USEC_PER_SEC});
}

static void add_stops(struct plan *plan, unsigned first, unsigned last, enum stage stage)
{
	for (unsigned i = first; i <= last; i++) {
		puppet_add(&rig.p, i, "x");
		add_step(plan, i, STAGES(stage));
	}
}

static void shut_down(unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++)
		puppet_domain(&rig.p, i)->shutdown = true;
	look_again();
}

START_TEST(domains_that_have_shut_down_are_removed_in_turn)
{
	struct plan *plan = new_plan(GOAL_STOP), *other = new_plan(GOAL_STOP);

	begin_brief(2);
	add_stops(plan, 1, 5, STAGE_SHUTDOWN);
	run_plan(plan);
	expect_calls("ask 1|ask 2|ask 3|ask 4|ask 5|");
	shut_down(1, 5);
	expect_calls("destroy 1|destroy 2|");
	/* They keep no save from beginning, and no request. */
	add_stops(other, 6, 6, STAGE_SAVE);
	add_stops(other, 7, 7, STAGE_SHUTDOWN);
	run_plan(other);
	expect_calls("save 6|ask 7|");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("destroy 3|");
	/* What hangs leaves its place. */
	run_for(11 * USEC_PER_SEC);
	expect_calls("destroy 4|destroy 5|");
	end();
}
END_TEST

START_TEST(a_domain_that_waits_to_be_removed_is_removed_whatever_is_cancelled)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	begin_brief(1);
	add_stops(plan, 1, 3, STAGE_SHUTDOWN);
	job = run_plan(plan);
	shut_down(1, 3);
	expect_calls("ask 1|ask 2|ask 3|destroy 1|");
	executor_release(f.ex, job, "why");
	/* What has gone meanwhile needs no worker. */
	puppet_remove(&rig.p, 2);
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("destroy 3|");
	puppet_remove(&rig.p, 3);
	puppet_finish(&rig.p, 3, 0, NULL, DOMID_NONE);
	look_again();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_domain_that_is_a_new_one_before_its_turn_to_be_removed_is_asked)
{
	struct plan *plan = new_plan(GOAL_STOP);

	begin_brief(1);
	add_stops(plan, 1, 2, STAGE_SHUTDOWN);
	run_plan(plan);
	shut_down(1, 2);
	expect_calls("ask 1|ask 2|destroy 1|");
	puppet_domain(&rig.p, 2)->shutdown = false;
	puppet_domain(&rig.p, 2)->domid = 12;
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("ask 2|");
	end();
}
END_TEST

START_TEST(a_domain_that_is_a_new_one_when_its_time_is_over_is_not_waited_for_without_end)
{
	struct plan *plan = new_plan(GOAL_STOP);

	begin_brief(1);
	add_stops(plan, 1, 2, STAGE_SHUTDOWN);
	run_plan(plan);
	run_for(55 * USEC_PER_SEC);
	shut_down(1, 2);
	expect_calls("ask 1|ask 2|destroy 1|");
	/* Its time is over while it waits for its turn. */
	run_for(6 * USEC_PER_SEC);
	puppet_domain(&rig.p, 2)->shutdown = false;
	puppet_domain(&rig.p, 2)->domid = 12;
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("ask 2|");
	run_for(10 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_runs_anew_before_its_turn_is_left_alone_if_its_stop_was_cancelled)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	begin_brief(1);
	add_stops(plan, 1, 2, STAGE_SHUTDOWN);
	add_stops(plan, 3, 4, STAGE_SAVE);
	job = run_plan(plan);
	puppet_domain(&rig.p, 4)->shutdown = true;
	shut_down(1, 2);
	expect_calls("ask 1|ask 2|save 3|destroy 1|");
	executor_release(f.ex, job, "why");
	/* One was asked, and the other waited for the place of a save. */
	puppet_domain(&rig.p, 2)->shutdown = puppet_domain(&rig.p, 4)->shutdown = false;
	puppet_domain(&rig.p, 2)->domid = 12;
	puppet_domain(&rig.p, 4)->domid = 14;
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	puppet_finish(&rig.p, 3, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

START_TEST(guests_that_are_ended_by_force_go_in_turn)
{
	struct plan *plan = new_plan(GOAL_STOP);

	begin_brief(2);
	add_stops(plan, 1, 3, STAGE_DESTROY);
	add_stops(plan, 4, 6, STAGE_UNPAUSE);
	run_plan(plan);
	expect_calls("destroy 1|destroy 2|unpause 4|unpause 5|");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("destroy 3|");
	end();
}
END_TEST

START_TEST(the_last_stage_is_held_back_until_the_others_are_through)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	for (unsigned i = 1; i <= 3; i++)
		puppet_add(&rig.p, i, "x");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN_ALL));
	add_step(plan, 2, STAGES(STAGE_SAVE, STAGE_SHUTDOWN_ALL));
	add_step(plan, 3, STAGES(STAGE_SAVE));
	run_plan(plan);
	expect_calls("save 2|save 3|");
	puppet_finish(&rig.p, 2, -EIO, "x", DOMID_NONE);
	run_now();
	expect_calls("");
	puppet_remove(&rig.p, 3);
	puppet_finish(&rig.p, 3, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("ask 1|ask 2|");
	end();
}
END_TEST

START_TEST(a_guest_that_does_not_listen_fails_when_its_time_is_over)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN));
	run_plan(plan);
	run_for(59 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 0);
	run_for(2 * USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	expect_said("1 shutdown running|1 shutdown failed (why).|");
	end();
}
END_TEST

START_TEST(a_guest_that_is_only_asked_is_done_at_once)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN))->wait = false;
	run_plan(plan);
	expect_calls("ask 1|");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_save_knows_when_it_has_to_be_done)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	ck_assert_uint_le(puppet_flying(&rig.p, 1)->deadline,
			  loop_now(rig.loop) + 60 * USEC_PER_SEC);
	ck_assert_uint_gt(puppet_flying(&rig.p, 1)->deadline,
			  loop_now(rig.loop) + 59 * USEC_PER_SEC);
	end();
}
END_TEST

START_TEST(a_call_that_fails_is_a_stage_that_fails)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE, STAGE_SHUTDOWN));
	rig.p.operate_error = -ENOMEM;
	rig.p.ask_error = -EIO;
	run_plan(plan);
	expect_calls("save 1|ask 1|");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_worker_that_does_not_end_in_time_is_waited_for_by_nobody)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 1, .stop_limit = 60 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	puppet_add(&rig.p, 3, "3");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN_ALL));
	add_step(plan, 3, STAGES(STAGE_SAVE));
	run_plan(plan);
	look_again();
	/* One that does not get on leaves its place to others ... */
	run_for(9 * USEC_PER_SEC);
	expect_calls("save 1|");
	run_for(2 * USEC_PER_SEC);
	expect_calls("save 3|");
	puppet_remove(&rig.p, 3);
	puppet_finish(&rig.p, 3, 0, NULL, DOMID_NONE);
	look_again();
	run_for(49 * USEC_PER_SEC);
	expect_calls("");
	/* ... and past its limit the last stage begins without it. */
	run_for(11 * USEC_PER_SEC);
	expect_calls("ask 2|");
	ck_assert_uint_eq(f.finished, 0);
	end();
}
END_TEST

START_TEST(a_slow_save_that_gets_on_keeps_its_place)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct hv_operation op = {.operation = OPERATION_SAVE, .uuid = puppet_uuid(1)};

	BEGIN(.parallel = 1, .stop_limit = 600 * USEC_PER_SEC);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 3, "3");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	add_step(plan, 3, STAGES(STAGE_SAVE));
	run_plan(plan);
	for (unsigned i = 1; i <= 20; i++) {
		run_for(8 * USEC_PER_SEC);
		op.permille = 10 * i;
		executor_progress(f.ex, &op);
	}
	expect_calls("save 1|");
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 3|");
	end();
}
END_TEST

/* What each of them has time for is not what all of them have together. */
START_TEST(only_so_many_are_saved_at_once_as_their_time_allows)
{
	static const char *const names[] = {"0", "1", "2", "3", "4"};
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8);
	executor_set_limits(f.ex,
			    &(struct executor_limits){.parallel = 8, .brief = 8, .save_kib = 2000});
	for (unsigned i = 1; i <= 4; i++) {
		puppet_add(&rig.p, i, names[i]);
		add_step(plan, i, STAGES(STAGE_SAVE))->memory_kib = i == 1 ? 3000 : 1000;
	}
	run_plan(plan);
	/* One that is too large for the time by itself goes alone. */
	expect_calls("save 1|");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	look_again();
	expect_calls("save 2|save 3|");
	end();
}
END_TEST

START_TEST(what_waits_can_be_cancelled_and_what_works_cannot)
{
	struct plan *plan = new_plan(GOAL_START);
	struct job *job;

	BEGIN(.parallel = 1);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	add_step(plan, 2, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	job = run_plan(plan);
	executor_cancel(f.ex, job, "a stop");
	run_now();
	expect_said("1 create running|2 - skipped (why).|");
	ck_assert(reason_had("a stop"));
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_said("1 create ok.|");
	expect_calls("create 1|");
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

START_TEST(a_job_that_drains_can_go_on)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8);
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	f.extension = new_plan(GOAL_STOP);
	add_step(f.extension, 2, STAGES(STAGE_SAVE));
	run_plan(plan);
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert_uint_eq(f.finished, 0);
	expect_calls("save 1|save 2|");
	puppet_remove(&rig.p, 2);
	puppet_finish(&rig.p, 2, 0, NULL, DOMID_NONE);
	run_now();
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

START_TEST(an_operation_of_an_earlier_daemon_is_waited_for)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8);
	puppet_adopt(&rig.p, OPERATION_CREATE, 1);
	add_step(plan, 1, STAGES(STAGE_CREATE))->domid = DOMID_NONE;
	run_plan(plan);
	expect_calls("");
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	/* What it came to is what was wanted. */
	expect_calls("");
	expect_said("1 - ok.|");
	end();
}
END_TEST

START_TEST(steps_without_stages_are_reported_and_end)
{
	struct plan *plan = new_plan(GOAL_START);
	struct step *s;

	BEGIN(.parallel = 8);
	s = add_step(plan, 1, STAGES(STAGE_CREATE));
	s->n_stages = 0;
	s->result = STEP_OK;
	s->reason = strdup("runs already");
	s = add_step(plan, 2, STAGES(STAGE_CREATE));
	s->n_stages = 0;
	s->result = STEP_FAILED;
	s->reason = strdup("bad");
	run_plan(plan);
	expect_said("1 - ok (why).|2 - failed (why).|");
	ck_assert(reason_had("bad"));
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

SUITE("executor", a_guest_goes_through_its_stages, no_more_operations_fly_than_there_are_places,
      guests_that_are_built_leave_a_stop_its_places,
      guests_that_are_built_have_a_limit_of_their_own, asking_and_cleaning_need_no_place,
      domains_that_have_shut_down_are_removed_in_turn,
      a_domain_that_waits_to_be_removed_is_removed_whatever_is_cancelled,
      a_domain_that_is_a_new_one_before_its_turn_to_be_removed_is_asked,
      a_domain_that_is_a_new_one_when_its_time_is_over_is_not_waited_for_without_end,
      a_guest_that_runs_anew_before_its_turn_is_left_alone_if_its_stop_was_cancelled,
      guests_that_are_ended_by_force_go_in_turn,
      the_last_stage_is_held_back_until_the_others_are_through,
      a_guest_that_does_not_listen_fails_when_its_time_is_over,
      a_guest_that_is_only_asked_is_done_at_once, a_save_knows_when_it_has_to_be_done,
      a_worker_that_does_not_end_in_time_is_waited_for_by_nobody,
      a_slow_save_that_gets_on_keeps_its_place, only_so_many_are_saved_at_once_as_their_time_allows,
      a_call_that_fails_is_a_stage_that_fails, what_waits_can_be_cancelled_and_what_works_cannot,
      a_job_that_drains_can_go_on, an_operation_of_an_earlier_daemon_is_waited_for,
      steps_without_stages_are_reported_and_end,
      a_guest_whose_disk_has_changed_is_created_with_a_warning,
      no_errno_lets_a_create_follow_a_restore, a_guest_that_was_restored_is_not_warned_of);
