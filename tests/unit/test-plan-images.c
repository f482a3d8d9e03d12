/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "scene.h"
#include "unit.h"
#include "util/room.h"

/* What is planned for guests that have an image, and for those that are to get one. */

static void allow(struct scene *s, enum image_policy changed, enum image_policy unknown)
{
	s->config->guests.image_changed = changed;
	s->config->guests.image_unknown = unknown;
}

START_TEST(a_guest_with_an_image_is_held_unless_it_may_start_afresh)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: restore");
	allow(&s, IMAGE_AFRESH, IMAGE_HOLD);
	expect_plan(&s, GOAL_START, NULL, "a: restore create");
	allow(&s, IMAGE_HOLD, IMAGE_AFRESH);
	expect_plan(&s, GOAL_START, NULL, "a: restore create");
}
END_TEST

START_TEST(an_image_that_is_not_restored_is_put_aside_by_the_create)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	s.config->restore = false;
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_image(&s, "b", 2)->consumed = true;
	scene_image(&s, "c", 3);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_str_eq(scene_step(plan, 1)->stale, "/save/a");
	ck_assert_str_eq(scene_step(plan, 2)->stale, "/save/b.restoring");
	expect_plan(&s, GOAL_START, NULL,
		    "a: create; b: create; c: skipped, saved, and XENDOMAINS_RESTORE is off");
}
END_TEST

START_TEST(a_broken_image_does_not_let_its_guest_start_afresh)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1)->error = strdup("/save/a: torn");
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL,
		    "a: failed, /save/a: torn; it is not started afresh while /save/a is there");
}
END_TEST

START_TEST(an_image_is_not_restored_twice)
{
	_cleanup_scene_ struct scene s;
	struct uuid id = scene_uuid(1001);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	ck_assert_int_eq(ledger_add_restored(s.history, &id), 0);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL,
		    "a: failed, /save/a has been restored before and would bring back old memory; "
		    "remove it to start the guest afresh");
}
END_TEST

/* A power cut came between the guest's run and the removal of its image. */
START_TEST(an_image_that_is_used_up_is_no_obstacle)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct uuid id = scene_uuid(1001), other = scene_uuid(1002);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1)->consumed = true;
	scene_image(&s, "b", 2)->consumed = true;
	ck_assert_int_eq(ledger_add_restored(s.history, &id), 0);
	ck_assert_int_eq(ledger_add_restored(s.history, &other), 0);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_str_eq(scene_step(plan, 1)->stale, "/save/a.restoring");
	ck_assert_str_eq(scene_step(plan, 1)->reason, "the guest has run from it already");
	expect_plan(&s, GOAL_START, NULL,
		    "a: create; b: failed, has neither a configuration nor an image");
}
END_TEST

START_TEST(an_image_that_may_be_used_up_is_left_to_the_worker)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1)->consumed = true;
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: restore");
}
END_TEST

START_TEST(what_it_would_be_started_afresh_from_has_to_be_there)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_image(&s, "alone", 1);
	scene_config(&s, "broken", 2)->error = strdup("broken");
	scene_image(&s, "broken", 2);
	allow(&s, IMAGE_AFRESH, IMAGE_AFRESH);
	scene_build(&s);
	expect_plan(&s, GOAL_START, "alone", "alone: restore");
}
END_TEST

START_TEST(only_the_error_that_is_configured_lets_the_create_follow)
{
	const struct step changed = {.changed = IMAGE_AFRESH}, unknown = {.unknown = IMAGE_AFRESH};

	ck_assert(step_allows_next(&changed, STAGE_RESTORE, -ESTALE));
	ck_assert(!step_allows_next(&changed, STAGE_RESTORE, -EUCLEAN));
	ck_assert(!step_allows_next(&changed, STAGE_RESTORE, -EBADMSG));
	ck_assert(!step_allows_next(&changed, STAGE_RESTORE, -ENOMEM));
	ck_assert(step_allows_next(&unknown, STAGE_RESTORE, -EUCLEAN));
	ck_assert(!step_allows_next(&unknown, STAGE_RESTORE, -ESTALE));
	/* Of a save anything; but not where nobody knows what became of the guest. */
	ck_assert(step_allows_next(&changed, STAGE_SAVE, -EIO));
	ck_assert(!step_allows_next(&changed, STAGE_MIGRATE, -ENOTRECOVERABLE));
}
END_TEST

