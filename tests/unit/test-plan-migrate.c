/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "scene.h"
#include "unit.h"
#include "util/str.h"

static void set_targets(struct scene *s, const char *text)
{
	enum target_problem problem;

	target_list_done(&s->config->migrate);
	ck_assert_int_eq(target_list_parse(text, &s->config->migrate, &problem), 0);
}

START_TEST(where_there_is_another_host_guests_go_there_first)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct step *step;

	scene_make(&s);
	set_targets(&s, "a, b");
	s.config->answer_limit = 7;
	scene_domain(&s, "web", 1);
	scene_domain(&s, "hers", 2)->manager = DOMAIN_MANAGER_LIBVIRT;
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL,
		    "web: migrate save shutdown shutdown-all; "
		    "hers: skipped");
	plan = scene_plan(&s, GOAL_STOP, NULL);
	/* A reload in the middle of it must not matter. */
	set_targets(&s, "");
	step = scene_step(plan, 1);
	ck_assert_uint_eq(step->targets.n, 2);
	ck_assert_str_eq(step->targets.targets[1].host, "b");
	ck_assert_uint_eq(step->answer_limit, 7);
}
END_TEST

START_TEST(only_guests_in_scope_are_migrated_and_named_ones_are_not)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	set_targets(&s, "a");
	s.config->auto_only = true;
	scene_config(&s, "web", 1);
	scene_domain(&s, "web", 1);
	scene_domain(&s, "byhand", 2);
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL,
		    "web: migrate save shutdown shutdown-all; byhand: shutdown-all");
	expect_plan(&s, GOAL_STOP, "web", "web: save shutdown");
}
END_TEST

START_TEST(a_guest_that_is_away_is_started_only_by_name)
{
	_cleanup_scene_ struct scene s;
	struct uuid web = scene_uuid(1), mail = scene_uuid(2), home = scene_uuid(3);

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_config(&s, "mail", 2);
	scene_config(&s, "home", 3);
	scene_image(&s, "mail", 2);
	ck_assert_int_eq(ledger_set_away(s.history, &web, "web", "other", false), 0);
	ck_assert_int_eq(ledger_set_away(s.history, &mail, "mail", "other", true), 0);
	ck_assert_int_eq(ledger_set_away(s.history, &home, "home", "other", false), 0);
	ledger_set_returned(s.history, &home);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "home: create; mail: failed; web: skipped");
	expect_reason(&s, GOAL_START, "mail", " other");
	expect_reason(&s, GOAL_START, "mail", "xendomainsctl start mail");
	expect_reason(&s, GOAL_START, "web", " other");
	expect_reason(&s, GOAL_START, "web", "xendomainsctl start web");
	expect_plan(&s, GOAL_START, "web", "web: create");
	expect_plan(&s, GOAL_START, "mail", "mail: restore");
}
END_TEST

/* Without a UUID in its configuration too, and although another one was drawn for it. */
START_TEST(a_guest_that_is_away_is_known_by_its_name)
{
	_cleanup_scene_ struct scene s;
	struct uuid away = scene_uuid(7), drawn = scene_uuid(8);

	scene_make(&s);
	scene_config(&s, "web", 0);
	ck_assert_int_eq(ledger_set_drawn(s.history, "web", &drawn), 0);
	ck_assert_int_eq(ledger_set_away(s.history, &away, "web", "other", false), 0);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "web: skipped");
	expect_reason(&s, GOAL_START, "web", " other");
}
END_TEST

START_TEST(what_a_migration_left_behind_is_touched_by_name_only)
{
	_cleanup_scene_ struct scene s;
	struct uuid web = scene_uuid(1);
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	d = scene_domain(&s, "web--migratedaway", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	ck_assert_int_eq(ledger_set_away(s.history, &web, "web", "b", true), 0);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "web: failed");
	expect_plan(&s, GOAL_STOP, NULL, "web: failed");
	expect_plan(&s, GOAL_STOP, "web", "web: failed");
	expect_reason(&s, GOAL_START, "web", ledger_find(s.history, &web)->away_reason);
	expect_reason(&s, GOAL_STOP, "web", ledger_find(s.history, &web)->away_reason);
	expect_plan(&s, GOAL_START, "web", "web: resume");
}
END_TEST

/* By another tool, so that the ledger knows nothing of it. */
START_TEST(what_another_tool_migrates_is_never_started_beside_it)
{
	static const struct {
		const char *name;
		bool suspended;
	} cases[] = {
		{"web--migratedaway", true},
		{"web--incoming", false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		for (int has_uuid = 0; has_uuid < 2; has_uuid++) {
			_cleanup_scene_ struct scene s;
			_cleanup_(plan_freep) struct plan *start = NULL, *stop = NULL;
			struct domain *d;

			scene_make(&s);
			scene_config(&s, "web", has_uuid ? 1 : 0);
			d = scene_domain(&s, cases[i].name, 1);
			d->cpu_time = 0;
			d->shutdown = cases[i].suspended;
			d->paused = !cases[i].suspended;
			d->reason = SHUTDOWN_REASON_SUSPEND;
			scene_build(&s);
			ck_assert_uint_eq(s.inventory->n, 1);
			start = scene_plan(&s, GOAL_START, "web");
			ck_assert_uint_eq(start->n_steps, 1);
			ck_assert_int_eq(start->steps[0].result, STEP_FAILED);
			stop = scene_plan(&s, GOAL_STOP, NULL);
			ck_assert_uint_eq(stop->n_steps, 1);
			ck_assert_str_eq(stop->steps[0].name, "web");
			ck_assert_int_eq(stop->steps[0].result,
					 cases[i].suspended ? STEP_FAILED : STEP_TODO);
		}
	}
}
END_TEST

START_TEST(a_guest_that_cannot_be_suspended_is_not_migrated)
{
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	d = scene_domain(&s, "a", 1);
	ck_assert_int_eq(str_replace(&d->unsavable, "it has PCI devices"), 0);
	scene_build(&s);
	set_targets(&s, "a");
	free(TAKE_PTR(s.config->save));
	expect_plan(&s, GOAL_STOP, NULL, "a: shutdown shutdown-all");
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, NULL, "a: failed");
	expect_reason(&s, GOAL_STOP, "a", "it has PCI devices");
}
END_TEST

SUITE("plan-migrate", what_another_tool_migrates_is_never_started_beside_it,
      a_guest_that_cannot_be_suspended_is_not_migrated,
      where_there_is_another_host_guests_go_there_first,
      only_guests_in_scope_are_migrated_and_named_ones_are_not,
      a_guest_that_is_away_is_started_only_by_name, a_guest_that_is_away_is_known_by_its_name,
      what_a_migration_left_behind_is_touched_by_name_only);
