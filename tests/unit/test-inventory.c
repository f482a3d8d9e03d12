/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/inventory-build.h"
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
      the_state_of_a_domain_is_told, a_guest_that_is_away_says_where);
