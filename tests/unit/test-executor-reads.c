/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/wait.h"
#include "executor-rig.h"
#include "unit.h"

/* How many images are read at one time from a disk that is known. */

#define GIB_KIB (1U << 20)

static void restore(unsigned first, unsigned last, uint64_t memory_kib)
{
	struct plan *plan = new_plan(GOAL_START);

	for (unsigned i = first; i <= last; i++)
		add_step(plan, i, STAGES(STAGE_RESTORE))->memory_kib = memory_kib;
	run_plan(plan);
}

static void tell(unsigned number, unsigned permille)
{
	puppet_flying(&rig.p, number)->operation.permille = permille;
	executor_progress(f.ex, &puppet_flying(&rig.p, number)->operation);
	run_now();
}

static void set_limits(unsigned parallel, unsigned streams)
{
	executor_set_limits(f.ex, &(struct executor_limits){.save_kib = UINT64_MAX,
							    .parallel = parallel,
							    .streams = streams,
							    .brief_kib = 300 << 10,
							    .brief = 8,
							    .creates = parallel,
							    .stop_limit = USEC_INFINITY});
	run_now();
}

static const char *waits_for(unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	return executor_waits_for(f.ex, &uuid);
}

/* Each of these gets so much further in so many seconds, a second at a time. */
static void read_for(unsigned seconds, unsigned first, unsigned last, unsigned permille)
{
	for (unsigned s = 0; s < seconds; s++) {
		for (unsigned i = first; i <= last; i++)
			tell(i, puppet_flying(&rig.p, i)->operation.permille + permille);
		run_for(USEC_PER_SEC);
	}
}

START_TEST(no_more_images_are_read_than_a_slow_disk_has_places_for)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("restore 3|");
	end();
}
END_TEST

START_TEST(more_are_read_where_the_disk_is_faster_with_more)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 8, GIB_KIB);
	read_for(6, 1, 2, 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	read_for(6, 1, 4, 10);
	expect_calls("restore 5|restore 6|restore 7|restore 8|");
	end();
}
END_TEST

START_TEST(fewer_are_read_where_the_disk_is_slower_than_it_is_known_to_be)
{
	BEGIN(.parallel = 4, .disk_rate = GIB_KIB);
	restore(1, 9, GIB_KIB);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	read_for(6, 1, 4, 5);
	for (unsigned i = 1; i <= 3; i++)
		puppet_finish(&rig.p, i, -EIO, "it ends", DOMID_NONE);
	run_now();
	/* In the place for the smallest. */
	expect_calls("restore 5|");
	/* Two are as fast as four were, and no faster. */
	read_for(6, 4, 5, 10);
	expect_calls("restore 6|restore 7|");
	end();
}
END_TEST

/* Its devices take no time of the disk. */
START_TEST(a_guest_whose_image_is_read_leaves_the_disk_to_others)
{
	BEGIN(.parallel = 3, .streams = 2);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	tell(1, OPERATION_PERMILLE_MOVED - 1);
	expect_calls("");
	tell(1, OPERATION_PERMILLE_MOVED);
	expect_calls("restore 3|");
	/* But no place for an operation. */
	tell(2, OPERATION_PERMILLE_MOVED);
	expect_calls("");
	end();
}
END_TEST

START_TEST(a_restore_that_hangs_leaves_the_disk_to_others)
{
	BEGIN(.parallel = 4, .streams = 2);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	for (unsigned i = 0; i < 4; i++) {
		tell(2, 1 + i);
		run_for(2 * USEC_PER_SEC);
	}
	expect_calls("");
	tell(2, 10);
	run_for(3 * USEC_PER_SEC);
	expect_calls("restore 3|");
	/* But no place for an operation. */
	run_for(60 * USEC_PER_SEC);
	expect_calls("restore 4|");
	end();
}
END_TEST

/* It says that it goes on. */
START_TEST(a_restore_that_waits_for_memory_leaves_the_disk_to_others)
{
	BEGIN(.parallel = 4, .streams = 2);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	for (unsigned second = 0; second < 11; second++) {
		tell(1, 0);
		if (second % 3 == 0)
			tell(2, 1 + second);
		run_for(USEC_PER_SEC);
	}
	expect_calls("restore 3|");
	end();
}
END_TEST

