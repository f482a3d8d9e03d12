/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/machine.h"
#include "unit.h"
#include "util/str.h"

/* What holds for any sequence of events: they are drawn at random, always the same ones. */

#define WALKS  4000
#define EVENTS 40

struct walk {
	struct step step;
	struct machine m;
	enum machine_state state; /* as the sink heard it */
	unsigned ends;
	unsigned changes;
};

/* The arrows of the picture in core/machine.h, and no others. */
static bool may_follow(enum machine_state from, enum machine_state to)
{
	static const bool arrows[_MACHINE_STATE_MAX][_MACHINE_STATE_MAX] = {
		[MACHINE_WAITING] = {[MACHINE_WAITING] = true,
				     [MACHINE_WORKING] = true,
				     [MACHINE_ASKED] = true,
				     [MACHINE_CLEANING] = true,
				     [MACHINE_DONE] = true,
				     [MACHINE_FAILED] = true,
				     [MACHINE_SKIPPED] = true},
		[MACHINE_WORKING] = {[MACHINE_DONE] = true,
				     [MACHINE_WAITING] = true,
				     [MACHINE_FAILED] = true,
				     [MACHINE_SKIPPED] = true,
				     [MACHINE_CLEANING] = true},
		[MACHINE_ASKED] = {[MACHINE_DONE] = true,
				   [MACHINE_WAITING] = true,
				   [MACHINE_FAILED] = true,
				   [MACHINE_SKIPPED] = true,
				   [MACHINE_CLEANING] = true},
		[MACHINE_CLEANING] = {[MACHINE_DONE] = true, [MACHINE_FAILED] = true},
	};

	return arrows[from][to];
}

static void hear(void *data, const struct machine *m, enum machine_state old)
{
	struct walk *w = data;

	ck_assert_int_eq(old, w->state);
	ck_assert(may_follow(old, m->state));
	/* A stage is never left for one before it, and never for none. */
	ck_assert_uint_lt(m->stage, m->step->n_stages);
	w->state = m->state;
	w->changes++;
	if (m->state >= MACHINE_DONE)
		w->ends++;
}

static void draw(struct dice *dice, struct walk *w)
{
	static const struct {
		enum goal goal;
		enum stage stages[STEP_STAGES_MAX];
		size_t n;
	} ways[] = {
		{GOAL_START, {STAGE_RESTORE}, 1},
		{GOAL_START, {STAGE_CREATE}, 1},
		{GOAL_START, {STAGE_RESTORE, STAGE_CREATE}, 2},
		{GOAL_STOP, {STAGE_SAVE, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL}, 3},
		{GOAL_STOP, {STAGE_MIGRATE, STAGE_SAVE, STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL}, 4},
		{GOAL_START, {STAGE_RESUME}, 1},
		{GOAL_STOP, {STAGE_SAVE, STAGE_SHUTDOWN}, 2},
		{GOAL_STOP, {STAGE_SAVE, STAGE_SHUTDOWN_ALL}, 2},
		{GOAL_STOP, {STAGE_SHUTDOWN, STAGE_SHUTDOWN_ALL}, 2},
		{GOAL_STOP, {STAGE_SHUTDOWN_ALL}, 1},
		{GOAL_STOP, {STAGE_UNPAUSE, STAGE_SYSRQ, STAGE_SAVE, STAGE_SHUTDOWN}, 4},
		{GOAL_STOP, {STAGE_SYSRQ, STAGE_SHUTDOWN_ALL, STAGE_DESTROY}, 3},
		{GOAL_STOP, {STAGE_CLEAN}, 1},
		{GOAL_REACT, {STAGE_RESTART}, 1},
		{GOAL_REACT, {STAGE_CLEAN}, 1},
	};
	size_t i = dice_pick(dice, ELEMENTSOF(ways));

	*w = (struct walk){.step = {.n_stages = ways[i].n}, .state = MACHINE_WAITING};
	memcpy(w->step.stages, ways[i].stages, sizeof(w->step.stages));
	ck_assert_int_eq(machine_init(&w->m, &w->step, ways[i].goal), 0);
}

/* One event, and what must hold for any. */
static enum machine_action step(struct walk *w, enum machine_event event)
{
	static const enum machine_state after[] = {
		[MACHINE_ACTION_WORK] = MACHINE_WORKING,
		[MACHINE_ACTION_ASK] = MACHINE_ASKED,
		[MACHINE_ACTION_CLEAN] = MACHINE_CLEANING,
		[MACHINE_ACTION_QUEUE] = MACHINE_WAITING,
	};
	unsigned changes = w->changes;
	bool ended = machine_ended(&w->m);
	size_t stage = w->m.stage;
	enum machine_action action = machine_step(&w->m, event, "reason", hear, w);

