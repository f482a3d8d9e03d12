/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "executor-rig.h"
#include "unit.h"
#include "util/str.h"

#define LIMIT (60 * USEC_PER_SEC)

static struct domain *begin_stop(const enum stage *stages)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct domain *d;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 8,
							    .brief = 8,
							    .sysrq_pause = USEC_PER_SEC,
							    .stop_limit = LIMIT});
	d = puppet_add(&rig.p, 1, "1");
	d->cpu_time = 1;
	ck_assert_int_eq(str_replace(&add_step(plan, 1, stages)->sysrq, "su"), 0);
	run_plan(plan);
	return d;
}

START_TEST(keys_are_sent_one_by_one_and_the_next_stage_follows)
{
	begin_stop(STAGES(STAGE_SYSRQ, STAGE_SAVE));
	expect_calls("key-s 1|");
	run_for(USEC_PER_SEC - 2);
	expect_calls("");
	run_for(2);
	expect_calls("key-u 1|");
	run_for(USEC_PER_SEC);
	expect_calls("save 1|");
	expect_said("1 sysrq running|1 sysrq ok|1 save running|");
	end();
}
END_TEST

START_TEST(a_guest_that_a_key_ends_needs_no_further_stage)
{
	begin_stop(STAGES(STAGE_SYSRQ, STAGE_SAVE));
	puppet_remove(&rig.p, 1);
	look_again();
	expect_calls("key-s 1|");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(keys_that_cannot_be_sent_do_not_end_the_way)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	ck_assert_int_eq(
		str_replace(&add_step(plan, 1, STAGES(STAGE_SYSRQ, STAGE_SAVE))->sysrq, "s"), 0);
	rig.p.ask_error = -EIO;
	run_plan(plan);
	expect_calls("key-s 1|save 1|");
	end();
}
END_TEST

START_TEST(a_host_that_stays_up_waits_for_workers_and_keys_and_for_no_guest)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 8,
							    .brief = 8,
							    .sysrq_pause = USEC_PER_SEC,
							    .stop_limit = LIMIT});
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	puppet_add(&rig.p, 3, "3");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL));
	ck_assert_int_eq(
		str_replace(&add_step(plan, 2, STAGES(STAGE_SYSRQ, STAGE_SAVE))->sysrq, "su"), 0);
	add_step(plan, 3, STAGES(STAGE_SAVE, STAGE_SHUTDOWN));
	job = run_plan(plan);
	expect_calls("ask 1|key-s 2|save 3|");
	expect_said("1 shutdown running|2 sysrq running|3 save running|");
	executor_rest(f.ex, job, "it stays up");
	expect_said("1 shutdown skipped (why).|");
	run_for(2 * USEC_PER_SEC);
	expect_calls("key-u 2|");
	expect_said("2 sysrq skipped (why).|");
	puppet_finish(&rig.p, 3, -EIO, "no room", DOMID_NONE);
	run_now();
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

START_TEST(an_administrator_who_cancels_leaves_no_guest_with_some_of_its_keys)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct job *job;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	executor_set_limits(f.ex, &(struct executor_limits){.parallel = 8,
							    .brief = 8,
							    .sysrq_pause = USEC_PER_SEC,
							    .stop_limit = LIMIT});
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2");
	ck_assert_int_eq(
		str_replace(&add_step(plan, 1, STAGES(STAGE_SYSRQ, STAGE_SAVE))->sysrq, "su"), 0);
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN));
	job = run_plan(plan);
	expect_calls("key-s 1|ask 2|");
	executor_release(f.ex, job, "cancelled");
	run_for(2 * USEC_PER_SEC);
	expect_calls("key-u 1|");
	expect_said("1 sysrq running|2 shutdown running|"
		    "2 shutdown skipped (why).|1 sysrq skipped (why).|");
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

