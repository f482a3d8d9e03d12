/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/inventory-build.h"
#include "core/noticed.h"
#include "scene.h"
#include "unit.h"
#include "util/str.h"

START_TEST(every_state_has_a_name_of_its_own)
{
	for (int i = 0; i < _GUEST_STATE_MAX; i++) {
		ck_assert(!str_empty(guest_state_to_string((enum guest_state)i)));
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(guest_state_to_string((enum guest_state)i),
					 guest_state_to_string((enum guest_state)j));
	}
}
END_TEST

START_TEST(what_belongs_together_is_one_guest)
{
	_cleanup_scene_ struct scene s;
	const struct guest *g;

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_image(&s, "web", 1);
	scene_domain(&s, "web", 1);
	ck_assert_int_eq(ledger_set_failure(s.history, &s.survey->images[0].uuid, "x", 7), 0);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 1);
	g = scene_guest(&s, 1);
	ck_assert_ptr_eq(g->config, &s.survey->configs[0]);
	ck_assert_ptr_eq(g->image, &s.survey->images[0]);
	ck_assert_ptr_eq(g->domain, &s.domains->domains[0]);
	ck_assert_str_eq(g->past->failure, "x");
	ck_assert_str_eq(g->name, "web");
	ck_assert_ptr_null(g->conflict);
}
END_TEST

START_TEST(what_cannot_be_looked_up_is_not_taken_for_what_is_not_there)
{
	_cleanup_scene_ struct scene s;
	struct inventory *inventory = NULL;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_domain(&s, "a", 1);
	ck_assert_int_eq(inventory_build(s.survey, s.domains, s.history, &inventory), -EINVAL);
	ck_assert_int_eq(survey_index(s.survey), 0);
	ck_assert_int_eq(inventory_build(s.survey, s.domains, s.history, &inventory), -EINVAL);
	ck_assert_int_eq(domain_list_index(s.domains), 0);
	ck_assert_int_eq(inventory_build(s.survey, s.domains, s.history, &inventory), 0);
	inventory_free(inventory);
}
END_TEST

START_TEST(guests_come_in_the_order_of_their_files)
{
	_cleanup_scene_ struct scene s;
	static const unsigned expected[] = {3, 1, 2, 5, 4, 7, 6};

	scene_make(&s);
	scene_config(&s, "b", 1);
	scene_config(&s, "c", 2);
	scene_config(&s, "a", 3);
	scene_image(&s, "z", 4);
	scene_image(&s, "y", 5);
	scene_domain(&s, "x", 7);
	scene_domain(&s, "w", 6);
	scene_domain(&s, "b", 1);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, ELEMENTSOF(expected));
	for (size_t i = 0; i < ELEMENTSOF(expected); i++)
		ck_assert_ptr_eq(&s.inventory->guests[i], scene_guest(&s, expected[i]));
}
END_TEST

START_TEST(dom0_and_its_like_are_no_guests)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_domain(&s, "Domain-0", 0)->system = true;
	scene_domain(&s, "stubdom", 5)->system = true;
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 0);
}
END_TEST

START_TEST(a_configuration_without_a_uuid_is_the_guest_of_its_name)
{
	struct uuid drawn = scene_uuid(9);
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 0);
	scene_build(&s);
	ck_assert(uuid_is_null(&s.inventory->guests[0].uuid));

	ck_assert_int_eq(ledger_set_drawn(s.history, "web", &drawn), 0);
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 9)->config);

	/* Saved under another one, it is that. */
	scene_image(&s, "web", 2);
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 2)->config);
	ck_assert_ptr_null(scene_guest(&s, 9));

	/* And before that, the one that runs. */
	scene_domain(&s, "web", 3);
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 3)->config);
	ck_assert_ptr_null(scene_guest(&s, 2)->config);
	s.domains->domains[0].dying = true;
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 2)->config);
	s.domains->domains[0] = (struct domain){
		.name = s.domains->domains[0].name, .uuid = scene_uuid(3), .system = true};
	scene_build(&s);
	ck_assert_ptr_nonnull(scene_guest(&s, 2)->config);
}
END_TEST

START_TEST(a_uuid_in_the_file_counts_more_than_a_name)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_domain(&s, "web", 2);
	scene_image(&s, "web", 3);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 3);
	ck_assert_ptr_null(scene_guest(&s, 1)->domain);
	ck_assert_ptr_null(scene_guest(&s, 1)->image);
	ck_assert_ptr_null(scene_guest(&s, 2)->config);
}
END_TEST

START_TEST(two_files_of_one_uuid_are_both_refused)
{
	struct uuid uuid = scene_uuid(1);
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 1);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 2);
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[0].conflict, "/auto/b.cfg"));
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[1].conflict, "/auto/a.cfg"));
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[1].conflict, UUID_TEXT(&uuid)));
	ck_assert(uuid_is_null(&s.inventory->guests[1].uuid));
}
END_TEST

