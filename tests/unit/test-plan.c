/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "scene.h"
#include "unit.h"
#include "util/str.h"

START_TEST(names_of_stages_and_goals_are_complete)
{
	for (int i = 0; i < _STAGE_MAX; i++)
		ck_assert(!str_empty(stage_to_string((enum stage)i)));
	for (int i = 0; i < _GOAL_MAX; i++)
		ck_assert_int_eq(goal_from_string(goal_to_string((enum goal)i)),
				 i == GOAL_START_COLD    ? GOAL_START
				 : i == GOAL_STOP_FORCED ? GOAL_STOP
							 : i);
	ck_assert_int_eq(goal_from_string("nonsense"), -EINVAL);
	ck_assert_int_eq(goal_from_string(NULL), -EINVAL);
}
END_TEST

START_TEST(a_start_restores_what_is_saved_and_creates_the_rest)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_image(&s, "b", 2);
	scene_image(&s, "c", 3);
	scene_config(&s, "d", 4);
	scene_domain(&s, "d", 4);
	scene_domain(&s, "e", 5);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: create; b: restore; d: ok; c: restore");
}
END_TEST

START_TEST(a_create_has_all_that_it_needs)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct step *step;

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	step = scene_step(plan, 1);
	ck_assert_int_eq(step->result, STEP_TODO);
	ck_assert_str_eq(step->config, "{}");
	ck_assert_str_eq(step->source, "/auto/web.cfg");
	ck_assert_uint_eq(step->memory_kib, 1024);
	ck_assert_uint_eq(step->domid, DOMID_NONE);
	ck_assert_uint_eq(step->stale.n, 0);
}
END_TEST

START_TEST(what_cannot_be_started_says_why)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 0)->error = strdup("/auto/a.cfg: nonsense");
	scene_config(&s, "b", 2);
	scene_config(&s, "c", 2);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a.cfg: failed; b: failed; c: failed");
	expect_reason(&s, GOAL_START, "a.cfg", "/auto/a.cfg: nonsense");
	expect_reason(&s, GOAL_START, "b", " 00000000-0000-0000-0000-000000000002");
	expect_reason(&s, GOAL_START, "b", "/auto/c.cfg");
	expect_reason(&s, GOAL_START, "c", " 00000000-0000-0000-0000-000000000002");
	expect_reason(&s, GOAL_START, "c", "/auto/b.cfg");
}
END_TEST

START_TEST(a_guest_without_a_uuid_is_not_created)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 0);
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: failed");
}
END_TEST

START_TEST(a_dead_domain_in_the_way_is_told)
{
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "a", 1);
	d = scene_domain(&s, "a", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: failed");
	expect_reason(&s, GOAL_START, "a", "xl destroy 1");
	s.domains->domains[0].manager = DOMAIN_MANAGER_XL;
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: failed");
	expect_reason(&s, GOAL_START, "a", "(crash). xl may");
	s.domains->domains[0].dying = true;
	s.domains->domains[0].shutdown = false;
	scene_build(&s);
	expect_plan(&s, GOAL_START, NULL, "a: create");
}
END_TEST

/* Something is being done to it already: what it comes to is waited for. */
START_TEST(a_busy_guest_is_taken_into_the_plan)
{
	_cleanup_scene_ struct scene s;
	struct uuid uuid = scene_uuid(1);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_domain(&s, "a", 1);
	scene_build(&s);
	inventory_set_busy(s.inventory, &uuid, 0);
	expect_plan(&s, GOAL_START, NULL, "a: create");
	s.domains->domains[0].shutdown = true;
	s.domains->domains[0].reason = SHUTDOWN_REASON_SUSPEND;
	scene_build(&s);
	inventory_set_busy(s.inventory, &uuid, 0);
	expect_plan(&s, GOAL_START, NULL, "a: create");
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all");
}
END_TEST

