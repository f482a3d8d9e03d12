/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/machine.h"
#include "unit.h"
#include "util/str.h"

/* A machine, and what its sink has heard: "waiting>working|...". */
struct walk {
	struct step step;
	struct machine m;
	char heard[400];
	char stage_reason[100];
};

static void hear(void *data, const struct machine *m, enum machine_state old)
{
	struct walk *w = data;
	size_t length = strlen(w->heard);

	snprintf(w->heard + length, sizeof(w->heard) - length, "%s%s>%s", length ? "|" : "",
		 machine_state_to_string(old), machine_state_to_string(m->state));
	snprintf(w->stage_reason, sizeof(w->stage_reason), "%s",
		 m->stage_reason ? m->stage_reason : "-");
}

static void begin(struct walk *w, enum goal goal, const enum stage *stages, size_t n)
{
	*w = (struct walk){.step = {.n_stages = n}};
	memcpy(w->step.stages, stages, n * sizeof(*stages));
	ck_assert_int_eq(machine_init(&w->m, &w->step, goal), 0);
}

static void walk_done(struct walk *w)
{
	machine_done(&w->m);
}

#define _cleanup_walk_ _cleanup_(walk_done)

#define BEGIN(w, goal, ...)                                                                        \
	begin(w, goal, (const enum stage[]){__VA_ARGS__},                                          \
	      sizeof((const enum stage[]){__VA_ARGS__}) / sizeof(enum stage))

static void expect(struct walk *w, enum machine_event event, const char *reason,
		   enum machine_action action, enum machine_state state)
{
	ck_assert_int_eq(machine_step(&w->m, event, reason, hear, w), action);
	ck_assert_str_eq(machine_state_to_string(w->m.state), machine_state_to_string(state));
}

START_TEST(every_state_has_a_name_of_its_own)
{
	for (int i = 0; i < _MACHINE_STATE_MAX; i++) {
		ck_assert(!str_empty(machine_state_to_string((enum machine_state)i)));
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(machine_state_to_string((enum machine_state)i),
					 machine_state_to_string((enum machine_state)j));
	}
}
END_TEST

START_TEST(a_step_without_stages_has_ended_before_it_began)
{
	static const struct {
		enum step_result result;
		enum machine_state state;
	} cases[] = {
		{STEP_OK, MACHINE_DONE},
		{STEP_SKIPPED, MACHINE_SKIPPED},
		{STEP_FAILED, MACHINE_FAILED},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		struct step step = {.result = cases[i].result, .reason = (char[]){"because"}};
		struct machine m;

		ck_assert_int_eq(machine_init(&m, &step, GOAL_START), 0);
		ck_assert_int_eq(m.state, cases[i].state);
		ck_assert(machine_ended(&m));
		ck_assert_str_eq(m.reason, "because");
		machine_done(&m);
	}
}
END_TEST

START_TEST(a_worker_that_succeeds_ends_it)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_START, STAGE_CREATE);
	ck_assert(!machine_ended(&w.m));
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	ck_assert_int_eq(machine_stage(&w.m), STAGE_CREATE);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	ck_assert_str_eq(w.heard, "waiting>working|working>done");
	ck_assert_ptr_null(w.m.reason);
}
END_TEST

START_TEST(a_failed_stage_makes_way_for_the_next)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_ERROR, "no room", MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	ck_assert_str_eq(w.stage_reason, "no room");
	ck_assert_int_eq(machine_stage(&w.m), STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	ck_assert_str_eq(w.stage_reason, "-");
	expect(&w, MACHINE_EVENT_EXPIRED, "still there", MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&w, MACHINE_EVENT_EXPIRED, "still there", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	ck_assert_str_eq(w.m.reason, "save: no room; shutdown: still there; "
				     "shutdown-all: still there");
}
END_TEST

START_TEST(a_stage_on_its_own_does_not_name_itself)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_START, STAGE_RESTORE);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_ERROR, "torn", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	ck_assert_str_eq(w.m.reason, "torn");
}
END_TEST

START_TEST(a_failure_without_a_reason_is_one)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_ERROR, NULL, MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	ck_assert_str_eq(w.m.reason, "save: failed");
}
END_TEST

START_TEST(a_guest_that_shuts_down_is_cleaned_up)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&w, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_CLEAN, MACHINE_CLEANING);
	/* That it is gone is for the worker to say. */
	expect(&w, MACHINE_EVENT_GONE, NULL, MACHINE_ACTION_NONE, MACHINE_CLEANING);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
}
END_TEST

START_TEST(what_cannot_be_cleaned_up_fails_and_is_not_asked_again)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&w, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_CLEAN, MACHINE_CLEANING);
	expect(&w, MACHINE_EVENT_ERROR, "stuck", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	ck_assert_ptr_nonnull(strstr(w.m.reason, "stuck"));
}
END_TEST

START_TEST(a_guest_that_was_only_asked_is_done)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
}
END_TEST

