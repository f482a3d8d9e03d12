/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/inventory-build.h"
#include "core/noticed.h"
#include "scene.h"
#include "unit.h"

START_TEST(the_state_of_a_guest_without_a_domain_has_a_reason)
{
	char bad_config[] = "config", bad_image[] = "image", failure[] = "failure";
	struct survey_config config = {.error = NULL}, broken_config = {.error = bad_config};
	struct survey_image image = {.error = NULL}, broken_image = {.error = bad_image};
	struct past past = {.failure = failure};
	const struct {
		struct guest g;
		enum guest_state state;
		const char *reason;
	} cases[] = {
		{{.config = &config}, GUEST_STOPPED, NULL},
		{{.image = &image}, GUEST_SAVED, NULL},
		{{.config = &broken_config}, GUEST_FAILED, "config"},
		/* What is saved can be had, whatever became of the file. */
		{{.config = &broken_config, .image = &image}, GUEST_SAVED, NULL},
		{{.config = &config, .image = &broken_image}, GUEST_FAILED, "image"},
		{{.config = &config, .past = &past}, GUEST_FAILED, "failure"},
		{{.config = &config, .image = &image, .past = &past}, GUEST_FAILED, "failure"},
		{{.config = &config, .conflict = (char[]){"two"}}, GUEST_FAILED, "two"},
		{{.config = &config, .image = &image, .conflict = (char[]){"two"}},
		 GUEST_SAVED,
		 "two"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const char *reason = "x";

		ck_assert_int_eq(guest_state(&cases[i].g, &reason), cases[i].state);
		ck_assert_pstr_eq(reason, cases[i].reason);
	}
}
END_TEST

START_TEST(a_failure_of_a_running_guest_is_told_too)
{
	struct past past = {.failure = (char[]){"save: no room"}};
	struct domain d = {.domid = 1};
	struct guest g = {.domain = &d, .past = &past};
	const char *reason;

	ck_assert_int_eq(guest_state(&g, &reason), GUEST_RUNNING);
	ck_assert_str_eq(reason, "save: no room");
}
END_TEST

/* A state, and since when it is so, where that is known. */
static void expect_since(struct scene *s, enum guest_state state, usec_t since)
{
	const struct guest *g;
	const char *reason;

	scene_build(s);
	g = scene_guest(s, 1);
	ck_assert_int_eq(guest_state(g, &reason), state);
	ck_assert_uint_eq(guest_since(g, state, reason), since);
}

START_TEST(a_state_is_dated_by_what_is_known_to_have_begun_it)
{
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	struct lives *lives;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	expect_since(&s, GUEST_STOPPED, 0);
	lives = ledger_lives(s.history, &web);
	lives_end(lives, LIFE_ENDED, 40, false);
	expect_since(&s, GUEST_STOPPED, 40);
	lives->ahead = true;
	expect_since(&s, GUEST_STOPPED, 0);
	lives->ahead = false;
	/* It may have been so for long. */
	lives_end(lives, LIFE_ENDED, 41, true);
	expect_since(&s, GUEST_STOPPED, 0);
	d = scene_domain(&s, "web", 1);
	expect_since(&s, GUEST_RUNNING, 0);
	d->built_wall = 50;
	expect_since(&s, GUEST_RUNNING, 50);
	d->paused = true;
	expect_since(&s, GUEST_PAUSED, 0);
}
END_TEST

START_TEST(that_nobody_asked_it_to_shut_down_is_said_until_something_newer_is)
{
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	const struct guest *g;
	struct lives *lives;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "web", 1);
	lives = ledger_lives(s.history, &web);
	lives_end(lives, LIFE_ENDED, 40, false);
	lives->alone = true;
	scene_build(&s);
	g = scene_guest(&s, 1);
	ck_assert_int_eq(guest_state(g, &reason), GUEST_STOPPED);
	ck_assert_ptr_nonnull(reason);
	ck_assert(guest_reason_is_past(g, reason));
	ck_assert_uint_eq(guest_reason_since(g, reason), 40);
	ck_assert_int_eq(ledger_set_remark(s.history, &web, "was pulled", 39), 0);
	guest_state(g, &reason);
	ck_assert_uint_eq(guest_reason_since(g, reason), 40);
	ck_assert_int_eq(ledger_set_remark(s.history, &web, "was pulled", 41), 0);
	guest_state(g, &reason);
	ck_assert_str_eq(reason, "was pulled");
	ck_assert_int_eq(ledger_set_remark(s.history, &web, NULL, 42), 0);
	lives_end(lives, LIFE_VANISHED, 43, false);
	guest_state(g, &reason);
	ck_assert_ptr_null(reason);
}
END_TEST