START_TEST(two_files_of_one_name_are_both_refused)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	scene_config(&s, "b", 2);
	scene_build(&s);
	ck_assert_ptr_null(s.inventory->guests[0].conflict);
	ck_assert_int_eq(str_replace(&s.survey->configs[1].name, "a"), 0);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 2);
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[0].conflict, "/auto/b.cfg"));
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[1].conflict, "/auto/a.cfg"));
}
END_TEST

START_TEST(two_files_of_one_name_without_uuids_are_both_refused)
{
	struct uuid drawn = scene_uuid(9);
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 0);
	scene_config(&s, "b", 0);
	ck_assert_int_eq(str_replace(&s.survey->configs[1].name, "a"), 0);
	ck_assert_int_eq(ledger_set_drawn(s.history, "a", &drawn), 0);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 2);
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[0].conflict, "/auto/b.cfg"));
	ck_assert_ptr_nonnull(strstr(s.inventory->guests[1].conflict, "/auto/a.cfg"));
}
END_TEST

/* A configuration that cannot be read. Valid until the next one is added. */
static struct survey_config *broken_config(struct scene *s, const char *path)
{
	struct survey_config *c = scene_config(s, "broken", 0);

	ck_assert_int_eq(str_replace(&c->path, path), 0);
	ck_assert_int_eq(str_replace(&c->error, "nonsense"), 0);
	free(TAKE_PTR(c->name));
	return c;
}

START_TEST(a_file_that_cannot_be_read_conflicts_with_nothing)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "a", 1);
	broken_config(&s, "/auto/b.cfg");
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 2);
	ck_assert_ptr_null(s.inventory->guests[0].conflict);
	ck_assert_ptr_null(s.inventory->guests[1].conflict);
	ck_assert_str_eq(s.inventory->guests[1].name, "b.cfg");
	ck_assert(uuid_is_null(&s.inventory->guests[1].uuid));
}
END_TEST

/* Where only guests of XENDOMAINS_AUTO are saved, a typo there must not cost a guest its memory. */
START_TEST(a_guest_whose_configuration_may_be_the_broken_one_is_known)
{
	_cleanup_scene_ struct scene s;
	struct survey_config *c;

	scene_make(&s);
	c = broken_config(&s, "/auto/broken.cfg");
	ck_assert_int_eq(str_replace(&scene_domain(&s, "made-of-it", 1)->source, c->path), 0);
	scene_domain(&s, "other", 2);
	scene_build(&s);
	ck_assert(scene_guest(&s, 1)->unlisted);
	ck_assert(!scene_guest(&s, 2)->unlisted);
	/* One that was not even read may be of whoever tells of none. */
	s.survey->configs[0].unanswered = true;
	scene_build(&s);
	ck_assert(scene_guest(&s, 2)->unlisted);
	s.survey->configs[0].unanswered = false;
	s.survey->unlisted = true;
	scene_config(&s, "listed", 3);
	scene_build(&s);
	ck_assert(scene_guest(&s, 1)->unlisted);
	ck_assert(scene_guest(&s, 2)->unlisted);
	ck_assert(!scene_guest(&s, 3)->unlisted);
}
END_TEST

START_TEST(a_guest_whose_configuration_is_a_link_without_a_target_is_known)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "listed", 3);
	ck_assert_int_eq(survey_add_dangling(s.survey, "/auto/link.cfg"), 0);
	ck_assert_int_eq(str_replace(&scene_domain(&s, "made-of-it", 1)->source, "/auto/link.cfg"),
			 0);
	ck_assert_int_eq(str_replace(&scene_domain(&s, "removed", 2)->source, "/auto/other.cfg"),
			 0);
	scene_domain(&s, "by-hand", 4);
	scene_build(&s);
	ck_assert(scene_guest(&s, 1)->unlisted);
	ck_assert(!scene_guest(&s, 2)->unlisted);
	ck_assert(!scene_guest(&s, 4)->unlisted);
}
END_TEST

/* A name in XenStore is what counts; while a domain dies it has none any more. */
START_TEST(a_renamed_guest_goes_by_its_new_name)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "web", 1);
	ck_assert_int_eq(str_replace(&scene_domain(&s, "web-new", 1)->source, "/auto/web.cfg"), 0);
	scene_build(&s);
	ck_assert_str_eq(scene_guest(&s, 1)->name, "web-new");
	s.domains->domains[0].dying = true;
	free(TAKE_PTR(s.domains->domains[0].name));
	scene_build(&s);
	ck_assert_str_eq(scene_guest(&s, 1)->name, "web");
}
END_TEST