START_TEST(a_guest_that_was_only_asked_is_waited_for_at_the_end)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	ck_assert_str_eq(w.stage_reason, "-");
	ck_assert_int_eq(machine_stage(&w.m), STAGE_SHUTDOWN_ALL);
	expect(&w, MACHINE_EVENT_GONE, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	ck_assert_ptr_null(w.m.reason);
}
END_TEST

START_TEST(a_waiting_guest_that_ends_by_itself_needs_no_turn)
{
	_cleanup_walk_ struct walk stop, gone, start;

	BEGIN(&stop, GOAL_STOP, STAGE_SAVE);
	expect(&stop, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_CLEAN, MACHINE_CLEANING);
	BEGIN(&gone, GOAL_STOP, STAGE_SAVE);
	expect(&gone, MACHINE_EVENT_GONE, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	/* To a start it means nothing. */
	BEGIN(&start, GOAL_START, STAGE_CREATE);
	expect(&start, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
	expect(&start, MACHINE_EVENT_GONE, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
}
END_TEST

START_TEST(a_waiting_guest_that_runs_already_needs_no_start)
{
	_cleanup_walk_ struct walk start, stop;

	BEGIN(&start, GOAL_START, STAGE_CREATE);
	expect(&start, MACHINE_EVENT_ALIVE, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	BEGIN(&stop, GOAL_STOP, STAGE_SAVE);
	expect(&stop, MACHINE_EVENT_ALIVE, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
}
END_TEST

START_TEST(a_guest_with_another_domain_has_its_turn_once_more)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_AGAIN, "gone", MACHINE_ACTION_NONE, MACHINE_WAITING);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_AGAIN, "gone", MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	ck_assert_int_eq(machine_stage(&w.m), STAGE_SAVE);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	ck_assert_ptr_null(w.m.reason);
}
END_TEST

START_TEST(nothing_follows_what_was_at_work_when_it_was_cancelled)
{
	_cleanup_walk_ struct walk again, next, only, save;

	BEGIN(&again, GOAL_START, STAGE_RESTORE, STAGE_CREATE);
	expect(&again, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&again, MACHINE_EVENT_CANCEL, "a stop", MACHINE_ACTION_NONE, MACHINE_WORKING);
	expect(&again, MACHINE_EVENT_AGAIN, "slow", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
	ck_assert_str_eq(again.m.reason, "a stop");
	BEGIN(&next, GOAL_START, STAGE_RESTORE, STAGE_CREATE);
	expect(&next, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&next, MACHINE_EVENT_CANCEL, "a stop", MACHINE_ACTION_NONE, MACHINE_WORKING);
	expect(&next, MACHINE_EVENT_ERROR, "no", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
	BEGIN(&only, GOAL_START, STAGE_RESTORE);
	expect(&only, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&only, MACHINE_EVENT_CANCEL, "a stop", MACHINE_ACTION_NONE, MACHINE_WORKING);
	expect(&only, MACHINE_EVENT_DEAD_END, "no", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
	BEGIN(&save, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&save, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&save, MACHINE_EVENT_CANCEL, "the host stays up", MACHINE_ACTION_NONE,
	       MACHINE_WORKING);
	expect(&save, MACHINE_EVENT_ERROR, "no", MACHINE_ACTION_FINISH, MACHINE_FAILED);
}
END_TEST

START_TEST(a_dead_domain_is_what_cleaning_and_reactions_are_about)
{
	_cleanup_walk_ struct walk clean, react;

	BEGIN(&clean, GOAL_STOP, STAGE_CLEAN);
	expect(&clean, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
	expect(&clean, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	BEGIN(&react, GOAL_REACT, STAGE_RESTART);
	expect(&react, MACHINE_EVENT_SHUT_DOWN, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
	expect(&react, MACHINE_EVENT_ALIVE, NULL, MACHINE_ACTION_NONE, MACHINE_WAITING);
	expect(&react, MACHINE_EVENT_GONE, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
}
END_TEST

START_TEST(only_a_guest_that_waits_can_be_cancelled)
{
	_cleanup_walk_ struct walk waiting, working;

	BEGIN(&waiting, GOAL_START, STAGE_CREATE);
	expect(&waiting, MACHINE_EVENT_CANCEL, "a stop", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
	ck_assert_str_eq(waiting.m.reason, "a stop");
	BEGIN(&working, GOAL_START, STAGE_CREATE);
	expect(&working, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&working, MACHINE_EVENT_CANCEL, "a stop", MACHINE_ACTION_NONE, MACHINE_WORKING);
}
END_TEST

START_TEST(a_guest_that_was_asked_can_be_taken_by_another_plan)
{
	_cleanup_walk_ struct walk asked, saves, waits;

	BEGIN(&asked, GOAL_STOP, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL);
	expect(&asked, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_ASK, MACHINE_ASKED);
	expect(&asked, MACHINE_EVENT_CANCEL, "no", MACHINE_ACTION_NONE, MACHINE_ASKED);
	expect(&asked, MACHINE_EVENT_TAKEN, "the host", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
	ck_assert_str_eq(asked.m.reason, "the host");
	BEGIN(&saves, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&saves, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&saves, MACHINE_EVENT_TAKEN, "the host", MACHINE_ACTION_NONE, MACHINE_WORKING);
	expect(&saves, MACHINE_EVENT_ERROR, "full", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	BEGIN(&waits, GOAL_STOP, STAGE_SAVE);
	expect(&waits, MACHINE_EVENT_TAKEN, "the host", MACHINE_ACTION_FINISH, MACHINE_SKIPPED);
}
END_TEST

START_TEST(what_happens_to_the_domain_does_not_disturb_its_worker)
{
	static const enum machine_event events[] = {MACHINE_EVENT_BEGIN, MACHINE_EVENT_SHUT_DOWN,
						    MACHINE_EVENT_GONE, MACHINE_EVENT_ALIVE,
						    MACHINE_EVENT_EXPIRED};
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	for (size_t i = 0; i < ELEMENTSOF(events); i++)
		expect(&w, events[i], "x", MACHINE_ACTION_NONE, MACHINE_WORKING);
	ck_assert_ptr_null(w.m.reason);
	ck_assert_str_eq(w.heard, "waiting>working");
}
END_TEST

START_TEST(a_machine_needs_no_sink)
{
	struct step step = {.stages = {STAGE_CREATE}, .n_stages = 1};
	struct machine m;

	ck_assert_int_eq(machine_init(&m, &step, GOAL_START), 0);
	ck_assert_int_eq(machine_step(&m, MACHINE_EVENT_BEGIN, NULL, NULL, NULL),
			 MACHINE_ACTION_WORK);
	machine_done(&m);
}
END_TEST

START_TEST(nothing_more_is_tried_with_a_guest_that_may_be_elsewhere)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_MIGRATE, STAGE_SAVE, STAGE_SHUTDOWN);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_DEAD_END, "nobody knows", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	ck_assert_int_eq(machine_stage(&w.m), STAGE_MIGRATE);
	ck_assert_str_eq(w.m.reason, "migrate: nobody knows");
	ck_assert_str_eq(w.stage_reason, "nobody knows");
}
END_TEST

START_TEST(who_waits_for_an_earlier_daemons_migration_learns_that_too)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_MIGRATE, STAGE_SAVE);
	expect(&w, MACHINE_EVENT_DEAD_END, "nobody knows", MACHINE_ACTION_FINISH, MACHINE_FAILED);
	ck_assert_str_eq(w.heard, "waiting>failed");
}
END_TEST

START_TEST(a_migration_that_fails_makes_way_for_the_save)
{
	_cleanup_walk_ struct walk w;

	BEGIN(&w, GOAL_STOP, STAGE_MIGRATE, STAGE_SAVE);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	expect(&w, MACHINE_EVENT_ERROR, "refused", MACHINE_ACTION_QUEUE, MACHINE_WAITING);
	expect(&w, MACHINE_EVENT_BEGIN, NULL, MACHINE_ACTION_WORK, MACHINE_WORKING);
	ck_assert_int_eq(machine_stage(&w.m), STAGE_SAVE);
	expect(&w, MACHINE_EVENT_SUCCEEDED, NULL, MACHINE_ACTION_FINISH, MACHINE_DONE);
	ck_assert_str_eq(w.m.reason, "migrate: refused");
}
END_TEST

SUITE("machine", every_state_has_a_name_of_its_own, a_step_without_stages_has_ended_before_it_began,
      a_worker_that_succeeds_ends_it, a_failed_stage_makes_way_for_the_next,
      a_stage_on_its_own_does_not_name_itself, a_failure_without_a_reason_is_one,
      a_guest_that_shuts_down_is_cleaned_up, what_cannot_be_cleaned_up_fails_and_is_not_asked_again,
      a_guest_that_was_only_asked_is_done, a_guest_that_was_only_asked_is_waited_for_at_the_end,
      a_waiting_guest_that_ends_by_itself_needs_no_turn,
      a_waiting_guest_that_runs_already_needs_no_start,
      a_guest_with_another_domain_has_its_turn_once_more,
      nothing_follows_what_was_at_work_when_it_was_cancelled,
      a_dead_domain_is_what_cleaning_and_reactions_are_about,
      only_a_guest_that_waits_can_be_cancelled, a_guest_that_was_asked_can_be_taken_by_another_plan,
      what_happens_to_the_domain_does_not_disturb_its_worker, a_machine_needs_no_sink,
      nothing_more_is_tried_with_a_guest_that_may_be_elsewhere,
      who_waits_for_an_earlier_daemons_migration_learns_that_too,
      a_migration_that_fails_makes_way_for_the_save);