START_TEST(where_all_images_are_small_they_wait_for_no_disk)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8, .streams = 2, .brief_kib = 300 << 10);
	restore(1, 4, 300 << 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	end();
	BEGIN(.parallel = 8, .streams = 2, .brief_kib = 300 << 10);
	for (unsigned i = 1; i <= 8; i++)
		add_step(plan, i, STAGES(STAGE_RESTORE))->memory_kib = i > 1 ? 300 << 10 : GIB_KIB;
	run_plan(plan);
	expect_calls("restore 1|restore 2|");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("restore 3|restore 4|restore 5|restore 6|restore 7|restore 8|");
	end();
}
END_TEST

/* The largest begin first. */
START_TEST(small_guests_do_not_wait_for_all_large_ones)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8, .streams = 2);
	for (unsigned i = 1; i <= 6; i++)
		add_step(plan, i, STAGES(STAGE_RESTORE))->memory_kib = (8 - i) * GIB_KIB;
	run_plan(plan);
	expect_calls("restore 1|restore 6|");
	puppet_finish(&rig.p, 6, 0, NULL, 6);
	run_now();
	expect_calls("restore 5|");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_now();
	expect_calls("restore 2|");
	puppet_finish(&rig.p, 5, 0, NULL, 5);
	run_now();
	expect_calls("restore 4|");
	end();
}
END_TEST

START_TEST(a_small_guest_that_waits_for_others_keeps_no_place)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8, .streams = 2);
	puppet_add(&rig.p, 4, "x");
	puppet_adopt(&rig.p, OPERATION_SAVE, 4);
	for (unsigned i = 1; i <= 4; i++)
		add_step(plan, i, STAGES(STAGE_RESTORE))->memory_kib = (8 - i) * GIB_KIB;
	run_plan(plan);
	tell(1, 10);
	expect_calls("restore 1|restore 3|");
	end();
}
END_TEST

START_TEST(guests_that_are_created_wait_for_no_disk)
{
	struct plan *plan = new_plan(GOAL_START);

	BEGIN(.parallel = 8, .streams = 1);
	for (unsigned i = 1; i <= 4; i++)
		add_step(plan, i, i % 2 ? STAGES(STAGE_RESTORE) : STAGES(STAGE_CREATE))
			->memory_kib = GIB_KIB;
	run_plan(plan);
	expect_calls("restore 1|create 2|create 4|");
	end();
}
END_TEST

START_TEST(each_start_begins_with_the_first_number)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 4, GIB_KIB);
	read_for(6, 1, 2, 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	for (unsigned i = 1; i <= 4; i++)
		puppet_finish(&rig.p, i, 0, NULL, i);
	run_now();
	ck_assert_uint_eq(f.finished, 1);
	restore(5, 8, GIB_KIB);
	expect_calls("restore 5|restore 6|");
	end();
}
END_TEST

/* Nothing is read for a moment, and what was learned still counts. */
START_TEST(what_was_learned_of_a_disk_holds_for_the_whole_start)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 12, GIB_KIB);
	read_for(6, 1, 2, 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	for (unsigned i = 1; i <= 4; i++)
		puppet_finish(&rig.p, i, 0, NULL, i);
	run_now();
	expect_calls("restore 5|restore 6|restore 7|restore 8|");
	end();
}
END_TEST