START_TEST(no_guest_is_started_afresh_while_nobody_knows_its_image)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_image(&s, "b", 2);
	s.survey->unreadable = strdup("/save cannot be read");
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL,
		    "a: failed, /save cannot be read; it is not started afresh while an image of "
		    "it may be there; b: restore");
	s.config->restore = false;
	expect_plan(&s, GOAL_START, "a", "a: create");
}
END_TEST

/* Once a save could not destroy the domain: a stop tries that again, and nobody lets it run. */
START_TEST(what_is_left_of_a_saved_guest_is_cleaned_up_by_the_next_stop)
{
	_cleanup_scene_ struct scene s;
	struct domain *d;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	d = scene_domain(&s, "a", 1);
	d->shutdown = d->saved = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	scene_build(&s);
	ck_assert_int_eq(guest_state(scene_guest(&s, 1), &reason), GUEST_FAILED);
	ck_assert_ptr_nonnull(strstr(reason, "could not be destroyed"));
	expect_plan(&s, GOAL_STOP, NULL, "a: clean");
	expect_plan(&s, GOAL_START, NULL,
		    "a: failed, it is saved, but what is left of it could not be destroyed; "
		    "'xendomainsctl stop a' tries that again");
	/* One that somebody else saves is waited for. */
	d->saved = false;
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all");
}
END_TEST

static void running(struct scene *s, const char *name, unsigned number)
{
	scene_domain(s, name, number)->memory_kib = 100 * 1024;
}

START_TEST(a_save_that_has_no_room_beside_the_others_is_not_planned)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	running(&s, "a", 1);
	running(&s, "b", 2);
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL,
		    "a: save shutdown shutdown-all; b: save shutdown shutdown-all");
	s.inventory->room = 2 * image_room(100 * 1024);
	expect_plan(&s, GOAL_STOP, NULL,
		    "a: save shutdown shutdown-all; b: save shutdown shutdown-all");
	s.inventory->room--;
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all; b: shutdown shutdown-all");
	s.inventory->room = 1;
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, "a",
		    "a: failed, is not saved: its image may take 116 MiB, and there are 0 MiB left "
		    "for it");
}
END_TEST

START_TEST(a_guest_that_may_be_migrated_takes_no_room_from_others)
{
	struct target target;
	const char *problem;
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	running(&s, "a", 1);
	ck_assert_int_eq(target_parse("host2", &target, &problem), 0);
	ck_assert_int_eq(target_list_add(&s.config->migrate, &target), 0);
	scene_build(&s);
	s.inventory->room = 1;
	expect_plan(&s, GOAL_STOP, NULL, "a: migrate save shutdown shutdown-all");
}
END_TEST

SUITE("plan-images", a_guest_with_an_image_is_held_unless_it_may_start_afresh,
      an_image_that_is_not_restored_is_put_aside_by_the_create,
      a_broken_image_does_not_let_its_guest_start_afresh, an_image_is_not_restored_twice,
      an_image_that_is_used_up_is_no_obstacle, an_image_that_may_be_used_up_is_left_to_the_worker,
      what_it_would_be_started_afresh_from_has_to_be_there,
      only_the_error_that_is_configured_lets_the_create_follow,
      what_is_left_of_a_saved_guest_is_cleaned_up_by_the_next_stop,
      no_guest_is_started_afresh_while_nobody_knows_its_image,
      a_save_that_has_no_room_beside_the_others_is_not_planned,
      a_guest_that_may_be_migrated_takes_no_room_from_others);