START_TEST(a_shown_start_promises_nothing_for_a_busy_guest)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_scene_ struct scene s;
	struct uuid uuid = scene_uuid(1);

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_domain(&s, "a", 1);
	scene_build(&s);
	inventory_set_busy(s.inventory, &uuid, 0);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_int_eq(plan_explain_waits(plan, s.inventory), 0);
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_int_eq(plan->steps[0].result, STEP_SKIPPED);
	ck_assert_uint_eq(plan->steps[0].n_stages, 0);
	ck_assert_ptr_nonnull(plan->steps[0].reason);
	ck_assert_int_eq(plan->steps[1].result, STEP_TODO);
	plan_freep(&plan);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_int_eq(plan_explain_waits(plan, s.inventory), 0);
	ck_assert_uint_gt(plan->steps[0].n_stages, 0);
}
END_TEST

START_TEST(a_shown_stop_resumes_nothing_that_another_tool_saves)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "a", 1);
	d = scene_domain(&s, "a", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	d->saver = true;
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert(step_has(&plan->steps[0], STAGE_RESUME));
	ck_assert_int_eq(plan_explain_waits(plan, s.inventory), 0);
	ck_assert(!step_has(&plan->steps[0], STAGE_RESUME));
	ck_assert(step_has(&plan->steps[0], STAGE_SAVE));
	ck_assert_ptr_nonnull(plan->steps[0].reason);
}
END_TEST

START_TEST(a_stop_saves_then_shuts_down_then_shuts_down_the_rest)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct step *step;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_domain(&s, "a", 1);
	scene_domain(&s, "x y", 2)->manager = DOMAIN_MANAGER_XL;
	scene_config(&s, "c", 3);
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL,
		    "a: save shutdown shutdown-all; x y: save shutdown shutdown-all");
	plan = scene_plan(&s, GOAL_STOP, NULL);
	step = scene_step(plan, 1);
	ck_assert_str_eq(step->image, "/var/lib/xen/save/a");
	ck_assert_uint_eq(step->domid, 1);
	ck_assert_uint_eq(step->memory_kib, 2048);
	ck_assert(step->wait && step->wait_all && !step->foreign);
	step = scene_step(plan, 2);
	ck_assert_str_eq(step->image, "/var/lib/xen/save/x%20y");
	ck_assert(step->foreign);
}
END_TEST

START_TEST(stages_that_are_switched_off_are_left_out)
{
	static const struct {
		bool save, shutdown, shutdown_all, auto_only;
		const char *of_auto, *of_others;
	} cases[] = {
		{true, true, true, false, "save shutdown shutdown-all",
		 "save shutdown shutdown-all"},
		{true, true, true, true, "save shutdown shutdown-all", "shutdown-all"},
		{true, true, false, true, "save shutdown", "skipped"},
		{false, true, true, false, "shutdown shutdown-all", "shutdown shutdown-all"},
		{false, false, true, false, "shutdown-all", "shutdown-all"},
		{true, false, false, false, "save", "save"},
		{false, false, false, false, "skipped", "skipped"},
		{false, false, false, true, "skipped", "skipped"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_scene_ struct scene s;
		char expected[200];

		scene_make(&s);
		scene_config(&s, "a", 1);
		scene_domain(&s, "a", 1);
		scene_domain(&s, "b", 2);
		scene_build(&s);
		if (!cases[i].save)
			free(TAKE_PTR(s.config->save));
		s.config->shutdown.enabled = cases[i].shutdown;
		s.config->shutdown_all.enabled = cases[i].shutdown_all;
		s.config->auto_only = cases[i].auto_only;
		snprintf(expected, sizeof(expected), "a: %s; b: %s", cases[i].of_auto,
			 cases[i].of_others);
		expect_plan(&s, GOAL_STOP, NULL, expected);
	}
}
END_TEST

/* A file system that is not mounted looks like an empty directory. */
START_TEST(guests_of_auto_stay_in_scope_while_no_configuration_can_be_read)
{
	static const struct {
		const char *source, *other;
		bool broken, spared;
	} cases[] = {
		{"/auto/a.cfg", NULL, false, false},
		{"/auto/a.cfg", "b", true, false},
		{"/auto/a.cfg", "b", false, true},
		/* It was restored when there was no configuration already. */
		{"/save/a", NULL, false, false},
		{"/save/a", "b", false, true},
		{"/elsewhere/a.cfg", NULL, false, true},
		{"/auto/below/a.cfg", NULL, false, true},
		{"/auto", NULL, false, true},
		{"/autos/a.cfg", NULL, false, true},
		{NULL, NULL, false, true},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		s.config->auto_only = true;
		s.config->shutdown_all.enabled = false;
		ck_assert_int_eq(str_replace(&s.config->autostart, "/auto"), 0);
		ck_assert_int_eq(str_replace(&s.config->save, "/save"), 0);
		ck_assert_int_eq(str_replace(&scene_domain(&s, "a", 1)->source, cases[i].source),
				 0);
		if (cases[i].other) {
			struct survey_config *c = scene_config(&s, cases[i].other, 2);

			ck_assert_int_eq(str_replace(&c->error, cases[i].broken ? "x" : NULL), 0);
		}
		scene_build(&s);
		expect_plan(&s, GOAL_STOP, NULL,
			    cases[i].spared ? "a: skipped" : "a: save shutdown");
		/* Who wants no configurations has no guest among them. */
		free(TAKE_PTR(s.config->autostart));
		expect_plan(&s, GOAL_STOP, NULL, "a: skipped");
		expect_reason(&s, GOAL_STOP, "a", "XENDOMAINS_AUTO");
	}
}
END_TEST

START_TEST(whether_a_stage_waits_is_its_own_setting)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *all = NULL, *named = NULL;

	scene_make(&s);
	scene_domain(&s, "a", 1);
	scene_build(&s);
	s.config->shutdown.wait = false;
	all = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert(!all->steps[0].wait && all->steps[0].wait_all);
	/* Whoever names a guest wants to know. */
	named = scene_plan(&s, GOAL_STOP, "a");
	ck_assert(named->steps[0].wait);
}
END_TEST

