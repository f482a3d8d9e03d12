/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/advice.h"
#include "scene.h"
#include "unit.h"

/* A command that is told without a condition must be right, whatever else is the case. */

static void expect_advice(struct scene *s, const char *expected)
{
	_cleanup_free_ char *command = NULL;
	const struct guest *g;
	enum guest_state state;
	const char *reason;

	scene_build(s);
	g = scene_guest(s, 1);
	state = guest_state(g, &reason);
	ck_assert_int_eq(advice_find(s->config, g, state, &command), 0);
	ck_assert_pstr_eq(command, expected);
}

START_TEST(what_is_down_is_started_by_its_name)
{
	static const struct {
		const char *name, *command;
	} cases[] = {
		{"web", "xendomainsctl start web"},
		{"we b", "xendomainsctl start we\\ b"},
		{"--all", "xendomainsctl start -- --all"},
		{"we\nb", NULL},
		{"we\033b", NULL},
		{"we\xc2\x9b"
		 "b",
		 NULL},
		{"we\xe2\x80\xae"
		 "b",
		 NULL},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const struct uuid web = scene_uuid(1);
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		scene_config(&s, cases[i].name, 1);
		expect_advice(&s, cases[i].command);
		ck_assert_int_eq(ledger_set_failure(s.history, &web, "no memory", 70), 0);
		expect_advice(&s, cases[i].command);
	}
}
END_TEST

/* The reason in full has each of these parts; none: it says all as it is. */
static void expect_story(struct scene *s, const char *const *parts)
{
	_cleanup_free_ char *text = NULL;
	const struct guest *g;
	const char *reason;

	scene_build(s);
	g = scene_guest(s, 1);
	guest_state(g, &reason);
	ck_assert_int_eq(advice_explain(s->config, g, reason, &text), 0);
	ck_assert(!text == !parts[0]);
	for (; *parts; parts++)
		ck_assert_msg(strstr(text, *parts), "%s: %s", text, *parts);
}

START_TEST(the_choices_with_a_broken_image_are_told_and_none_is_advised)
{
	static const char *const choices[] = {"damaged", "'xendomainsctl start we\\ b'",
					      "'xendomainsctl start --cold we\\ b'", NULL};
	static const char *const choice[] = {"damaged", "'xendomainsctl start we\\ b'", NULL};
	static const char *const none[] = {NULL};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_image(&s, "we b", 1);
	expect_story(&s, none);
	s.survey->images[0].error = strdup("damaged");
	expect_story(&s, choice);
	expect_advice(&s, NULL);
	scene_config(&s, "we b", 1);
	expect_story(&s, choices);
	expect_advice(&s, NULL);
}
END_TEST

START_TEST(a_name_in_a_reason_is_no_option)
{
	static const char *const choices[] = {"'xendomainsctl start -- -x'",
					      "'xendomainsctl start --cold -- -x'", NULL};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "-x", 1);
	scene_image(&s, "-x", 1)->error = strdup("damaged");
	expect_story(&s, choices);
}
END_TEST

