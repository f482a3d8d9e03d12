/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/image-size.h"
#include "scene.h"
#include "unit.h"

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
	scene_image(&s, "b", 2);
	scene_image(&s, "c", 3);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_str_eq(scene_step(plan, 1)->stale.items[0].path, "/save/a");
	ck_assert_str_eq(scene_step(plan, 2)->stale.items[0].path, "/save/b");
	expect_plan(&s, GOAL_START, NULL, "a: create; b: create; c: skipped");
	expect_reason(&s, GOAL_START, "c", "XENDOMAINS_RESTORE");
}
END_TEST

START_TEST(a_broken_image_does_not_let_its_guest_start_afresh)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1)->error = strdup("/save/a: torn");
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: failed");
	expect_reason(&s, GOAL_START, "a", "/save/a: torn");
	expect_reason(&s, GOAL_START, "a", "xendomainsctl start --cold a");
}
END_TEST

static void begin(const struct scene *s, unsigned number, const char *name, struct uuid from)
{
	struct uuid uuid = scene_uuid(number);

	lives_begin(ledger_lives(s->history, &uuid), &from, name, 1000, number, &uuid);
}

static void save(const struct scene *s, unsigned number, const char *name, struct uuid image)
{
	struct uuid uuid = scene_uuid(number);

	ck_assert_int_eq(lives_save(ledger_lives(s->history, &uuid),
				    &(struct known_image){
					    .id = image,
					    .name = (char *)name,
					    .path = (char[]){"/save/x"},
					    .directory = (char[]){"fs:1"},
				    },
				    2000),
			 0);
	ck_assert_int_eq(ledger_set_name(s->history, &uuid, name, NULL), 0);
}

START_TEST(an_image_that_is_used_up_or_outlived_is_put_aside)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	scene_image(&s, "b", 2);
	scene_config(&s, "c", 3);
	scene_image(&s, "c", 3);
	begin(&s, 1, "a", scene_uuid(1001));
	begin(&s, 2, "b", scene_uuid(1002));
	save(&s, 3, "c", scene_uuid(1003));
	begin(&s, 3, "c", UUID_NULL);
	scene_build(&s);
	ck_assert_ptr_null(scene_guest(&s, 1)->image);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_str_eq(scene_step(plan, 1)->stale.items[0].path, "/save/a");
	/* It is said which of the two it is. */
	ck_assert_str_ne(scene_step(plan, 1)->stale.items[0].reason,
			 scene_step(plan, 3)->stale.items[0].reason);
	/* It is said that the guest comes up without its memory. */
	ck_assert_ptr_nonnull(scene_step(plan, 3)->reason);
	expect_plan(&s, GOAL_START, "a", "a: create");
	expect_plan(&s, GOAL_START, "b", "b: failed");
	expect_reason(&s, GOAL_START, "b", "/save/b");
}
END_TEST

START_TEST(the_newest_image_is_restored_and_those_of_earlier_lives_are_put_aside)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct survey_image *old;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	old = scene_image(&s, "a", 1);
	old->id = scene_uuid(7);
	free(old->path);
	old->path = strdup("/save/a.restoring");
	save(&s, 1, "a", scene_uuid(7));
	begin(&s, 1, "a", scene_uuid(7));
	save(&s, 1, "a", scene_uuid(1001));
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_str_eq(scene_step(plan, 1)->image, "/save/a");
	ck_assert_int_eq(scene_step(plan, 1)->standing, IMAGE_NEWEST);
	ck_assert_uint_eq(scene_step(plan, 1)->stale.n, 1);
	ck_assert_str_eq(scene_step(plan, 1)->stale.items[0].path, "/save/a.restoring");
	expect_plan(&s, GOAL_START, NULL, "a: restore");
}
END_TEST

START_TEST(a_guest_that_is_its_name_is_the_one_of_its_newest_image_whichever_is_listed_first)
{
	_cleanup_scene_ struct scene s;
	struct survey_image *image;

	scene_make(&s);
	scene_config(&s, "a", 0);
	image = scene_image(&s, "1-of-b", 2);
	free(image->name);
	image->name = strdup("a");
	scene_image(&s, "a", 1);
	save(&s, 2, "a", scene_uuid(1002));
	begin(&s, 2, "a", UUID_NULL);
	save(&s, 1, "a", scene_uuid(1001));
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 1)->config);
	expect_plan(&s, GOAL_START, NULL, "a: restore");
}
END_TEST