START_TEST(a_nameless_domain_has_something_to_show)
{
	_cleanup_scene_ struct scene s;
	struct domain *d;

	scene_make(&s);
	d = scene_domain(&s, "x", 1);
	free(TAKE_PTR(d->name));
	scene_build(&s);
	ck_assert_str_eq(scene_guest(&s, 1)->name, "(null)");
}
END_TEST

START_TEST(a_living_domain_counts_more_than_a_dying_one)
{
	for (int turn = 0; turn < 2; turn++) {
		_cleanup_scene_ struct scene s;

		scene_make(&s);
		scene_domain(&s, "web", 1)->dying = turn == 0;
		scene_domain(&s, "web", 2)->dying = turn == 1;
		s.domains->domains[1].uuid = scene_uuid(1);
		scene_build(&s);
		ck_assert_uint_eq(s.inventory->n, 1);
		ck_assert_uint_eq(scene_guest(&s, 1)->domain->domid, turn == 0 ? 2 : 1);
	}
}
END_TEST

START_TEST(a_broken_image_belongs_to_the_guest_of_its_name)
{
	_cleanup_scene_ struct scene s;
	struct survey_image *i;

	scene_make(&s);
	scene_config(&s, "web", 1);
	i = scene_image(&s, "web", 0);
	i->error = strdup("torn");
	i = scene_image(&s, "unknown", 0);
	i->error = strdup("torn");
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 2);
	ck_assert_str_eq(scene_guest(&s, 1)->image->error, "torn");
	ck_assert_str_eq(s.inventory->guests[1].name, "unknown");
}
END_TEST

START_TEST(a_file_that_is_no_image_is_nobodys_unless_it_is_in_the_way)
{
	_cleanup_scene_ struct scene s;
	struct survey_image *i;

	scene_make(&s);
	scene_config(&s, "web", 1);
	i = scene_image(&s, "web", 0);
	i->error = strdup("no image");
	i->foreign = true;
	i = scene_image(&s, "lost+found", 0);
	i->error = strdup("no image");
	i->foreign = true;
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 1);
	ck_assert_ptr_nonnull(scene_guest(&s, 1)->image);
}
END_TEST

START_TEST(of_two_images_none_counts_if_either_may_be_the_newest)
{
	_cleanup_scene_ struct scene s;
	const char *reason;

	scene_make(&s);
	scene_image(&s, "a", 1)->error = strdup("torn");
	scene_image(&s, "b", 1)->id = scene_uuid(7);
	scene_build(&s);
	ck_assert_uint_eq(s.inventory->n, 1);
	ck_assert_ptr_nonnull(scene_guest(&s, 1)->hold);
	ck_assert_int_eq(guest_state(scene_guest(&s, 1), &reason), GUEST_FAILED);
}
END_TEST

START_TEST(guests_are_found_by_name_and_by_uuid)
{
	_cleanup_scene_ struct scene s;
	struct uuid uuid = scene_uuid(1), other = scene_uuid(7);

	scene_make(&s);
	scene_config(&s, "web", 1);
	scene_build(&s);
	ck_assert_ptr_eq(inventory_find_named(s.inventory, "web"), scene_guest(&s, 1));
	ck_assert_ptr_eq(inventory_find_named(s.inventory, UUID_TEXT(&uuid)), scene_guest(&s, 1));
	ck_assert_ptr_null(inventory_find_named(s.inventory, "we"));
	ck_assert_ptr_null(inventory_find_named(s.inventory, ""));
	ck_assert_ptr_null(inventory_find_named(s.inventory, UUID_TEXT(&other)));
	ck_assert_ptr_null(inventory_find(s.inventory, &UUID_NULL));
	inventory_set_busy(s.inventory, &other, 0);
	ck_assert(!scene_guest(&s, 1)->busy);
	inventory_set_busy(s.inventory, &uuid, 0);
	ck_assert(scene_guest(&s, 1)->busy);
}
END_TEST

/* Otherwise "stop web" would find what does not run, and say that all is well. */
START_TEST(a_broken_file_called_like_a_guest_does_not_hide_it)
{
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	broken_config(&s, "/auto/web");
	scene_build(&s);
	ck_assert_ptr_eq(inventory_find_named(s.inventory, "web"), &s.inventory->guests[0]);
	scene_domain(&s, "web", 1);
	scene_build(&s);
	ck_assert_str_eq(s.inventory->guests[0].name, "web");
	ck_assert_ptr_eq(inventory_find_named(s.inventory, "web"), scene_guest(&s, 1));
}
END_TEST

START_TEST(a_guest_may_be_called_like_a_uuid)
{
	_cleanup_scene_ struct scene s;
	struct uuid uuid = scene_uuid(7);

	scene_make(&s);
	scene_config(&s, UUID_TEXT(&uuid), 1);
	scene_build(&s);
	ck_assert_ptr_eq(inventory_find_named(s.inventory, UUID_TEXT(&uuid)), scene_guest(&s, 1));
}
END_TEST