START_TEST(a_guest_is_prepared_only_for_stages_that_there_are)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "a", 1)->paused = true;
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL, "a: unpause save shutdown shutdown-all");
	s.config->sysrq = strdup("su");
	expect_plan(&s, GOAL_STOP, NULL, "a: unpause sysrq save shutdown shutdown-all");
	free(TAKE_PTR(s.config->save));
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, NULL, "a: unpause sysrq");
	free(TAKE_PTR(s.config->sysrq));
	expect_plan(&s, GOAL_STOP, NULL, "a: skipped");
}
END_TEST

START_TEST(only_a_guest_that_was_to_be_shut_down_is_destroyed)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "a", 1);
	scene_build(&s);
	s.config->guests.forced_destroy = true;
	expect_plan(&s, GOAL_STOP, NULL, "a: save shutdown shutdown-all destroy");
	expect_plan(&s, GOAL_STOP, "a", "a: save shutdown destroy");
	s.config->shutdown.enabled = s.config->shutdown_all.enabled = false;
	expect_plan(&s, GOAL_STOP, NULL, "a: save");
}
END_TEST

START_TEST(driver_domains_come_first_and_go_last)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *start = NULL, *stop = NULL;

	scene_make(&s);
	scene_config(&s, "created", 1)->driver = true;
	scene_image(&s, "restored", 2)->driver = true;
	scene_config(&s, "user", 3);
	scene_domain(&s, "running", 4)->driver = true;
	scene_domain(&s, "served", 5);
	scene_build(&s);
	start = scene_plan(&s, GOAL_START, NULL);
	ck_assert_uint_lt(scene_step(start, 1)->wave, scene_step(start, 3)->wave);
	ck_assert_uint_lt(scene_step(start, 2)->wave, scene_step(start, 3)->wave);
	stop = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_uint_gt(scene_step(stop, 4)->wave, scene_step(stop, 5)->wave);
}
END_TEST