START_TEST(a_domain_that_is_kept_tells_why_and_how_to_go_on)
{
	static const char *const kept[] = {"crash", "on_crash=\"preserve\"", "'xl destroy 1'",
					   "'xendomainsctl start web'", NULL};
	static const char *const none[] = {NULL};
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	d = scene_domain(&s, "web", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	d->on_crash = DEATH_DESTROY;
	expect_story(&s, none);
	d->on_crash = DEATH_PRESERVE;
	expect_story(&s, kept);
	/* A start was tried all the same. */
	ck_assert_int_eq(ledger_set_failure(s.history, &web, "it is in the way", 70), 0);
	expect_story(&s, kept);
	expect_advice(&s, NULL);
}
END_TEST

START_TEST(what_a_restart_has_left_is_no_matter_of_preserve)
{
	static const char *const left[] = {"on_crash=\"rename-restart\"", "'xl destroy 1'", NULL};
	static const char *const kept[] = {"on_crash=\"preserve\"", "'xl destroy 1'", NULL};
	const struct uuid old = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	d = scene_domain(&s, "web-20260102T030405Z", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	d->on_poweroff = d->on_reboot = d->on_watchdog = DEATH_PRESERVE;
	d->on_crash = d->on_soft_reset = DEATH_PRESERVE;
	expect_story(&s, left);
	/* Its configuration says so. */
	ck_assert_int_eq(lives_begin(ledger_lives(s.history, &old), &UUID_NULL, "web", 80, 1,
				     &(struct uuid){.bytes = {9}}),
			 0);
	expect_story(&s, kept);
}
END_TEST

/* It may be writing a dump, which ends with the domain. */
START_TEST(no_command_is_told_for_a_domain_that_xl_has)
{
	static const char *const words[] = {"crash", "xl has its domain 1", "dump", NULL};
	_cleanup_free_ char *text = NULL;
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	d = scene_domain(&s, "web", 1);
	d->manager = DOMAIN_MANAGER_XL;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	expect_story(&s, words);
	ck_assert_int_eq(advice_explain(s.config, scene_guest(&s, 1), NULL, &text), 0);
	ck_assert_ptr_null(strchr(text, '\''));
	ck_assert_ptr_null(strstr(text, "kept"));
	expect_advice(&s, NULL);
}
END_TEST

START_TEST(a_restart_that_failed_is_made_good_by_a_start)
{
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	d = scene_domain(&s, "web", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_CRASH;
	d->on_crash = DEATH_RESTART;
	expect_advice(&s, NULL);
	ck_assert_int_eq(ledger_set_failure(s.history, &web, "restart failed: no memory", 70), 0);
	expect_advice(&s, "xendomainsctl start web");
}
END_TEST

START_TEST(a_start_is_not_advised_for_a_guest_that_may_run_elsewhere)
{
	const struct uuid web = scene_uuid(1);
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	ck_assert_int_eq(ledger_set_away(s.history, &web, "web", "host2", true), 0);
	expect_advice(&s, NULL);
	ledger_set_returned(s.history, &web);
	expect_advice(&s, "xendomainsctl start web");
	/* A record of its departure may be lost. */
	s.history->migrates = true;
	ck_assert_int_eq(ledger_doubt(s.history, "lost"), 0);
	expect_advice(&s, NULL);
}
END_TEST

START_TEST(a_cold_start_is_not_advised_where_another_tool_may_have_the_memory)
{
	static const enum life lives[] = {LIFE_SUSPENDED, LIFE_VANISHED};
	static const char *const choice[] = {"'xendomainsctl start web'", NULL};

	for (size_t i = 0; i < ELEMENTSOF(lives); i++) {
		const struct uuid web = scene_uuid(1);
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		scene_config(&s, "web", 1);
		lives_end(ledger_lives(s.history, &web), lives[i], 10, false);
		lives_go(ledger_lives(s.history, &web), 11);
		expect_advice(&s, NULL);
		expect_story(&s, choice);
		ck_assert_uint_gt(guest_since(scene_guest(&s, 1), GUEST_STOPPED, NULL), 0);
		/* A start was tried. */
		ck_assert_int_eq(ledger_set_failure(s.history, &web, "no memory", 70), 0);
		expect_story(&s, choice);
	}
}
END_TEST

START_TEST(a_start_that_would_lose_memory_is_not_advised)
{
	const struct uuid web = scene_uuid(1), id = scene_uuid(1001);
	const struct known_image image = {
		.id = id, .name = (char *)"web", .path = (char *)"/save/web"};
	static const char *const choice[] = {"'xendomainsctl start web'", NULL};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_image(&s, "web", 1);
	ck_assert_int_eq(lives_save(ledger_lives(s.history, &web), &image, 10), 0);
	expect_advice(&s, "xendomainsctl start web");
	s.config->restore = false;
	expect_advice(&s, NULL);
	expect_story(&s, choice);
}
END_TEST

/* A person may have paused it on purpose. */
START_TEST(a_domain_that_does_not_run_tells_how_it_can_go_on)
{
	static const struct {
		struct domain is;
		const char *parts[3];
	} cases[] = {
		{{.paused = true, .cpu_time = 1}, {"'xl unpause 1'"}},
		{{.paused = true}, {"'xl unpause 1'", "'xl destroy 1'"}},
		{{.paused = true, .unbuilt = true}, {"domain 1"}},
		{{.cpu_time = 1}, {NULL}},
	};
	const struct uuid web = scene_uuid(1);

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_scene_ struct scene s;
		struct domain *d;

		scene_make(&s);
		scene_config(&s, "web", 1);
		d = scene_domain(&s, "web", 1);
		d->paused = cases[i].is.paused;
		d->unbuilt = cases[i].is.unbuilt;
		d->cpu_time = cases[i].is.cpu_time;
		expect_story(&s, cases[i].parts);
		ck_assert_int_eq(ledger_set_remark(s.history, &web, "it was late", 70), 0);
		expect_story(&s, cases[i].parts);
	}
}
END_TEST

START_TEST(a_suspended_guest_is_resumed_by_a_start_unless_libvirt_may_migrate_it)
{
	static const char *const words[] = {"suspended", NULL};
	static const char *const none[] = {NULL};
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	d = scene_domain(&s, "web", 1);
	d->cpu_time = 1;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	expect_advice(&s, "xendomainsctl start web");
	expect_story(&s, words);
	d->manager = DOMAIN_MANAGER_LIBVIRT;
	expect_advice(&s, NULL);
	expect_story(&s, none);
	d->manager = DOMAIN_MANAGER_XENDOMAINSD;
	d->saver = true;
	expect_advice(&s, NULL);
	expect_story(&s, none);
	d->saver = false;
	d->saved = true;
	expect_advice(&s, NULL);
	expect_story(&s, none);
}
END_TEST

/* The image is there, and its guest is not restored from it. */
START_TEST(a_wanted_guest_that_a_start_refuses_tells_why)
{
	static const char *const choice[] = {"'xendomainsctl start --cold web'", NULL};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	s.survey->unreadable = strdup("no access");
	expect_advice(&s, NULL);
	expect_story(&s, choice);
}
END_TEST

START_TEST(no_start_is_advised_while_settings_are_refused)
{
	_cleanup_free_ char *command = NULL;
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_build(&s);
	ck_assert_int_eq(advice_find(NULL, scene_guest(&s, 1), GUEST_STOPPED, &command), 0);
	ck_assert_ptr_null(command);
}
END_TEST

START_TEST(nothing_is_advised_for_a_guest_with_a_domain)
{
	static const struct domain conditions[] = {
		{.paused = true, .unbuilt = true},
		{.paused = true},
		{.paused = true, .cpu_time = 1},
		{.shutdown = true, .reason = SHUTDOWN_REASON_CRASH},
		{.dying = true},
		{0},
	};

	for (size_t i = 0; i < ELEMENTSOF(conditions); i++) {
		_cleanup_scene_ struct scene s;
		struct domain *d;

		scene_make(&s);
		d = scene_domain(&s, "web", 1);
		d->paused = conditions[i].paused;
		d->unbuilt = conditions[i].unbuilt;
		d->cpu_time = conditions[i].cpu_time;
		d->shutdown = conditions[i].shutdown;
		d->reason = conditions[i].reason;
		d->dying = conditions[i].dying;
		expect_advice(&s, NULL);
	}
}
END_TEST

SUITE("advice", what_is_down_is_started_by_its_name,
      the_choices_with_a_broken_image_are_told_and_none_is_advised, a_name_in_a_reason_is_no_option,
      a_domain_that_is_kept_tells_why_and_how_to_go_on,
      what_a_restart_has_left_is_no_matter_of_preserve, no_command_is_told_for_a_domain_that_xl_has,
      a_restart_that_failed_is_made_good_by_a_start,
      a_start_is_not_advised_for_a_guest_that_may_run_elsewhere,
      a_cold_start_is_not_advised_where_another_tool_may_have_the_memory,
      a_start_that_would_lose_memory_is_not_advised,
      a_domain_that_does_not_run_tells_how_it_can_go_on,
      a_suspended_guest_is_resumed_by_a_start_unless_libvirt_may_migrate_it,
      a_wanted_guest_that_a_start_refuses_tells_why, no_start_is_advised_while_settings_are_refused,
      nothing_is_advised_for_a_guest_with_a_domain);