START_TEST(two_images_of_which_either_may_be_the_newest_hold_their_guest)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct survey_image *other;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	other = scene_image(&s, "a2", 1);
	other->id = scene_uuid(7);
	/* Two domains of one UUID were saved one after the other. */
	save(&s, 1, "a", scene_uuid(1001));
	save(&s, 1, "a2", scene_uuid(7));
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_int_eq(scene_step(plan, 1)->result, STEP_FAILED);
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 1)->reason, "/save/a and /save/a2"));
	expect_plan(&s, GOAL_START_COLD, "a", "a: create");
	/* A copy of one image is the same image. */
	other = &s.survey->images[1];
	other->id = scene_uuid(1001);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: restore");
}
END_TEST

START_TEST(a_saved_guest_whose_image_is_missing_is_held_unless_a_person_removed_it)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_config(&s, "a", 1);
	save(&s, 1, "a", scene_uuid(7));
	save(&s, 2, "b", scene_uuid(8));
	s.survey->directory = strdup("fs:2");
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_int_eq(scene_step(plan, 1)->result, STEP_FAILED);
	ck_assert_int_eq(scene_step(plan, 2)->result, STEP_FAILED);
	expect_plan(&s, GOAL_START_COLD, "a", "a: create");
	free(s.survey->directory);
	s.survey->directory = strdup("fs:1");
	scene_build(&s);
	plan_free(plan);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_eq(plan->n_steps, 1);
	ck_assert_ptr_nonnull(strstr(scene_step(plan, 1)->reason, "/save/x"));
	expect_plan(&s, GOAL_START, NULL, "a: create");
}
END_TEST

START_TEST(a_saved_guest_whose_configuration_names_another_is_held_with_it)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	/* uuid= was added, or changed. */
	scene_config(&s, "a", 5);
	scene_image(&s, "a", 1);
	/* name= was changed, with a UUID. */
	scene_config(&s, "new", 2);
	scene_image(&s, "old", 2);
	scene_build(&s);
	for (unsigned i = 0; i < 3; i++) {
		const unsigned numbers[] = {5, 1, 2};
		const struct guest *g = scene_guest(&s, numbers[i]);
		const char *reason;

		ck_assert_int_eq(guest_state(g, &reason), GUEST_FAILED);
		ck_assert_ptr_nonnull(strstr(reason, "/auto/"));
		ck_assert_ptr_nonnull(strstr(reason, "/save/"));
	}
	expect_plan(&s, GOAL_START_COLD, "new", "new: create");
}
END_TEST

START_TEST(a_file_that_gives_its_saved_guest_another_name_holds_both)
{
	_cleanup_scene_ struct scene s;
	struct uuid old = scene_uuid(1), new = scene_uuid(2);
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_config(&s, "www", 0);
	ck_assert_int_eq(ledger_set_drawn(s.history, "www", &new), 0);
	scene_image(&s, "web", 1);
	ck_assert_int_eq(ledger_set_name(s.history, &old, "web", "/auto/www.cfg"), 0);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_int_eq(scene_step(plan, 1)->result, STEP_FAILED);
	ck_assert_int_eq(scene_step(plan, 2)->result, STEP_FAILED);
	plan_free(plan);
	/* Who starts it without its memory loses nothing: the image is put aside. */
	plan = scene_plan(&s, GOAL_START_COLD, "www");
	ck_assert_str_eq(scene_step(plan, 2)->stale.items[0].path, "/save/web");
}
END_TEST

START_TEST(no_guest_has_a_null_uuid_or_that_of_a_domain_of_xens_own)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_config(&s, "a", 0)->has_uuid = true;
	scene_config(&s, "b", 2);
	scene_domain(&s, "Domain-0", 2)->system = true;
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_eq(plan->n_steps, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(plan->steps[i].result, STEP_FAILED);
		ck_assert_ptr_nonnull(strstr(plan->steps[i].reason, "uuid="));
	}
}
END_TEST

