/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "executor-rig.h"
#include "unit.h"

/* How many guests are saved at one time to a disk that is known. */

#define GUESTS 8U

/* Guests of a GiB that are to be saved. */
static void save(unsigned first, unsigned last)
{
	struct plan *plan = new_plan(GOAL_STOP);

	for (unsigned i = first; i <= last; i++) {
		puppet_add(&rig.p, i, "x");
		add_step(plan, i, STAGES(STAGE_SAVE))->memory_kib = 1 << 20;
	}
	run_plan(plan);
}

/* Only two of them are saved at first. */
static void run_saves(void)
{
	save(1, GUESTS);
	expect_calls("save 1|save 2|");
}

static void begin_saves(void)
{
	BEGIN(.parallel = 8, .streams = 2);
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

static void operation_ends(unsigned number)
{
	puppet_remove(&rig.p, number);
	puppet_finish(&rig.p, number, 0, NULL, DOMID_NONE);
	run_now();
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
	operation_ends(1);
	operation_ends(2);
	expect_calls("");
	operation_ends(3);
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

/* Operations of an earlier daemon, on guests that are in no plan of this one. */
static void adopt(enum operation operation, unsigned first, unsigned last)
{
	for (unsigned i = first; i <= last; i++) {
		puppet_add(&rig.p, i, "x")->memory_kib = 1 << 20;
		puppet_adopt(&rig.p, operation, i);
		puppet_flying(&rig.p, i)->operation.started = loop_now(rig.loop);
		puppet_flying(&rig.p, i)->operation.heard = loop_now(rig.loop);
	}
}

static void adopted_tells(unsigned number)
{
	puppet_flying(&rig.p, number)->operation.heard = loop_now(rig.loop);
}

/* For so many seconds. */
static void adopted_gets_on(unsigned number, unsigned seconds)
{
	while (seconds-- > 0) {
		adopted_tells(number);
		run_for(USEC_PER_SEC);
	}
}

START_TEST(where_all_saves_stand_still_one_more_at_a_time_begins)
{
	BEGIN(.parallel = 8, .streams = 4);
	save(1, 12);
	expect_calls("save 1|save 2|save 3|save 4|");
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 5|");
	run_for(10 * USEC_PER_SEC);
	expect_calls("save 6|");
	/* As many as before are allowed when the disk writes again. */
	write_for(2, 1, 6, 10);
	operation_ends(1);
	operation_ends(2);
	expect_calls("");
	operation_ends(3);
	expect_calls("save 7|");
	end();
}
END_TEST

START_TEST(a_disk_that_stands_still_for_a_while_stays_known)
{
	begin_saves();
	write_for(6, 1, 2, 10);
	expect_calls("save 3|save 4|");
	write_for(1, 1, 4, 10);
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 5|");
	/* Not all of them tell at once that it writes. */
	for (unsigned i = 1; i <= 5; i++) {
		puppet_flying(&rig.p, i)->operation.permille += 10;
		executor_progress(f.ex, &puppet_flying(&rig.p, i)->operation);
		run_for(USEC_PER_SEC / 5);
	}
	expect_calls("");
	write_for(3, 1, 5, 10);
	operation_ends(1);
	expect_calls("");
	operation_ends(2);
	expect_calls("save 6|");
	end();
}
END_TEST

/* They stand still for as long as the disk does, and are not noticed at the same time. */
START_TEST(saves_that_stop_writing_one_after_the_other_are_not_all_replaced)
{
	BEGIN(.parallel = 8, .streams = 4);
	save(1, 12);
	expect_calls("save 1|save 2|save 3|save 4|");
	for (unsigned i = 1; i <= 4; i++)
		write_for(1, i, i, 10);
	run_for(9 * USEC_PER_SEC);
	expect_calls("");
	run_for(2 * USEC_PER_SEC);
	expect_calls("save 5|");
	end();
}
END_TEST

START_TEST(guests_that_do_not_suspend_slow_the_others_only_until_one_is_written)
{
	BEGIN(.parallel = 8, .streams = 4);
	save(1, 12);
	expect_calls("save 1|save 2|save 3|save 4|");
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 5|");
	write_for(3, 5, 5, 10);
	expect_calls("save 6|save 7|save 8|");
	end();
}
END_TEST

/* Not even until it is known that the disk writes. */
START_TEST(a_guest_that_does_not_suspend_slows_no_later_stop)
{
	BEGIN(.parallel = 8, .streams = 4);
	save(1, 1);
	run_for(60 * USEC_PER_SEC);
	save(2, 8);
	expect_calls("save 1|save 2|save 3|save 4|");
	write_for(3, 2, 2, 10);
	expect_calls("save 5|");
	end();
}
END_TEST

START_TEST(beside_a_save_of_an_earlier_daemon_saves_that_stand_still_block_none)
{
	BEGIN(.parallel = 8, .streams = 3);
	adopt(OPERATION_SAVE, 13, 13);
	save(1, 8);
	expect_calls("save 1|save 2|");
	adopted_gets_on(13, 11);
	expect_calls("save 3|");
	end();
}
END_TEST

START_TEST(a_save_that_never_ends_is_no_matter_for_the_next_stop)
{
	BEGIN(.parallel = 8, .streams = 2, .stop_limit = 60 * USEC_PER_SEC);
	save(1, 1);
	run_for(75 * USEC_PER_SEC);
	save(2, 5);
	expect_calls("save 1|save 2|save 3|");
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

	BEGIN(.parallel = 8, .streams = 2);
	for (unsigned i = 1; i <= 6; i++) {
		puppet_add(&rig.p, i, "x");
		add_step(plan, i, i <= 3 ? STAGES(STAGE_MIGRATE) : STAGES(STAGE_SAVE));
	}
	run_plan(plan);
	expect_calls("migrate 1|migrate 2|migrate 3|save 4|save 5|");
	end();
}
END_TEST

static unsigned threads_of(unsigned number)
{
	return puppet_flying(&rig.p, number)->threads;
}

static void run_stages(enum goal goal, unsigned last, const enum stage *stages)
{
	struct plan *plan = new_plan(goal);

	for (unsigned i = 1; i <= last; i++) {
		if (goal == GOAL_STOP)
			puppet_add(&rig.p, i, "x");
		add_step(plan, i, stages)->memory_kib = 1 << 20;
	}
	run_plan(plan);
}

START_TEST(saves_share_the_cpus_to_compress)
{
	BEGIN(.parallel = 8, .streams = 2, .cpus = 4);
	run_stages(GOAL_STOP, 3, STAGES(STAGE_SAVE));
	ck_assert_uint_eq(threads_of(1), 2);
	ck_assert_uint_eq(threads_of(2), 2);
	end();
	BEGIN(.parallel = 8, .cpus = 4);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_SAVE));
	ck_assert_uint_eq(threads_of(1), 4);
	end();
	BEGIN(.parallel = 8, .cpus = 4);
	run_stages(GOAL_STOP, 7, STAGES(STAGE_SAVE));
	ck_assert_uint_eq(threads_of(1), 1);
	end();
}
END_TEST