	ck_assert_int_eq(w->m.state, w->state);
	ck_assert_uint_ge(w->m.stage, stage);
	ck_assert_ptr_null(w->m.stage_reason);
	if (action == MACHINE_ACTION_NONE) {
		ck_assert_uint_eq(w->changes, changes);
		return action;
	}
	ck_assert(!ended);
	ck_assert_uint_eq(w->changes, changes + 1);
	if (action == MACHINE_ACTION_FINISH)
		ck_assert(machine_ended(&w->m));
	else
		ck_assert_int_eq(w->m.state, after[action]);
	/* The next stage, or the same on another domain. */
	if (action == MACHINE_ACTION_QUEUE)
		ck_assert_uint_eq(w->m.stage, stage + (event != MACHINE_EVENT_AGAIN));
	ck_assert_int_eq(action == MACHINE_ACTION_QUEUE,
			 !machine_ended(&w->m) && w->m.state == MACHINE_WAITING);
	return action;
}

START_TEST(no_events_lead_out_of_the_picture_or_end_it_twice)
{
	unsigned ended = 0;
	struct dice dice = {20};

	for (int i = 0; i < WALKS; i++) {
		struct walk w;

		draw(&dice, &w);
		for (int j = 0; j < EVENTS; j++)
			step(&w, (enum machine_event)dice_pick(&dice, _MACHINE_EVENT_MAX));
		ck_assert_uint_eq(w.ends, machine_ended(&w.m));
		ck_assert(w.m.state != MACHINE_FAILED || w.m.reason);
		ended += w.ends;
		machine_done(&w.m);
	}
	ck_assert_uint_gt(ended, WALKS / 2);
}
END_TEST

/* Each state has an event with which an executor gets on; after so many it must be over. */
START_TEST(it_always_ends_when_its_turns_come)
{
	struct dice dice = {21};

	for (int i = 0; i < WALKS; i++) {
		struct walk w;
		unsigned turns = 0;

		draw(&dice, &w);
		while (!machine_ended(&w.m)) {
			static const enum machine_event ends[] = {MACHINE_EVENT_SUCCEEDED,
								  MACHINE_EVENT_ERROR};
			static const enum machine_event asked[] = {
				MACHINE_EVENT_SUCCEEDED, MACHINE_EVENT_ERROR, MACHINE_EVENT_EXPIRED,
				MACHINE_EVENT_GONE, MACHINE_EVENT_SHUT_DOWN};
			enum machine_event event = MACHINE_EVENT_BEGIN;

			ck_assert_uint_lt(turns++, 2 * STEP_STAGES_MAX + 2);
			if (w.m.state == MACHINE_ASKED)
				event = asked[dice_pick(&dice, ELEMENTSOF(asked))];
			else if (w.m.state != MACHINE_WAITING)
				event = ends[dice_pick(&dice, ELEMENTSOF(ends))];
			ck_assert_int_ne(step(&w, event), MACHINE_ACTION_NONE);
		}
		machine_done(&w.m);
	}
}
END_TEST

/* A guest is asked, saved or cleaned up only as its stages say. */
START_TEST(an_action_fits_its_stage)
{
	struct dice dice = {22};

	for (int i = 0; i < WALKS; i++) {
		struct walk w;

		draw(&dice, &w);
		for (int j = 0; j < EVENTS; j++) {
			enum machine_action action = step(
				&w, (enum machine_event)dice_pick(&dice, _MACHINE_EVENT_MAX));
			enum stage stage = machine_stage(&w.m);
			bool asks = stage == STAGE_SYSRQ || stage == STAGE_SHUTDOWN ||
				    stage == STAGE_SHUTDOWN_ALL;

			if (action == MACHINE_ACTION_WORK)
				ck_assert(!asks);
			if (action == MACHINE_ACTION_ASK)
				ck_assert(asks);
			if (action == MACHINE_ACTION_CLEAN)
				ck_assert_int_eq(w.m.goal, GOAL_STOP);
		}
		machine_done(&w.m);
	}
}
END_TEST

SUITE("machine-any", no_events_lead_out_of_the_picture_or_end_it_twice,
      it_always_ends_when_its_turns_come, an_action_fits_its_stage);