START_TEST(libvirts_guests_are_left_to_libvirt_unless_forced)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL, *forced = NULL;
	_cleanup_free_ char *words = NULL;

	scene_make(&s);
	scene_domain(&s, "a", 1)->manager = DOMAIN_MANAGER_LIBVIRT;
	scene_build(&s);
	expect_plan(&s, GOAL_STOP, NULL, "a: skipped");
	plan = scene_plan(&s, GOAL_STOP, "a");
	ck_assert_int_eq(scene_step(plan, 1)->result, STEP_FAILED);
	ck_assert_uint_eq(scene_step(plan, 1)->n_stages, 0);
	forced = scene_plan(&s, GOAL_STOP_FORCED, "a");
	ck_assert_int_eq(forced->goal, GOAL_STOP);
	words = plan_in_words(forced);
	ck_assert_str_eq(words, "a: save shutdown");
}
END_TEST

START_TEST(what_has_ended_is_cleaned_up_or_left_alone)
{
	static const struct {
		struct domain d;
		const char *expected;
	} cases[] = {
		{{.dying = true}, "skipped"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_POWEROFF}, "clean"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_REBOOT}, "clean"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND},
		 "resume save shutdown shutdown-all"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND, .saver = true},
		 "resume save shutdown shutdown-all"},
		{{.paused = true, .cpu_time = 1}, "unpause save shutdown shutdown-all"},
		{{.paused = true}, "unpause save shutdown shutdown-all"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_CRASH, .on_crash = DEATH_PRESERVE},
		 "skipped"},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_CRASH, .manager = DOMAIN_MANAGER_XL},
		 "clean"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_scene_ struct scene s;
		char expected[200];
		struct domain *d;

		scene_make(&s);
		d = scene_domain(&s, "a", 1);
		d->dying = cases[i].d.dying;
		d->shutdown = cases[i].d.shutdown;
		d->reason = cases[i].d.reason;
		d->on_crash = cases[i].d.on_crash;
		d->manager = cases[i].d.manager;
		d->paused = cases[i].d.paused;
		d->cpu_time = cases[i].d.cpu_time;
		d->saver = cases[i].d.saver;
		scene_build(&s);
		snprintf(expected, sizeof(expected), "a: %s", cases[i].expected);
		expect_plan(&s, GOAL_STOP, NULL, expected);
	}
}
END_TEST

START_TEST(a_named_guest_is_stopped_whatever_is_configured)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_build(&s);
	s.config->auto_only = true;
	s.config->shutdown.enabled = false;
	expect_plan(&s, GOAL_STOP, "a", "a: save");
	free(TAKE_PTR(s.config->save));
	expect_plan(&s, GOAL_STOP, "a", "a: shutdown");
	expect_plan(&s, GOAL_STOP, "b", "b: ok");
}
END_TEST

START_TEST(a_guest_named_twice_appears_once)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct uuid uuid = scene_uuid(1);
	const char *names[] = {"a", "b", "a", UUID_TEXT(&uuid)};
	const char *broken[] = {"c.cfg", "c.cfg"};

	scene_make(&s);
	scene_domain(&s, "a", 1);
	scene_domain(&s, "b", 2);
	scene_config(&s, "c", 0)->error = strdup("/auto/c.cfg: nonsense");
	scene_build(&s);
	ck_assert_int_eq(plan_build(GOAL_STOP, s.config, s.inventory, names, 4, &plan), 0);
	ck_assert_uint_eq(plan->n_steps, 2);
	plan_free(TAKE_PTR(plan));
	ck_assert_int_eq(plan_build(GOAL_START, s.config, s.inventory, broken, 2, &plan), 0);
	ck_assert_uint_eq(plan->n_steps, 1);
}
END_TEST

START_TEST(a_name_that_nobody_has_costs_itself_only)
{
	_cleanup_scene_ struct scene s;
	const char *names[] = {"nobody", "a"};
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_build(&s);
	ck_assert_int_eq(plan_build(GOAL_START, s.config, s.inventory, names, 2, &plan), 0);
	ck_assert_uint_eq(plan->n_steps, 2);
	ck_assert_str_eq(plan->steps[0].name, "nobody");
	ck_assert_int_eq(plan->steps[0].result, STEP_FAILED);
	ck_assert(uuid_is_null(&plan->steps[0].uuid));
	ck_assert_int_eq(plan->steps[1].result, STEP_TODO);
}
END_TEST