START_TEST(two_domains_of_one_uuid_are_both_stopped_each_to_its_own_image)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "clone", 1);
	scene_domain(&s, "web", 1)->domid = 3;
	scene_domain(&s, "clone", 1)->domid = 4;
	scene_domain(&s, "third", 1)->domid = 5;
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_int_eq(guest_state(&s.inventory->guests[i], &reason), GUEST_RUNNING);
		ck_assert_ptr_nonnull(strstr(reason, "UUID"));
		ck_assert_ptr_nonnull(s.inventory->guests[i].other);
	}
	ck_assert_str_eq(scene_guest(&s, 1)->name, "clone");
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_uint_eq(plan->n_steps, 3);
	ck_assert_uint_ne(plan->steps[0].domid, plan->steps[1].domid);
	ck_assert_str_ne(plan->steps[0].image, plan->steps[1].image);
	expect_plan(&s, GOAL_STOP, "web", "web: save shutdown");
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

START_TEST(only_the_outcome_that_is_configured_lets_the_create_follow)
{
	const struct step changed = {.changed = IMAGE_AFRESH}, unknown = {.unknown = IMAGE_AFRESH};

	ck_assert(step_allows_next(&changed, STAGE_RESTORE, OPERATION_DISK_CHANGED));
	ck_assert(!step_allows_next(&changed, STAGE_RESTORE, OPERATION_DISK_UNKNOWN));
	ck_assert(!step_allows_next(&changed, STAGE_RESTORE, OPERATION_FAILED));
	ck_assert(step_allows_next(&unknown, STAGE_RESTORE, OPERATION_DISK_UNKNOWN));
	ck_assert(!step_allows_next(&unknown, STAGE_RESTORE, OPERATION_DISK_CHANGED));
	ck_assert(!step_allows_next(&unknown, STAGE_RESTORE, OPERATION_FAILED));
	/* Of a save anything; but not where nobody knows what became of the guest. */
	ck_assert(step_allows_next(&changed, STAGE_SAVE, OPERATION_FAILED));
	ck_assert(!step_allows_next(&changed, STAGE_MIGRATE, OPERATION_UNDECIDED));
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
	expect_plan(&s, GOAL_START, NULL, "a: failed; b: restore");
	expect_reason(&s, GOAL_START, "a", "/save cannot be read");
	expect_reason(&s, GOAL_START, "a", "xendomainsctl start --cold a");
	s.config->restore = false;
	expect_plan(&s, GOAL_START, "a", "a: create");
}
END_TEST

START_TEST(no_guest_is_started_whose_domain_went_when_its_images_had_been_listed)
{
	_cleanup_scene_ struct scene s;
	struct uuid other = scene_uuid(9);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_image(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_config(&s, "c", 3);
	vanished_list_add(&s.survey->vanished, &s.survey->configs[0].uuid, "x");
	vanished_list_add(&s.survey->vanished, &other, "b");
	scene_build(&s);
	for (unsigned i = 1; i <= 3; i++) {
		_cleanup_(plan_freep) struct plan *plan = scene_plan(&s, GOAL_START, NULL);

		ck_assert_int_eq(scene_step(plan, i)->result, i == 3 ? STEP_TODO : STEP_FAILED);
	}
}
END_TEST

START_TEST(no_guest_is_started_whose_configuration_was_of_a_domain_that_went_by_another_name)
{
	_cleanup_scene_ struct scene s;
	unsigned configured = 0;
	struct uuid gone = scene_uuid(9), named = scene_uuid(8), other = scene_uuid(7);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 0);
	scene_config(&s, "c", 3);
	ck_assert_int_eq(ledger_set_name(s.history, &gone, "web", s.survey->configs[0].path), 0);
	ck_assert_int_eq(
		lives_begin(ledger_lives(s.history, &named), &UUID_NULL, "b", 1, 1, &named), 0);
	ck_assert_int_eq(ledger_set_name(s.history, &other, "d", "/auto/d"), 0);
	vanished_list_add(&s.survey->vanished, &gone, "web");
	vanished_list_add(&s.survey->vanished, &named, "renamed");
	vanished_list_add(&s.survey->vanished, &other, "d");
	scene_build(&s);
	for (size_t i = 0; i < s.inventory->n; i++) {
		const struct guest *g = &s.inventory->guests[i];

		configured += g->config != NULL;
		if (g->config)
			ck_assert_int_eq(g->vanished, strcmp(g->config->name, "c") != 0);
	}
	ck_assert_uint_eq(configured, 3);
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
	ck_assert_ptr_nonnull(reason);
	expect_plan(&s, GOAL_STOP, NULL, "a: clean");
	expect_plan(&s, GOAL_START, NULL, "a: failed");
	expect_reason(&s, GOAL_START, "a", "xendomainsctl stop a");
	/* One that somebody else saves is waited for. */
	d->saved = false;
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL, "a: resume save shutdown shutdown-all");
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
	s.inventory->room_known = true;
	s.inventory->room = 2 * image_room(100 * 1024);
	expect_plan(&s, GOAL_STOP, NULL,
		    "a: save shutdown shutdown-all; b: save shutdown shutdown-all");
	s.inventory->room--;
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all; b: shutdown shutdown-all");
	s.inventory->room = 1;
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, "a", "a: failed");
	expect_reason(&s, GOAL_STOP, "a", " 116 MiB");
	expect_reason(&s, GOAL_STOP, "a", " 0 MiB");
}
END_TEST

