/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "executor-rig.h"
#include "unit.h"

/* How many guests are saved at one time to a disk that is known. */

#define GUESTS 8U

/* Guests of a GiB, of which only two are saved at first. */
static void run_saves(void)
{
	struct plan *plan = new_plan(GOAL_STOP);

	for (unsigned i = 1; i <= GUESTS; i++) {
		puppet_add(&rig.p, i, "x");
		add_step(plan, i, STAGES(STAGE_SAVE))->memory_kib = 1 << 20;
	}
	run_plan(plan);
	expect_calls("save 1|save 2|");
}

static void begin_saves(void)
{
	BEGIN(.parallel = 8, .saves = 2);
	run_saves();
}

/* Each of these gets so much further in so many seconds, a second at a time. */
static void write_for(unsigned seconds, unsigned first, unsigned last, unsigned permille)
{
	for (unsigned s = 0; s < seconds; s++) {
		for (unsigned i = first; i <= last; i++) {
			puppet_flying(&rig.p, i)->operation.permille += permille;
			executor_progress(f.ex, &puppet_flying(&rig.p, i)->operation);
		}
		run_for(USEC_PER_SEC);
	}
}

START_TEST(more_are_saved_where_the_disk_is_faster_with_more)
{
	begin_saves();
	write_for(6, 1, 2, 10);
	expect_calls("save 3|save 4|");
	write_for(6, 1, 4, 10);
	expect_calls("save 5|save 6|save 7|save 8|");
	end();
}
END_TEST

START_TEST(no_more_are_saved_where_the_disk_is_no_faster)
{
	begin_saves();
	write_for(6, 1, 2, 20);
	expect_calls("save 3|save 4|");
	write_for(12, 1, 4, 10);
	expect_calls("");
	/* The two that were too many are not replaced. */
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	puppet_remove(&rig.p, 2);
	puppet_finish(&rig.p, 2, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("");
	puppet_remove(&rig.p, 3);
	puppet_finish(&rig.p, 3, 0, NULL, DOMID_NONE);
	run_now();
	expect_calls("save 5|");
	end();
}
END_TEST

START_TEST(a_save_that_hangs_leaves_its_place)
{
	begin_saves();
	/* Too little is told for more. */
	for (unsigned i = 0; i < 4; i++) {
		write_for(1, 2, 2, 10);
		run_for(2 * USEC_PER_SEC);
	}
	expect_calls("save 3|");
	end();
}
END_TEST

START_TEST(each_stop_begins_with_the_first_number)
{
	begin_saves();
	write_for(6, 1, 2, 10);
	write_for(6, 1, 4, 10);
	for (unsigned i = 1; i <= GUESTS; i++) {
		puppet_remove(&rig.p, i);
		puppet_finish(&rig.p, i, 0, NULL, DOMID_NONE);
	}
	run_now();
	expect_calls("save 3|save 4|save 5|save 6|save 7|save 8|");
	ck_assert_uint_eq(f.finished, 1);
	run_saves();
	end();
}
END_TEST

START_TEST(what_is_migrated_takes_nothing_of_the_disk)
{
	struct plan *plan = new_plan(GOAL_STOP);

	BEGIN(.parallel = 8, .saves = 2);
	for (unsigned i = 1; i <= 6; i++) {
		puppet_add(&rig.p, i, "x");
		add_step(plan, i, i <= 3 ? STAGES(STAGE_MIGRATE) : STAGES(STAGE_SAVE));
	}
	run_plan(plan);
	expect_calls("migrate 1|migrate 2|migrate 3|save 4|save 5|");
	end();
}
END_TEST

SUITE("executor-saves", more_are_saved_where_the_disk_is_faster_with_more,
      no_more_are_saved_where_the_disk_is_no_faster, a_save_that_hangs_leaves_its_place,
      each_stop_begins_with_the_first_number, what_is_migrated_takes_nothing_of_the_disk);