START_TEST(saves_of_an_earlier_daemon_have_places)
{
	BEGIN(.parallel = 8, .streams = 2);
	adopt(OPERATION_SAVE, 11, 12);
	run_stages(GOAL_STOP, 3, STAGES(STAGE_SAVE));
	expect_calls("");
	operation_ends(11);
	expect_calls("save 1|");
	operation_ends(12);
	expect_calls("save 2|");
	end();
}
END_TEST

START_TEST(saves_of_an_earlier_daemon_that_stand_still_are_not_all_replaced)
{
	BEGIN(.parallel = 8, .streams = 2, .stop_limit = 60 * USEC_PER_SEC);
	adopt(OPERATION_SAVE, 11, 12);
	run_stages(GOAL_STOP, 5, STAGES(STAGE_SAVE));
	run_for(11 * USEC_PER_SEC);
	expect_calls("save 1|");
	write_for(3, 1, 1, 10);
	expect_calls("save 2|");
	end();
	/* Past their limit they are no matter any more. */
	BEGIN(.parallel = 8, .streams = 2, .stop_limit = 60 * USEC_PER_SEC);
	adopt(OPERATION_SAVE, 11, 12);
	run_for(75 * USEC_PER_SEC);
	run_stages(GOAL_STOP, 5, STAGES(STAGE_SAVE));
	expect_calls("save 1|save 2|");
	end();
}
END_TEST