START_TEST(no_save_is_planned_where_none_can_be_written)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	running(&s, "a", 1);
	scene_build(&s);
	s.inventory->unfit = "others than root can write /save";
	expect_plan(&s, GOAL_STOP, NULL, "a: shutdown shutdown-all");
	expect_reason(&s, GOAL_STOP, "a", s.inventory->unfit);
	/* Its save goes on, whatever has become of the directory. */
	s.inventory->guests[0].busy = true;
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all");
	s.inventory->guests[0].busy = false;
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, NULL, "a: failed");
	expect_reason(&s, GOAL_STOP, "a", s.inventory->unfit);
}
END_TEST

START_TEST(where_there_is_room_for_some_the_smallest_are_saved)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "a", 1)->memory_kib = 300 * 1024;
	running(&s, "b", 2);
	running(&s, "c", 3);
	scene_build(&s);
	s.inventory->room_known = true;
	s.inventory->room = image_room(300 * 1024);
	expect_plan(&s, GOAL_STOP, NULL,
		    "a: shutdown shutdown-all; b: save shutdown shutdown-all; "
		    "c: save shutdown shutdown-all");
}
END_TEST

START_TEST(a_guest_that_may_be_migrated_takes_no_room_from_others)
{
	struct target target;
	enum target_problem problem;
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	running(&s, "a", 1);
	ck_assert_int_eq(target_parse("host2", &target, &problem), 0);
	ck_assert_int_eq(target_list_add(&s.config->migrate, &target), 0);
	scene_build(&s);
	s.inventory->room_known = true;
	s.inventory->room = 1;
	expect_plan(&s, GOAL_STOP, NULL, "a: migrate save shutdown shutdown-all");
}
END_TEST

SUITE("plan-images", no_save_is_planned_where_none_can_be_written,
      a_guest_with_an_image_is_held_unless_it_may_start_afresh,
      an_image_that_is_not_restored_is_put_aside_by_the_create,
      a_broken_image_does_not_let_its_guest_start_afresh,
      an_image_that_is_used_up_or_outlived_is_put_aside,
      the_newest_image_is_restored_and_those_of_earlier_lives_are_put_aside,
      a_guest_that_is_its_name_is_the_one_of_its_newest_image_whichever_is_listed_first,
      two_images_of_which_either_may_be_the_newest_hold_their_guest,
      a_saved_guest_whose_image_is_missing_is_held_unless_a_person_removed_it,
      a_saved_guest_whose_configuration_names_another_is_held_with_it,
      a_file_that_gives_its_saved_guest_another_name_holds_both,
      no_guest_has_a_null_uuid_or_that_of_a_domain_of_xens_own,
      two_domains_of_one_uuid_are_both_stopped_each_to_its_own_image,
      what_it_would_be_started_afresh_from_has_to_be_there,
      only_the_outcome_that_is_configured_lets_the_create_follow,
      no_guest_is_started_afresh_while_nobody_knows_its_image,
      what_is_left_of_a_saved_guest_is_cleaned_up_by_the_next_stop,
      a_save_that_has_no_room_beside_the_others_is_not_planned,
      where_there_is_room_for_some_the_smallest_are_saved,
      no_guest_is_started_whose_domain_went_when_its_images_had_been_listed,
      no_guest_is_started_whose_configuration_was_of_a_domain_that_went_by_another_name,
      a_guest_that_may_be_migrated_takes_no_room_from_others);
