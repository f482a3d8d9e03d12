/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/fit.h"
#include "scene.h"
#include "unit.h"
#include "util/str.h"

/* A tenth of a GiB is saved in a second, and a second goes to whatever else a save does. */
#define RATE (1024ULL * 1024 / 10)
#define GIB  (1024ULL * 1024)
#define SEC  USEC_PER_SEC

static struct domain *guest(struct scene *s, const char *name, unsigned number, unsigned gib)
{
	struct domain *d = scene_domain(s, name, number);

	d->memory_kib = gib * GIB;
	return d;
}

static void expect_fit(struct scene *s, usec_t limit, const char *words, usec_t needs)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *text = NULL;

	scene_build(s);
	plan = scene_plan(s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s->config, RATE, limit, USEC_INFINITY, USEC_INFINITY), 0);
	text = plan_in_words(plan);
	ck_assert_str_eq(text, words);
	/* Rounding: a rate is a whole number. */
	ck_assert_uint_eq((plan->needs + SEC / 2) / SEC, needs / SEC);
}

START_TEST(saves_share_the_disk)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	guest(&s, "b", 2, 2);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	plan_estimate(plan, s.config, RATE);
	/* The larger one goes first. */
	ck_assert_uint_eq((scene_step(plan, 1)->estimate + SEC / 2) / SEC, 32);
	ck_assert_uint_eq((scene_step(plan, 2)->estimate + SEC / 2) / SEC, 21);
	ck_assert_uint_eq((plan->needs + SEC / 2) / SEC, 32);
}
END_TEST

START_TEST(what_fits_is_left_as_it_is)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	guest(&s, "b", 2, 2);
	expect_fit(&s, 100 * SEC, "b: save shutdown shutdown-all; a: save shutdown shutdown-all",
		   32 * SEC);
}
END_TEST

START_TEST(a_guest_that_cannot_be_saved_in_time_is_shut_down_in_time)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	guest(&s, "large", 2, 64);
	guest(&s, "c", 3, 1);
	expect_fit(&s, 90 * SEC,
		   "large: shutdown shutdown-all; a: save shutdown shutdown-all; "
		   "c: save shutdown shutdown-all",
		   60 * SEC);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 90 * SEC, USEC_INFINITY, USEC_INFINITY), 0);
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 2)->reason, " 11 min 4 s"));
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 2)->reason, " 1 min 30 s"));
	ck_assert_int_eq(scene_step(plan, 2)->stages[0], STAGE_SHUTDOWN);
	ck_assert(!scene_step(plan, 2)->late);
	ck_assert_ptr_null(scene_step(plan, 3)->reason);
}
END_TEST

/* Where nothing can be done in time, what is configured is done, later. */
START_TEST(what_cannot_be_helped_goes_on_behind_the_limit_and_is_said)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	expect_fit(&s, 5 * SEC, "a: save shutdown shutdown-all", 11 * SEC);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 5 * SEC, USEC_INFINITY, USEC_INFINITY), 0);
	ck_assert(scene_step(plan, 1)->late);
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 1)->reason, " 12 s"));
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 1)->reason, " 5 s"));
	s.config->shutdown.enabled = false;
	s.config->shutdown_all.enabled = false;
	guest(&s, "large", 2, 64);
	expect_fit(&s, 100 * SEC, "a: save; large: save", 652 * SEC);
}
END_TEST

START_TEST(the_smallest_are_chosen_and_the_largest_of_them_begins)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	guest(&s, "a", 1, 4);
	guest(&s, "b", 2, 1);
	guest(&s, "c", 3, 3);
	guest(&s, "d", 4, 2);
	guest(&s, "e", 5, 1);
	/* 11 s, 11 s and 21 s; the next one would need 31 s more. */
	expect_fit(&s, 72 * SEC,
		   "a: shutdown shutdown-all; c: shutdown shutdown-all; "
		   "d: save shutdown shutdown-all; b: save shutdown shutdown-all; "
		   "e: save shutdown shutdown-all",
		   60 * SEC);
	expect_fit(&s, 76 * SEC,
		   "a: shutdown shutdown-all; c: save shutdown shutdown-all; "
		   "d: save shutdown shutdown-all; b: save shutdown shutdown-all; "
		   "e: save shutdown shutdown-all",
		   74 * SEC);
}
END_TEST