START_TEST(a_guest_that_is_paused_when_it_was_asked_is_unpaused)
{
	struct domain *d = begin_stop(STAGES(STAGE_SHUTDOWN));

	rig.p.answer = 1;
	run_for(20 * USEC_PER_SEC);
	expect_calls("ask 1|");
	d->paused = true;
	look_again();
	run_for(15 * USEC_PER_SEC);
	expect_calls("unpause 1|");
	d->paused = false;
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_for(15 * USEC_PER_SEC);
	expect_calls("");
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_was_unpaused_goes_on_to_its_next_stage)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1")->paused = true;
	add_step(plan, 1, STAGES(STAGE_UNPAUSE, STAGE_SAVE));
	run_plan(plan);
	expect_calls("unpause 1|");
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("save 1|");
	end();
}
END_TEST

START_TEST(a_request_that_is_not_taken_is_made_again_until_it_is)
{
	begin_stop(STAGES(STAGE_SHUTDOWN));
	rig.p.answer = 0;
	run_for(20 * USEC_PER_SEC);
	expect_calls("ask 1|ask 1|");
	rig.p.answer = 1;
	run_for(30 * USEC_PER_SEC);
	expect_calls("");
	run_for(20 * USEC_PER_SEC);
	expect_said("1 shutdown running|1 shutdown failed (why).|");
	end();
}
END_TEST

static void set_stop_limit(usec_t limit)
{
	executor_set_limits(
		f.ex, &(struct executor_limits){.parallel = 8, .brief = 8, .stop_limit = limit});
}

START_TEST(a_limit_that_is_changed_counts_for_a_guest_that_was_asked)
{
	begin_stop(STAGES(STAGE_SHUTDOWN));
	set_stop_limit(USEC_INFINITY);
	run_for(100 * USEC_PER_SEC);
	expect_said("1 shutdown running|");
	set_stop_limit(130 * USEC_PER_SEC);
	run_for(29 * USEC_PER_SEC);
	expect_said("");
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.finished, 1);
	end();
}
END_TEST

/* The reason that is given for a guest which still runs at its limit. */
static char *stay_until_the_limit(int answer)
{
	char *reason;

	begin_stop(STAGES(STAGE_SHUTDOWN));
	rig.p.answer = answer;
	run_for(70 * USEC_PER_SEC);
	expect_said("1 shutdown running|1 shutdown failed (why).|");
	reason = strdup(f.reasons);
	end();
	return reason;
}

START_TEST(a_guest_that_hangs_never_answered_or_has_a_power_button_only_is_told_so)
{
	_cleanup_free_ char *hangs = stay_until_the_limit(1);
	_cleanup_free_ char *never_answered = stay_until_the_limit(0);
	_cleanup_free_ char *button = stay_until_the_limit(-EOPNOTSUPP);

	ck_assert_str_ne(hangs, never_answered);
	ck_assert_str_ne(hangs, button);
	ck_assert_str_ne(never_answered, button);
}
END_TEST

START_TEST(a_guest_that_cannot_react_is_not_waited_for)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SHUTDOWN, STAGE_DESTROY));
	rig.p.ask_error = -EOPNOTSUPP;
	run_plan(plan);
	expect_calls("ask 1|destroy 1|");
	expect_said("1 shutdown running|1 shutdown failed (why)|"
		    "1 destroy running (why)|");
	end();
}
END_TEST

START_TEST(a_domain_that_has_ended_is_not_asked_again)
{
	struct domain *d = begin_stop(STAGES(STAGE_SHUTDOWN));

	rig.p.answer = 0;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	d->saver = true;
	look_again();
	run_for(40 * USEC_PER_SEC);
	expect_calls("ask 1|");
	end();
}
END_TEST

/* Another tool suspends a guest that was asked, at once, and asks it itself to do so. */
static struct domain *begin_suspended(void)
{
	struct domain *d = begin_stop(STAGES(STAGE_SHUTDOWN));

	expect_calls("ask 1|");
	rig.p.answer = 1;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	d->saver = true;
	look_again();
	return d;
}