START_TEST(the_state_of_a_domain_is_told)
{
	static const struct {
		struct domain d;
		enum guest_state state;
		bool alive;
	} cases[] = {
		{{.domid = 1}, GUEST_RUNNING, true},
		{{.paused = true}, GUEST_PAUSED, true},
		{{.dying = true, .shutdown = true}, GUEST_DYING, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_POWEROFF}, GUEST_STOPPED, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_REBOOT}, GUEST_STOPPED, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SOFT_RESET}, GUEST_STOPPED, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND}, GUEST_SUSPENDED, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND, .saver = true},
		 GUEST_SAVING,
		 false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_CRASH}, GUEST_CRASHED, false},
		{{.shutdown = true, .reason = SHUTDOWN_REASON_WATCHDOG}, GUEST_CRASHED, false},
		{{.shutdown = true, .reason = (enum shutdown_reason)99}, GUEST_STOPPED, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		struct past past = {.failure = NULL};
		struct guest g = {.domain = &cases[i].d, .past = &past};
		const char *reason = "x";

		ck_assert_int_eq(guest_state(&g, &reason), cases[i].state);
		ck_assert_ptr_null(reason);
		ck_assert_int_eq(guest_is_alive(&g), cases[i].alive);
	}
	ck_assert(!guest_is_alive(&(struct guest){.name = "x"}));
}
END_TEST

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

static void expect_away(const struct scene *s, enum guest_state state)
{
	const struct guest *g = scene_guest(s, 1);
	const char *reason = NULL;

	ck_assert_str_eq(g->name, "web");
	ck_assert_int_eq(guest_state(g, &reason), state);
	ck_assert_ptr_nonnull(reason);
	ck_assert_ptr_nonnull(strstr(reason, " other"));
}

START_TEST(a_guest_that_is_away_says_where)
{
	_cleanup_scene_ struct scene s;
	struct uuid web = scene_uuid(1);
	struct domain *d;

	scene_make(&s);
	scene_config(&s, "web", 1);
	ck_assert_int_eq(ledger_set_away(s.history, &web, "web", "other", false), 0);
	scene_build(&s);
	expect_away(&s, GUEST_STOPPED);
	ck_assert_int_eq(ledger_set_away(s.history, &web, "web", "other", true), 0);
	expect_away(&s, GUEST_FAILED);
	d = scene_domain(&s, "web--migratedaway", 1);
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	scene_build(&s);
	expect_away(&s, GUEST_FAILED);
	ck_assert(guest_is_undecided(scene_guest(&s, 1)));
	/* A migration that is under way is not over. */
	inventory_set_busy(s.inventory, &web, 0);
	ck_assert(!guest_is_undecided(scene_guest(&s, 1)));
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

SUITE("inventory", every_state_has_a_name_of_its_own, what_belongs_together_is_one_guest,
      what_cannot_be_looked_up_is_not_taken_for_what_is_not_there,
      guests_come_in_the_order_of_their_files, dom0_and_its_like_are_no_guests,
      a_configuration_without_a_uuid_is_the_guest_of_its_name,
      a_uuid_in_the_file_counts_more_than_a_name, two_files_of_one_uuid_are_both_refused,
      two_files_of_one_name_are_both_refused, two_files_of_one_name_without_uuids_are_both_refused,
      a_file_that_cannot_be_read_conflicts_with_nothing,
      a_guest_whose_configuration_may_be_the_broken_one_is_known,
      a_guest_whose_configuration_is_a_link_without_a_target_is_known,
      a_renamed_guest_goes_by_its_new_name, a_nameless_domain_has_something_to_show,
      a_living_domain_counts_more_than_a_dying_one, a_broken_image_belongs_to_the_guest_of_its_name,
      a_file_that_is_no_image_is_nobodys_unless_it_is_in_the_way,
      of_two_images_none_counts_if_either_may_be_the_newest, guests_are_found_by_name_and_by_uuid,
      a_broken_file_called_like_a_guest_does_not_hide_it, a_guest_may_be_called_like_a_uuid,
      the_state_of_a_domain_is_told, the_state_of_a_guest_without_a_domain_has_a_reason,
      a_failure_of_a_running_guest_is_told_too, a_guest_that_is_away_says_where,
      a_state_is_dated_by_what_is_known_to_have_begun_it,
      that_nobody_asked_it_to_shut_down_is_said_until_something_newer_is,
      a_life_of_another_uuid_tells_too_that_nobody_asked_it_to_shut_down,
      an_old_failure_dates_no_other_reason, what_files_say_is_dated_by_when_it_was_first_seen,
      the_failure_of_another_life_counts_until_there_is_a_later_one);
