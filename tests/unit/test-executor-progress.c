/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "executor-rig.h"
#include "unit.h"

/* What those are told who follow a plan while its guests are at work. */

START_TEST(progress_is_told_as_it_grows)
{
	struct plan *plan = new_plan(GOAL_STOP);
	struct hv_operation *operation;

	BEGIN(.parallel = 8);
	puppet_add(&rig.p, 1, "1");
	add_step(plan, 1, STAGES(STAGE_SAVE));
	run_plan(plan);
	operation = &puppet_flying(&rig.p, 1)->operation;
	operation->permille = 500;
	executor_progress(f.ex, operation);
	executor_progress(f.ex, operation);
	operation->permille = 400;
	executor_progress(f.ex, operation);
	run_now();
	expect_said("1 save running|1 save running|");
	run_for(10 * USEC_PER_SEC);
	expect_said("");
	end();
}
END_TEST

START_TEST(progress_of_all_guests_is_told_once_a_second)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8);
	for (unsigned i = 1; i <= 3; i++) {
		puppet_add(&rig.p, i, (const char *[]){"1", "2", "3"}[i - 1]);
		add_step(plan, i, STAGES(STAGE_SAVE));
	}
	run_plan(plan);
	expect_said("1 save running|2 save running|3 save running|");
	for (unsigned i = 1; i <= 30; i++) {
		struct hv_operation *operation = &puppet_flying(&rig.p, 1 + i % 3)->operation;

		operation->permille += 10;
		executor_progress(f.ex, operation);
		run_for(USEC_PER_SEC / 10);
	}
	/* The first at once; then what has come in a second. */
	expect_said("2 save running|1 save running|2 save running|3 save running|1 save running|"
		    "2 save running|3 save running|1 save running|2 save running|3 save running|");
	end();
}
END_TEST

SUITE("executor-progress", progress_is_told_as_it_grows,
      progress_of_all_guests_is_told_once_a_second);