START_TEST(a_guest_whose_saver_dies_when_it_was_asked_is_resumed_and_asked_again)
{
	struct domain *d = begin_suspended();

	run_for(20 * USEC_PER_SEC);
	d->saver = false;
	look_again();
	/* xl destroys what it has saved. */
	run_for(9 * USEC_PER_SEC);
	expect_calls("");
	run_for(2 * USEC_PER_SEC);
	expect_calls("resume 1|");
	d->shutdown = false;
	look_again();
	expect_calls("");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	look_again();
	expect_calls("ask 1|");
	run_for(15 * USEC_PER_SEC);
	expect_calls("");
	puppet_remove(&rig.p, 1);
	look_again();
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_that_cannot_be_resumed_when_it_was_asked_is_tried_again)
{
	struct domain *d = begin_suspended();

	d->saver = false;
	look_again();
	run_for(10 * USEC_PER_SEC);
	expect_calls("resume 1|");
	puppet_finish(&rig.p, 1, -EIO, "no answer", DOMID_NONE);
	run_for(15 * USEC_PER_SEC);
	expect_calls("resume 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_another_tool_resumes_when_it_was_asked_is_asked_again)
{
	struct domain *d = begin_suspended();

	run_for(20 * USEC_PER_SEC);
	d->shutdown = d->saver = false;
	look_again();
	expect_calls("ask 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_must_not_run_on_when_it_was_asked_is_not_resumed)
{
	struct domain *d = begin_suspended();

	d->saver = false;
	d->name = (char *)"1--migratedaway";
	look_again();
	run_for(20 * USEC_PER_SEC);
	d->name = (char *)"1";
	d->saved = true;
	look_again();
	run_for(30 * USEC_PER_SEC);
	expect_calls("");
	end();
}
END_TEST

static struct domain *begin_held(void)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct domain *d;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	d = puppet_add(&rig.p, 1, "1");
	d->manager = DOMAIN_MANAGER_XL;
	d->cpu_time = 1;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	d->saver = true;
	add_step(plan, 1, STAGES(STAGE_RESUME, STAGE_SAVE, STAGE_SHUTDOWN))->foreign = true;
	run_plan(plan);
	return d;
}

START_TEST(a_guest_that_somebody_else_saves_is_waited_for)
{
	begin_held();
	run_for(30 * USEC_PER_SEC);
	puppet_remove(&rig.p, 1);
	look_again();
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_guest_whose_save_by_somebody_else_fails_is_stopped_after_all)
{
	struct domain *d = begin_held();

	run_for(30 * USEC_PER_SEC);
	d->shutdown = false;
	look_again();
	/* The other tool has resumed it itself. */
	expect_calls("save 1|");
	/* The time that it was waited for is no limit of the save. */
	run_for(LIMIT);
	ck_assert_ptr_nonnull(strstr(f.said, "1 save running|"));
	end();
}
END_TEST

START_TEST(a_save_by_somebody_else_that_does_not_end_is_told)
{
	begin_held();
	run_for(LIMIT + USEC_PER_SEC);
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	expect_said("1 - failed (why).|");
	end();
}
END_TEST

START_TEST(a_suspended_guest_whose_saver_has_gone_is_resumed_and_stopped)
{
	struct domain *d = begin_held();

	run_for(30 * USEC_PER_SEC);
	d->saver = false;
	look_again();
	/* xl destroys what it has saved. */
	run_for(9 * USEC_PER_SEC);
	expect_calls("");
	run_for(2 * USEC_PER_SEC);
	expect_calls("resume 1|");
	d->shutdown = false;
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	look_again();
	expect_calls("save 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_is_suspended_again_is_left_to_its_saver_again)
{
	struct domain *d = begin_held();

	d->saver = false;
	look_again();
	run_for(11 * USEC_PER_SEC);
	expect_calls("resume 1|");
	/* By xl save, before it was our turn. */
	d->saver = true;
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	look_again();
	d->saver = false;
	look_again();
	run_for(9 * USEC_PER_SEC);
	expect_calls("");
	end();
}
END_TEST

START_TEST(a_guest_that_may_have_been_migrated_is_not_resumed)
{
	struct domain *d = begin_held();

	run_for(5 * USEC_PER_SEC);
	d->saver = false;
	d->name = (char *)"1--migratedaway";
	look_again();
	run_for(LIMIT);
	expect_calls("");
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.succeeded);
	end();
}
END_TEST

START_TEST(a_start_leaves_a_suspended_guest_to_its_saver_for_a_while)
{
	struct plan *plan = new_plan(GOAL_START);
	struct domain *d;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	d = puppet_add(&rig.p, 1, "1");
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	add_step(plan, 1, STAGES(STAGE_RESUME))->foreign = true;
	run_plan(plan);
	/* xl destroys what it has saved. */
	run_for(9 * USEC_PER_SEC);
	expect_calls("");
	/* It saves it once more. */
	d->saver = true;
	look_again();
	run_for(2 * USEC_PER_SEC);
	expect_calls("");
	d->saver = false;
	look_again();
	run_for(11 * USEC_PER_SEC);
	expect_calls("resume 1|");
	d->shutdown = false;
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	look_again();
	ck_assert(f.succeeded);
	end();
}
END_TEST

static struct plan *stop_of(uint32_t domid)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct step *s = add_step(plan, 1, STAGES(STAGE_SHUTDOWN));

	s->foreign = s->wait = true;
	s->domid = domid;
	return plan;
}

START_TEST(a_guest_that_comes_up_again_is_news_and_not_for_ever)
{
	const struct uuid uuid = puppet_uuid(1);
	struct step now = {.uuid = uuid, .domid = 11}, next = {.uuid = uuid, .domid = 12};
	struct plan *plan = stop_of(now.domid);
	struct job *job;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	/* It keeps the job going. */
	puppet_add(&rig.p, 2, "2");
	add_step(plan, 2, STAGES(STAGE_SHUTDOWN))->wait = true;
	puppet_add(&rig.p, 1, "1")->domid = now.domid;
	job = run_plan(plan);
	for (unsigned stops = 1; stops <= 4; stops++, now.domid++, next.domid++) {
		ck_assert(job_knows(job, GOAL_STOP, &now, f.list));
		/* While it is being stopped, a domain in the place of the other is the run's. */
		ck_assert(job_knows(job, GOAL_STOP, &next, f.list));
		ck_assert_int_eq(job_gives_up(job, &uuid), stops == 4);
		puppet_remove(&rig.p, now.domid);
		look_again();
		ck_assert(job_knows(job, GOAL_STOP, &now, f.list));
		ck_assert(!job_knows(job, GOAL_STOP, &next, f.list));
		puppet_add(&rig.p, 1, "1")->domid = next.domid;
		look_again();
		if (stops < 4)
			ck_assert_int_eq(executor_extend(f.ex, job, stop_of(next.domid)), 0);
		run_now();
	}
	ck_assert_uint_eq(f.finished, 0);
	puppet_remove(&rig.p, 2);
	look_again();
	ck_assert(f.succeeded);
	end();
}
END_TEST

START_TEST(a_domain_that_is_being_built_is_left_alone_until_it_runs)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct domain *d;

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	d = puppet_add(&rig.p, 1, "1");
	d->paused = d->unbuilt = true;
	d = puppet_add(&rig.p, 2, "2");
	d->paused = d->unbuilt = true;
	add_step(plan, 1, STAGES(STAGE_UNPAUSE, STAGE_SAVE));
	add_step(plan, 2, STAGES(STAGE_UNPAUSE, STAGE_SAVE));
	run_plan(plan);
	expect_calls("");
	puppet_domain(&rig.p, 1)->paused = false;
	look_again();
	expect_calls("save 1|");
	run_for(LIMIT + USEC_PER_SEC);
	/* That is no success: its memory may be nowhere else. */
	ck_assert_ptr_nonnull(strstr(f.said, "2 - failed (why)"));
	expect_calls("");
	end();
}
END_TEST

START_TEST(a_domain_that_was_built_and_never_ran_is_saved_at_once)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .stop_limit = LIMIT);
	puppet_add(&rig.p, 1, "1")->paused = true;
	add_step(plan, 1, STAGES(STAGE_UNPAUSE, STAGE_SAVE));
	run_plan(plan);
	expect_calls("unpause 1|");
	end();
}
END_TEST