START_TEST(a_life_of_another_uuid_tells_too_that_nobody_asked_it_to_shut_down)
{
	const struct uuid other = scene_uuid(7);
	_cleanup_scene_ struct scene s;
	const struct guest *g;
	struct lives *lives;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "web", 0);
	ck_assert_int_eq(ledger_set_drawn(s.history, "web", &(struct uuid){.bytes = {5}}), 0);
	ck_assert_int_eq(ledger_set_name(s.history, &other, "web", NULL), 0);
	lives = ledger_lives(s.history, &other);
	lives_end(lives, LIFE_ENDED, 40, false);
	lives->alone = true;
	scene_build(&s);
	g = &s.inventory->guests[0];
	ck_assert_int_eq(guest_state(g, &reason), GUEST_STOPPED);
	ck_assert_uint_eq(guest_reason_since(g, reason), 40);
	ck_assert_uint_eq(guest_since(g, GUEST_STOPPED, reason), 40);
}
END_TEST

START_TEST(an_old_failure_dates_no_other_reason)
{
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	const struct guest *g;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "web", 1);
	ck_assert_int_eq(ledger_set_failure(s.history, &web, "no memory", 70), 0);
	expect_since(&s, GUEST_FAILED, 70);
	g = scene_guest(&s, 1);
	guest_state(g, &reason);
	ck_assert_uint_eq(guest_reason_since(g, reason), 70);
	ck_assert_uint_eq(guest_since(g, GUEST_FAILED, "a hold of today"), 0);
}
END_TEST

START_TEST(the_failure_of_another_life_counts_until_there_is_a_later_one)
{
	const struct uuid other = scene_uuid(7), boot = {.bytes = {9}};
	_cleanup_scene_ struct scene s;
	const struct guest *g;
	const char *reason;

	scene_make(&s);
	scene_config(&s, "web", 0);
	ck_assert_int_eq(ledger_set_drawn(s.history, "web", &(struct uuid){.bytes = {5}}), 0);
	ck_assert_int_eq(ledger_set_name(s.history, &other, "web", NULL), 0);
	ck_assert_int_eq(ledger_set_failure(s.history, &other, "too often", 70), 0);
	scene_build(&s);
	g = &s.inventory->guests[0];
	ck_assert_int_eq(guest_state(g, &reason), GUEST_FAILED);
	ck_assert_str_eq(reason, "too often");
	ck_assert_uint_eq(guest_since(g, GUEST_FAILED, reason), 70);
	ck_assert_int_eq(
		lives_begin(ledger_lives(s.history, &g->uuid), &UUID_NULL, "web", 80, 1, &boot), 0);
	scene_build(&s);
	ck_assert_int_eq(guest_state(&s.inventory->guests[0], &reason), GUEST_STOPPED);
	ck_assert_ptr_null(reason);
}
END_TEST

/* Such a reason has no date of its own. */
START_TEST(what_files_say_is_dated_by_when_it_was_first_seen)
{
	_cleanup_(inventory_freep) struct inventory *earlier = NULL;
	_cleanup_scene_ struct scene s;
	const char *reason;

	scene_make(&s);
	scene_image(&s, "web", 1)->error = strdup("damaged");
	scene_config(&s, "mail", 2);
	scene_build(&s);
	ck_assert_int_eq(noticed_note(s.inventory, NULL, 100), 0);
	ck_assert_uint_eq(scene_guest(&s, 2)->noticed, 0);
	earlier = TAKE_PTR(s.inventory);
	scene_build(&s);
	ck_assert_int_eq(noticed_note(s.inventory, earlier, 200), 0);
	ck_assert_int_eq(guest_state(scene_guest(&s, 1), &reason), GUEST_FAILED);
	ck_assert_uint_eq(guest_reason_since(scene_guest(&s, 1), reason), 100);
	ck_assert_uint_eq(guest_since(scene_guest(&s, 1), GUEST_FAILED, reason), 100);
	inventory_free(earlier);
	earlier = TAKE_PTR(s.inventory);
	/* Another reason is as old as it is. */
	free(s.survey->images[0].error);
	s.survey->images[0].error = strdup("truncated");
	scene_build(&s);
	ck_assert_int_eq(noticed_note(s.inventory, earlier, 300), 0);
	guest_state(scene_guest(&s, 1), &reason);
	ck_assert_uint_eq(guest_reason_since(scene_guest(&s, 1), reason), 300);
}
END_TEST

SUITE("guest-reason", the_state_of_a_guest_without_a_domain_has_a_reason,
      a_failure_of_a_running_guest_is_told_too,

      a_state_is_dated_by_what_is_known_to_have_begun_it,
      that_nobody_asked_it_to_shut_down_is_said_until_something_newer_is,
      a_life_of_another_uuid_tells_too_that_nobody_asked_it_to_shut_down,
      an_old_failure_dates_no_other_reason,
      the_failure_of_another_life_counts_until_there_is_a_later_one,
      what_files_say_is_dated_by_when_it_was_first_seen);
