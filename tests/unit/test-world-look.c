/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world-rig.h"

START_TEST(the_directories_are_not_read_for_a_look_where_nothing_has_changed)
{
	begin();
	rig.p.survey_is_current = true;
	look();
	/* Nothing has been read yet. */
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 1);
	look();
	ck_assert(!rig.p.surveying);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 2);
	ck_assert_str_eq(f.answer, "well");
	/* Who decides on it has them read. */
	refresh(60 * USEC_PER_SEC);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 3);
	end();
}
END_TEST

START_TEST(the_directories_are_read_for_a_look_after_a_change_a_failure_or_a_minute)
{
	begin();
	look();
	survey_ends(1, "web");
	look();
	survey_ends(-1, NULL);
	rig.p.survey_is_current = true;
	look();
	survey_ends(1, "web");
	run_for(59 * USEC_PER_SEC);
	look();
	ck_assert(!rig.p.surveying);
	run_for(USEC_PER_SEC);
	look();
	survey_ends(1, "web");
	/* One that had begun reads the old ones. */
	refresh(60 * USEC_PER_SEC);
	ck_assert_int_eq(world_set_folders(f.world, "/other", "/save"), 0);
	survey_ends(1, "web");
	look();
	ck_assert(rig.p.surveying);
	survey_ends(1, "web");
	end();
}
END_TEST

START_TEST(one_survey_is_for_all_looks_at_the_same_time)
{
	begin();
	rig.p.survey_is_current = true;
	look();
	run_for(USEC_PER_SEC);
	for (unsigned i = 0; i < 5; i++)
		look();
	refresh(60 * USEC_PER_SEC);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 6);
	/* Who decides on it, and has come later, has one of its own. */
	ck_assert(rig.p.surveying);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 7);
	ck_assert(!rig.p.surveying);
	end();
}
END_TEST

START_TEST(a_look_does_not_go_by_a_survey_that_may_have_missed_a_change)
{
	begin();
	look();
	run_for(USEC_PER_SEC);
	look();
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 1);
	ck_assert(rig.p.surveying);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 2);
	end();
}
END_TEST

SUITE("world-look", the_directories_are_not_read_for_a_look_where_nothing_has_changed,
      the_directories_are_read_for_a_look_after_a_change_a_failure_or_a_minute,
      one_survey_is_for_all_looks_at_the_same_time,
      a_look_does_not_go_by_a_survey_that_may_have_missed_a_change);