START_TEST(what_a_guest_needs_first_is_what_it_is_in_when_its_turn_comes)
{
	static const struct {
		struct domain planned, now;
		enum stage stage;
		const char *calls;
	} cases[] = {
		{{.domid = 2}, {.paused = true}, _STAGE_MAX, "unpause 2|"},
		{{.paused = true}, {.domid = 2}, STAGE_UNPAUSE, "save 2|"},
		{{.domid = 2},
		 {.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND},
		 _STAGE_MAX,
		 "resume 2|"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND},
		 {.domid = 2},
		 STAGE_RESUME,
		 "save 2|"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const enum stage *stages = cases[i].stage == _STAGE_MAX
						   ? STAGES(STAGE_SAVE)
						   : STAGES(cases[i].stage, STAGE_SAVE);
		struct plan *plan = new_plan(GOAL_STOP);
		struct domain *d;

		BEGIN(.parallel = 1, .stop_limit = LIMIT);
		puppet_add(&rig.p, 1, "1");
		d = puppet_add(&rig.p, 2, "2");
		d->paused = cases[i].planned.paused;
		d->shutdown = cases[i].planned.shutdown;
		d->reason = cases[i].planned.reason;
		add_step(plan, 1, STAGES(STAGE_SAVE));
		/* Behind the other one. */
		add_step(plan, 2, stages)->wave = 1;
		run_plan(plan);
		expect_calls("save 1|");
		d->paused = cases[i].now.paused;
		d->shutdown = cases[i].now.shutdown;
		d->reason = cases[i].now.reason;
		look_again();
		puppet_remove(&rig.p, 1);
		puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
		/* What is suspended could be on its way to an image of another tool's. */
		run_for(11 * USEC_PER_SEC);
		expect_calls(cases[i].calls);
		end();
	}
}
END_TEST