START_TEST(a_name_that_is_no_file_name_is_saved_under_its_uuid)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	char name[300];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	scene_make(&s);
	scene_domain(&s, name, 1);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_STOP, NULL);
	ck_assert_str_eq(plan->steps[0].image,
			 "/var/lib/xen/save/00000000-0000-0000-0000-000000000001");
}
END_TEST

START_TEST(a_reaction_knows_its_domain_and_where_it_comes_from)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	scene_domain(&s, "a", 7)->source = strdup("/auto/a.cfg");
	scene_build(&s);
	ck_assert_int_eq(plan_reaction(s.config, scene_guest(&s, 7), DEATH_RESTART, &plan), 0);
	ck_assert_int_eq(plan->goal, GOAL_REACT);
	ck_assert_uint_eq(plan->n_steps, 1);
	ck_assert_str_eq(plan->steps[0].name, "a");
	ck_assert_str_eq(plan->steps[0].source, "/auto/a.cfg");
	ck_assert_uint_eq(plan->steps[0].domid, 7);
	ck_assert_uint_eq(plan->steps[0].n_stages, 1);
	ck_assert_int_eq(plan->steps[0].stages[0], STAGE_RESTART);
}
END_TEST

START_TEST(each_action_has_its_stage_and_what_goes_with_it)
{
	static const struct {
		enum death_action action;
		enum stage stage;
		bool dump, preserve;
	} cases[] = {
		{DEATH_DESTROY, STAGE_CLEAN, false, false},
		{DEATH_RESTART, STAGE_RESTART, false, false},
		{DEATH_RENAME_RESTART, STAGE_RESTART, false, true},
		{DEATH_COREDUMP_DESTROY, STAGE_CLEAN, true, false},
		{DEATH_COREDUMP_RESTART, STAGE_RESTART, true, false},
		{DEATH_SOFT_RESET, STAGE_SOFT_RESET, false, false},
	};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "../a", 7);
	scene_build(&s);
	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(plan_freep) struct plan *plan = NULL;

		ck_assert_int_eq(
			plan_reaction(s.config, scene_guest(&s, 7), cases[i].action, &plan), 0);
		ck_assert_int_eq(plan->steps[0].stages[0], cases[i].stage);
		ck_assert_uint_eq(plan->steps[0].n_stages, 1);
		ck_assert_int_eq(plan->steps[0].preserve, cases[i].preserve);
		/* What a guest is called is no path. */
		ck_assert_pstr_eq(plan->steps[0].dump,
				  cases[i].dump ? "/var/lib/xen/dump/%2E.%2Fa" : NULL);
	}
}
END_TEST

START_TEST(without_a_folder_there_is_no_dump)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;

	scene_make(&s);
	free(s.config->dumps);
	s.config->dumps = NULL;
	scene_domain(&s, "a", 7);
	scene_build(&s);
	ck_assert_int_eq(plan_reaction(s.config, scene_guest(&s, 7), DEATH_COREDUMP_RESTART, &plan),
			 0);
	ck_assert_ptr_null(plan->steps[0].dump);
	ck_assert_int_eq(plan->steps[0].stages[0], STAGE_RESTART);
}
END_TEST

START_TEST(a_guest_whose_restart_is_put_off_is_restarted_by_a_start)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "a", 7);
	d = scene_domain(&s, "a", 7);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	d->on_crash = DEATH_RENAME_RESTART;
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_int_eq(scene_step(plan, 7)->stages[0], STAGE_RESTART);
	ck_assert(scene_step(plan, 7)->preserve);
	ck_assert_uint_eq(scene_step(plan, 7)->domid, 7);
	/* What is preserved as configured is not. */
	d->on_crash = DEATH_PRESERVE;
	scene_build(&s);
	plan_free(plan);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_int_eq(scene_step(plan, 7)->result, STEP_FAILED);
	/* Nor is the guest of somebody else. */
	d->on_crash = DEATH_RESTART;
	d->manager = DOMAIN_MANAGER_XL;
	scene_build(&s);
	plan_free(plan);
	plan = scene_plan(&s, GOAL_START, NULL);
	ck_assert_int_eq(scene_step(plan, 7)->result, STEP_FAILED);
}
END_TEST