START_TEST(no_more_memory_is_saved_beside_that_of_an_earlier_daemon)
{
	BEGIN(.parallel = 8, .save_kib = 2 << 20);
	adopt(OPERATION_SAVE, 11, 11);
	run_stages(GOAL_STOP, 2, STAGES(STAGE_SAVE));
	expect_calls("save 1|");
	operation_ends(11);
	expect_calls("save 2|");
	end();
}
END_TEST

/* What they write is not told, so that the disk seems to be slower than it is. */
START_TEST(beside_saves_of_an_earlier_daemon_the_disk_is_not_judged)
{
	BEGIN(.parallel = 8, .streams = 2);
	adopt(OPERATION_SAVE, 11, 11);
	run_stages(GOAL_STOP, 8, STAGES(STAGE_SAVE));
	expect_calls("save 1|");
	for (unsigned second = 0; second < 20; second++) {
		adopted_tells(11);
		write_for(1, 1, 1, 20);
	}
	expect_calls("");
	operation_ends(11);
	expect_calls("save 2|");
	write_for(6, 1, 2, 20);
	expect_calls("save 3|save 4|");
	end();
}
END_TEST

START_TEST(creates_and_restores_of_an_earlier_daemon_have_places)
{
	BEGIN(.parallel = 3, .creates = 1, .boots_count = true);
	adopt(OPERATION_CREATE, 11, 11);
	adopt(OPERATION_RESTORE, 12, 12);
	run_stages(GOAL_START, 2, STAGES(STAGE_CREATE));
	expect_calls("");
	operation_ends(11);
	expect_calls("create 1|");
	end();
	BEGIN(.parallel = 2);
	adopt(OPERATION_RESTORE, 11, 12);
	run_stages(GOAL_START, 2, STAGES(STAGE_RESTORE));
	expect_calls("");
	operation_ends(11);
	expect_calls("restore 1|");
	end();
}
END_TEST

START_TEST(no_stop_waits_for_a_guest_that_an_earlier_daemon_builds)
{
	BEGIN(.parallel = 1);
	adopt(OPERATION_CREATE, 11, 11);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_SAVE));
	expect_calls("save 1|");
	end();
}
END_TEST

START_TEST(removals_of_an_earlier_daemon_have_places)
{
	BEGIN(.parallel = 1);
	adopt(OPERATION_DESTROY, 5, 12);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_CLEAN));
	expect_calls("");
	operation_ends(5);
	expect_calls("destroy 1|");
	end();
}
END_TEST

START_TEST(an_operation_of_an_earlier_daemon_that_stands_still_leaves_its_place)
{
	BEGIN(.parallel = 1);
	adopt(OPERATION_SAVE, 11, 11);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_SAVE));
	adopted_gets_on(11, 60);
	run_for(8 * USEC_PER_SEC);
	expect_calls("");
	run_for(3 * USEC_PER_SEC);
	expect_calls("save 1|");
	end();
}
END_TEST

START_TEST(an_operation_of_an_earlier_daemon_that_takes_too_long_leaves_its_place)
{
	BEGIN(.parallel = 1, .stop_limit = 60 * USEC_PER_SEC);
	adopt(OPERATION_SAVE, 11, 11);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_SAVE));
	adopted_gets_on(11, 60);
	expect_calls("");
	adopted_gets_on(11, 15);
	expect_calls("save 1|");
	end();
	BEGIN(.parallel = 1);
	adopt(OPERATION_SAVE, 11, 11);
	run_stages(GOAL_STOP, 1, STAGES(STAGE_SAVE));
	expect_calls("");
	puppet_flying(&rig.p, 11)->operation.stuck = true;
	executor_progress(f.ex, &puppet_flying(&rig.p, 11)->operation);
	run_now();
	expect_calls("save 1|");
	end();
}
END_TEST