SUITE("executor-asking", keys_are_sent_one_by_one_and_the_next_stage_follows,
      a_guest_that_a_key_ends_needs_no_further_stage, keys_that_cannot_be_sent_do_not_end_the_way,
      a_host_that_stays_up_waits_for_workers_and_keys_and_for_no_guest,
      an_administrator_who_cancels_leaves_no_guest_with_some_of_its_keys,
      a_guest_that_is_paused_when_it_was_asked_is_unpaused,
      a_guest_that_was_unpaused_goes_on_to_its_next_stage,
      what_a_guest_needs_first_is_what_it_is_in_when_its_turn_comes,
      a_request_that_is_not_taken_is_made_again_until_it_is,
      a_limit_that_is_changed_counts_for_a_guest_that_was_asked,
      a_guest_that_hangs_never_answered_or_has_a_power_button_only_is_told_so,
      a_guest_that_cannot_react_is_not_waited_for, a_domain_that_has_ended_is_not_asked_again,
      a_guest_whose_saver_dies_when_it_was_asked_is_resumed_and_asked_again,
      a_guest_that_cannot_be_resumed_when_it_was_asked_is_tried_again,
      a_guest_that_another_tool_resumes_when_it_was_asked_is_asked_again,
      a_guest_that_must_not_run_on_when_it_was_asked_is_not_resumed,
      a_guest_that_somebody_else_saves_is_waited_for,
      a_guest_whose_save_by_somebody_else_fails_is_stopped_after_all,
      a_save_by_somebody_else_that_does_not_end_is_told,
      a_suspended_guest_whose_saver_has_gone_is_resumed_and_stopped,
      a_guest_that_is_suspended_again_is_left_to_its_saver_again,
      a_guest_that_may_have_been_migrated_is_not_resumed,
      a_start_leaves_a_suspended_guest_to_its_saver_for_a_while,
      a_guest_that_comes_up_again_is_news_and_not_for_ever,
      a_domain_that_is_being_built_is_left_alone_until_it_runs,
      a_domain_that_was_built_and_never_ran_is_saved_at_once);