static bool is_called(const void *name, const struct step *step)
{
	return str_equal(step->name, name);
}

START_TEST(dropping_keeps_the_order_of_the_rest)
{
	_cleanup_scene_ struct scene s;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *words = NULL;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_config(&s, "c", 3);
	scene_build(&s);
	plan = scene_plan(&s, GOAL_START, NULL);
	plan_drop(plan, is_called, "b");
	words = plan_in_words(plan);
	ck_assert_str_eq(words, "a: create; c: create");
	plan_drop(plan, is_called, "c");
	plan_drop(plan, is_called, "a");
	ck_assert_uint_eq(plan->n_steps, 0);
}
END_TEST

static void expect_order(const struct scene *s, enum goal goal, const char *names)
{
	_cleanup_(plan_freep) struct plan *plan = scene_plan(s, goal, NULL);
	char order[200] = "";

	for (size_t i = 0; i < plan->n_steps; i++)
		snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s%s", i ? " " : "",
			 plan->steps[i].name);
	ck_assert_str_eq(order, names);
}

START_TEST(the_largest_guest_is_saved_and_restored_first_and_creates_keep_their_order)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "a", 1)->memory_kib = 100;
	scene_domain(&s, "b", 2)->memory_kib = 300;
	scene_domain(&s, "net", 3)->memory_kib = 900;
	s.domains->domains[2].driver = true;
	scene_domain(&s, "c", 4)->memory_kib = 200;
	scene_build(&s);
	expect_order(&s, GOAL_STOP, "b c net a");
	while (s.domains->n > 0)
		domain_done(&s.domains->domains[--s.domains->n]);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2)->memory_kib = 1 << 20;
	scene_config(&s, "c", 4)->memory_kib = 2 << 20;
	scene_config(&s, "d", 5);
	scene_image(&s, "a", 1)->size = 100 << 20;
	scene_image(&s, "d", 5)->size = 200 << 20;
	scene_build(&s);
	expect_order(&s, GOAL_START, "d b c a");
	/* It is compressed. */
	s.survey->configs[0].memory_kib = 300 << 10;
	scene_build(&s);
	expect_order(&s, GOAL_START, "a b c d");
}
END_TEST

SUITE("plan", names_of_stages_and_goals_are_complete,
      a_start_restores_what_is_saved_and_creates_the_rest, a_create_has_all_that_it_needs,
      what_cannot_be_started_says_why, a_guest_without_a_uuid_is_not_created,
      a_dead_domain_in_the_way_is_told, a_busy_guest_is_taken_into_the_plan,
      a_shown_start_promises_nothing_for_a_busy_guest,
      a_shown_stop_resumes_nothing_that_another_tool_saves,
      a_stop_saves_then_shuts_down_then_shuts_down_the_rest,
      stages_that_are_switched_off_are_left_out,
      guests_of_auto_stay_in_scope_while_no_configuration_can_be_read,
      whether_a_stage_waits_is_its_own_setting, a_guest_is_prepared_only_for_stages_that_there_are,
      only_a_guest_that_was_to_be_shut_down_is_destroyed, driver_domains_come_first_and_go_last,
      libvirts_guests_are_left_to_libvirt_unless_forced, what_has_ended_is_cleaned_up_or_left_alone,
      a_named_guest_is_stopped_whatever_is_configured, a_guest_named_twice_appears_once,
      a_name_that_nobody_has_costs_itself_only, a_name_that_is_no_file_name_is_saved_under_its_uuid,
      each_action_has_its_stage_and_what_goes_with_it, without_a_folder_there_is_no_dump,
      a_guest_whose_restart_is_put_off_is_restarted_by_a_start,
      a_reaction_knows_its_domain_and_where_it_comes_from, dropping_keeps_the_order_of_the_rest,
      the_largest_guest_is_saved_and_restored_first_and_creates_keep_their_order);