/* A forced end cuts off what is last, and a disk can be slower than it was. */
START_TEST(the_smallest_begin_where_half_of_the_time_is_needed)
{
	static const struct {
		usec_t save;
		const char *words;
	} cases[] = {
		{80 * SEC, "a: save shutdown shutdown-all; b: save shutdown shutdown-all"},
		{90 * SEC, "b: save shutdown shutdown-all; a: save shutdown shutdown-all"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *text = NULL;
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		guest(&s, "a", 1, 1);
		guest(&s, "b", 2, 3);
		scene_build(&s);
		plan = scene_plan(&s, GOAL_STOP, NULL);
		ck_assert_int_eq(plan_fit(plan, s.config, RATE, 0, cases[i].save, 150 * SEC), 0);
		text = plan_in_words(plan);
		ck_assert_str_eq(text, cases[i].words);
		ck_assert_uint_eq((plan->needs + SEC / 2) / SEC, 42);
	}
}
END_TEST

START_TEST(what_is_late_goes_after_what_is_in_time)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	guest(&s, "a", 1, 6);
	guest(&s, "b", 2, 1);
	guest(&s, "c", 3, 5);
	guest(&s, "d", 4, 2);
	expect_fit(&s, 40 * SEC, "d: save; b: save; c: save; a: save", 144 * SEC);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 40 * SEC, USEC_INFINITY, USEC_INFINITY), 0);
	ck_assert_uint_eq((scene_step(plan, 2)->estimate + SEC / 2) / SEC, 32);
	ck_assert(!scene_step(plan, 2)->late && !scene_step(plan, 4)->late);
	ck_assert_uint_eq((scene_step(plan, 3)->estimate + SEC / 2) / SEC, 83);
	ck_assert(scene_step(plan, 1)->late && scene_step(plan, 3)->late);
}
END_TEST

START_TEST(a_guest_that_cannot_be_shut_down_is_chosen_first)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *text = NULL;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	guest(&s, "b", 2, 6);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_str_eq(plan->steps[0].name, "b");
	step_drop_stage(&plan->steps[0], STAGE_SHUTDOWN);
	step_drop_stage(&plan->steps[0], STAGE_SHUTDOWN_ALL);
	/* Each alone would be in time. */
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 65 * SEC, USEC_INFINITY, USEC_INFINITY), 0);
	text = plan_in_words(plan);
	ck_assert_str_eq(text, "b: save; a: shutdown shutdown-all");
	ck_assert(!scene_step(plan, 1)->late && !scene_step(plan, 2)->late);
}
END_TEST

/* systemd forces the host down, and a save that is not over by then is lost with its guest. */
START_TEST(what_is_not_saved_before_the_forced_end_is_shut_down_also_where_that_may_take_longer)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *text = NULL;

	scene_make(&s);
	for (unsigned i = 1; i <= 3; i++)
		guest(&s, (const char *const[]){"a", "b", "c"}[i - 1], i, 1);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	/* Half of so little time is for the shutdowns. */
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 4 * SEC, fit_save_time(26 * SEC), 26 * SEC),
			 0);
	text = plan_in_words(plan);
	ck_assert_str_eq(text, "a: save shutdown shutdown-all; b: shutdown shutdown-all; "
			       "c: shutdown shutdown-all");
	ck_assert(plan->squeezed);
	ck_assert(scene_step(plan, 2)->late);
	ck_assert_ptr_nonnull(scene_step(plan, 2)->reason);
}
END_TEST

START_TEST(a_forced_end_alone_makes_nothing_late_that_is_over_before)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 0, fit_save_time(500 * SEC), 500 * SEC), 0);
	ck_assert(!scene_step(plan, 1)->late);
	ck_assert_ptr_null(scene_step(plan, 1)->reason);
	ck_assert_uint_eq(plan->limit, 0);
}
END_TEST

START_TEST(the_last_minute_is_not_for_saves)
{
	ck_assert_uint_eq(fit_save_time(USEC_INFINITY), USEC_INFINITY);
	ck_assert_uint_eq(fit_save_time(500 * SEC), 440 * SEC);
	ck_assert_uint_eq(fit_save_time(20 * SEC), 10 * SEC);
	ck_assert_uint_eq(fit_save_time(0), 0);
}
END_TEST

START_TEST(a_short_limit_for_guests_makes_a_shutdown_short)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	s.config->stop_limit = 10 * SEC;
	guest(&s, "large", 2, 64);
	expect_fit(&s, 15 * SEC, "large: shutdown shutdown-all", 10 * SEC);
}
END_TEST