/* Both take 108 s, of the 300 s that they have. For 8 s their guests are being suspended. */
START_TEST(a_save_is_not_given_up_for_the_time_of_a_suspension)
{
	BEGIN(.parallel = 8, .stop_limit = 300 * USEC_PER_SEC);
	run_stages(GOAL_STOP, 2, STAGES(STAGE_SAVE));
	expect_calls("save 1|save 2|");
	for (unsigned second = 0; second < 60; second++) {
		executor_press(f.ex, USEC_INFINITY);
		write_for(1, 1, second < 8 ? 0 : 2, 10);
	}
	expect_calls("");
	end();
}
END_TEST

/* At the pace of the first 30 s, only one of them would be over in time. */
START_TEST(a_save_is_not_given_up_for_a_disk_that_is_slow_at_first)
{
	BEGIN(.parallel = 8, .stop_limit = 300 * USEC_PER_SEC);
	run_stages(GOAL_STOP, 2, STAGES(STAGE_SAVE));
	expect_calls("save 1|save 2|");
	for (unsigned second = 0; second < 60; second++) {
		executor_press(f.ex, USEC_INFINITY);
		write_for(1, 1, 2, second < 30 ? 2 : 20);
	}
	expect_calls("");
	end();
}
END_TEST

/* A small guest's save begins near the end of the host: how fast the disk is stays known. */
START_TEST(a_save_that_begins_lets_no_more_be_given_up_than_must)
{
	usec_t forced;
	struct plan *later;

	BEGIN(.parallel = 8);
	run_stages(GOAL_STOP, 2, STAGES(STAGE_SAVE, STAGE_SHUTDOWN));
	for (unsigned second = 0; second < 30; second++) {
		executor_press(f.ex, USEC_INFINITY);
		write_for(1, 1, 2, 10);
	}
	puppet_add(&rig.p, 3, "x");
	later = new_plan(GOAL_STOP);
	add_step(later, 3, STAGES(STAGE_SAVE, STAGE_SHUTDOWN))->memory_kib = 100 << 10;
	run_plan(later);
	expect_calls("save 1|save 2|save 3|");
	/* The two need 70 s together, and each one 35 s alone. */
	forced = loop_now(rig.loop) + 50 * USEC_PER_SEC;
	for (unsigned second = 0; second < 3; second++) {
		executor_press(f.ex, forced);
		write_for(1, 1, 2, 10);
	}
	expect_calls("abort 2|");
	end();
}
END_TEST

SUITE("executor-saves", more_are_saved_where_the_disk_is_faster_with_more,
      no_more_are_saved_where_the_disk_is_no_faster, a_save_that_hangs_leaves_its_place,
      where_all_saves_stand_still_one_more_at_a_time_begins,
      a_disk_that_stands_still_for_a_while_stays_known,
      saves_that_stop_writing_one_after_the_other_are_not_all_replaced,
      guests_that_do_not_suspend_slow_the_others_only_until_one_is_written,
      a_guest_that_does_not_suspend_slows_no_later_stop,
      beside_a_save_of_an_earlier_daemon_saves_that_stand_still_block_none,
      a_save_that_never_ends_is_no_matter_for_the_next_stop, each_stop_begins_with_the_first_number,
      what_is_migrated_takes_nothing_of_the_disk, saves_share_the_cpus_to_compress,
      saves_of_an_earlier_daemon_have_places,
      saves_of_an_earlier_daemon_that_stand_still_are_not_all_replaced,
      no_more_memory_is_saved_beside_that_of_an_earlier_daemon,
      beside_saves_of_an_earlier_daemon_the_disk_is_not_judged,
      creates_and_restores_of_an_earlier_daemon_have_places,
      no_stop_waits_for_a_guest_that_an_earlier_daemon_builds,
      removals_of_an_earlier_daemon_have_places,
      an_operation_of_an_earlier_daemon_that_stands_still_leaves_its_place,
      an_operation_of_an_earlier_daemon_that_takes_too_long_leaves_its_place,
      a_save_is_not_given_up_for_the_time_of_a_suspension,
      a_save_is_not_given_up_for_a_disk_that_is_slow_at_first,
      a_save_that_begins_lets_no_more_be_given_up_than_must);