START_TEST(a_restore_that_hangs_is_no_matter_for_the_next_start)
{
	BEGIN(.parallel = 8, .streams = 2, .brief_kib = 300 << 10);
	restore(1, 1, GIB_KIB);
	run_for(60 * USEC_PER_SEC);
	set_limits(8, 4);
	restore(2, 9, GIB_KIB);
	expect_calls("restore 1|restore 2|restore 3|restore 4|restore 5|");
	end();
	BEGIN(.parallel = 8, .streams = 2, .brief_kib = 300 << 10);
	restore(1, 1, GIB_KIB);
	run_for(60 * USEC_PER_SEC);
	restore(2, 7, 300 << 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|restore 5|restore 6|restore 7|");
	end();
}
END_TEST

START_TEST(a_reload_counts_for_a_start_that_is_under_way)
{
	BEGIN(.parallel = 2);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	set_limits(4, 0);
	expect_calls("restore 3|restore 4|");
	/* Images are on another disk now. */
	set_limits(4, 2);
	for (unsigned i = 1; i <= 3; i++)
		puppet_finish(&rig.p, i, 0, NULL, i);
	run_now();
	expect_calls("restore 5|");
	/* Nothing has changed. */
	read_for(6, 4, 5, 10);
	expect_calls("restore 6|restore 7|");
	set_limits(4, 2);
	puppet_finish(&rig.p, 4, 0, NULL, 4);
	run_now();
	expect_calls("restore 8|");
	end();
}
END_TEST

/* A permille of it takes half a minute. */
START_TEST(a_huge_image_that_is_read_slowly_keeps_its_place)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 4, 512ULL * GIB_KIB);
	for (unsigned second = 1; second <= 25; second++) {
		for (unsigned i = 1; i <= 2; i++) {
			puppet_flying(&rig.p, i)->operation.bytes = (uint64_t)second << 24;
			tell(i, 0);
		}
		run_for(USEC_PER_SEC);
	}
	expect_calls("restore 1|restore 2|");
	end();
}
END_TEST

/* What is measured meanwhile is not the rate of four. */
START_TEST(a_trial_is_judged_once_all_of_them_read)
{
	BEGIN(.parallel = 8, .streams = 2);
	restore(1, 8, GIB_KIB);
	read_for(6, 1, 2, 10);
	expect_calls("restore 1|restore 2|restore 3|restore 4|");
	read_for(6, 1, 2, 10);
	expect_calls("");
	read_for(6, 1, 4, 10);
	expect_calls("restore 5|restore 6|restore 7|restore 8|");
	end();
}
END_TEST

START_TEST(what_waits_for_the_disk_says_so)
{
	BEGIN(.parallel = 3, .streams = 2);
	restore(1, 3, GIB_KIB);
	ck_assert_str_eq(waits_for(3), "the disk of the images");
	end();
	BEGIN(.parallel = 2, .streams = 2);
	restore(1, 3, GIB_KIB);
	ck_assert_str_eq(waits_for(3), "a place (ParallelOperations=)");
	end();
}
END_TEST

/* They may wait for memory, and what they read is not told. */
START_TEST(beside_restores_of_an_earlier_daemon_others_read_and_the_disk_is_not_judged)
{
	BEGIN(.parallel = 8, .streams = 2);
	puppet_add(&rig.p, 11, "x")->memory_kib = GIB_KIB;
	puppet_adopt(&rig.p, OPERATION_RESTORE, 11);
	restore(1, 8, GIB_KIB);
	expect_calls("restore 1|restore 2|");
	read_for(20, 1, 2, 10);
	expect_calls("");
	puppet_finish(&rig.p, 11, 0, NULL, 11);
	run_now();
	read_for(6, 1, 2, 10);
	expect_calls("restore 3|restore 4|");
	end();
}
END_TEST

SUITE("executor-reads", no_more_images_are_read_than_a_slow_disk_has_places_for,
      more_are_read_where_the_disk_is_faster_with_more,
      fewer_are_read_where_the_disk_is_slower_than_it_is_known_to_be,
      a_guest_whose_image_is_read_leaves_the_disk_to_others,
      a_restore_that_hangs_leaves_the_disk_to_others,
      a_restore_that_waits_for_memory_leaves_the_disk_to_others,
      where_all_images_are_small_they_wait_for_no_disk, small_guests_do_not_wait_for_all_large_ones,
      a_small_guest_that_waits_for_others_keeps_no_place, guests_that_are_created_wait_for_no_disk,
      each_start_begins_with_the_first_number, what_was_learned_of_a_disk_holds_for_the_whole_start,
      a_restore_that_hangs_is_no_matter_for_the_next_start,
      a_reload_counts_for_a_start_that_is_under_way,
      a_huge_image_that_is_read_slowly_keeps_its_place, a_trial_is_judged_once_all_of_them_read,
      what_waits_for_the_disk_says_so,
      beside_restores_of_an_earlier_daemon_others_read_and_the_disk_is_not_judged);