START_TEST(driver_domains_have_what_the_others_leave)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	guest(&s, "disks", 1, 1)->driver = true;
	guest(&s, "a", 2, 1);
	expect_fit(&s, 100 * SEC,
		   "disks: save shutdown shutdown-all; a: save shutdown shutdown-all", 22 * SEC);
	expect_fit(&s, 75 * SEC, "disks: save shutdown shutdown-all; a: save shutdown shutdown-all",
		   22 * SEC);
	guest(&s, "b", 3, 6);
	expect_fit(&s, 75 * SEC,
		   "disks: save shutdown shutdown-all; b: save shutdown shutdown-all; "
		   "a: save shutdown shutdown-all",
		   83 * SEC);
}
END_TEST

/* What it takes by XENDOMAINS_STOP_MAXWAIT, which is 100 s. */
static usec_t longest(struct scene *s)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;

	s->config->stop_limit = 100 * SEC;
	scene_build(s);
	plan = scene_plan(s, GOAL_STOP, NULL);
	plan_estimate(plan, s->config, RATE);
	return (plan->longest + SEC / 2) / SEC;
}

START_TEST(guests_that_do_not_react_take_the_whole_limit_at_each_stage)
{
	static const struct {
		bool wait, wait_all;
		usec_t expected;
	} cases[] = {{true, true, 200}, {true, false, 100}, {false, true, 100}, {false, false, 0}};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		ck_assert_int_eq(str_replace(&s.config->save, NULL), 0);
		s.config->shutdown = (struct config_shutdown){true, cases[i].wait};
		s.config->shutdown_all = (struct config_shutdown){true, cases[i].wait_all};
		guest(&s, "a", 1, 1);
		guest(&s, "b", 2, 1);
		ck_assert_uint_eq(longest(&s), cases[i].expected);
	}
}
END_TEST

START_TEST(driver_domains_have_the_limit_behind_the_others)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	ck_assert_int_eq(str_replace(&s.config->save, NULL), 0);
	s.config->shutdown_all.enabled = false;
	guest(&s, "a", 1, 1);
	guest(&s, "net", 2, 1)->driver = true;
	ck_assert_uint_eq(longest(&s), 200);
}
END_TEST

START_TEST(what_is_saved_takes_no_longer_than_it_needs)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	guest(&s, "a", 1, 1);
	ck_assert_uint_eq(longest(&s), 11);
}
END_TEST

START_TEST(without_a_limit_there_is_no_end)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	ck_assert_int_eq(str_replace(&s.config->save, NULL), 0);
	s.config->stop_limit = USEC_INFINITY;
	guest(&s, "a", 1, 1);
	guest(&s, "net", 2, 1)->driver = true;
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	plan_estimate(plan, s.config, RATE);
	ck_assert_uint_eq(plan->longest, USEC_INFINITY);
	ck_assert_uint_lt(plan->needs, USEC_INFINITY);
}
END_TEST

START_TEST(a_save_under_way_counts_with_what_is_left_of_it)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *text = NULL;
	struct uuid uuid = scene_uuid(2);

	scene_make(&s);
	guest(&s, "a", 1, 1);
	guest(&s, "large", 2, 10);
	scene_build(&s);
	inventory_set_busy(s.inventory, &uuid, 900);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_fit(plan, s.config, RATE, 25 * SEC, 25 * SEC, USEC_INFINITY), 0);
	text = plan_in_words(plan);
	ck_assert_str_eq(text, "a: save shutdown shutdown-all; large: save shutdown shutdown-all");
	ck_assert_uint_eq((plan->needs + SEC / 2) / SEC, 22);
}
END_TEST

SUITE("fit", saves_share_the_disk, a_save_under_way_counts_with_what_is_left_of_it,
      what_fits_is_left_as_it_is, a_guest_that_cannot_be_saved_in_time_is_shut_down_in_time,
      what_cannot_be_helped_goes_on_behind_the_limit_and_is_said,
      the_smallest_are_chosen_and_the_largest_of_them_begins,
      the_smallest_begin_where_half_of_the_time_is_needed, what_is_late_goes_after_what_is_in_time,
      a_guest_that_cannot_be_shut_down_is_chosen_first,
      what_is_not_saved_before_the_forced_end_is_shut_down_also_where_that_may_take_longer,
      a_forced_end_alone_makes_nothing_late_that_is_over_before, the_last_minute_is_not_for_saves,
      a_short_limit_for_guests_makes_a_shutdown_short, driver_domains_have_what_the_others_leave,
      guests_that_do_not_react_take_the_whole_limit_at_each_stage,
      driver_domains_have_the_limit_behind_the_others, what_is_saved_takes_no_longer_than_it_needs,
      without_a_limit_there_is_no_end);
