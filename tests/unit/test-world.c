/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "util/str.h"
#include "wire/ledger-record.h"
#include "world-rig.h"

START_TEST(whoever_asks_gets_the_next_survey)
{
	begin();
	refresh(60 * USEC_PER_SEC);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 0);
	survey_ends(2, "web");
	ck_assert_str_eq(f.answer, "well");
	ck_assert_uint_eq(world_inventory(f.world)->n, 2);
	ck_assert_uint_gt(f.changes, 0);
	end();
}
END_TEST

START_TEST(one_survey_answers_all_who_asked_before_it_began)
{
	begin();
	refresh(60 * USEC_PER_SEC);
	/* These come too late for it: it may have passed what they mean. */
	refresh(60 * USEC_PER_SEC);
	refresh(60 * USEC_PER_SEC);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 1);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 3);
	ck_assert_str_eq(rig.p.calls, "survey 0|survey 0|");
	end();
}
END_TEST

START_TEST(who_asks_again_in_the_answer_gets_another_one)
{
	begin();
	f.ask_again = true;
	refresh(60 * USEC_PER_SEC);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 1);
	survey_ends(1, "web");
	ck_assert_uint_eq(f.answers, 2);
	end();
}
END_TEST

START_TEST(who_does_not_want_to_wait_is_answered_in_time)
{
	usec_t start;

	begin();
	start = loop_now(rig.loop);
	refresh(3 * USEC_PER_SEC);
	run_for(10 * USEC_PER_SEC);
	ck_assert_str_ne(f.answer, "well");
	ck_assert_uint_eq(f.answered, start + 3 * USEC_PER_SEC);
	/* Nobody is answered twice. */
	survey_ends(0, "");
	ck_assert_uint_eq(f.answers, 1);
	end();
}
END_TEST

static void tell_config(struct survey *s, const char *name, bool pending)
{
	struct survey_config c = {.config = strdup("{}"), .pending = pending};

	ck_assert_int_eq(str_replace(&c.name, name), 0);
	ck_assert_int_eq(str_format(&c.path, "/auto/%s", name), 0);
	if (pending)
		ck_assert_int_eq(str_replace(&c.error, "it does not answer yet"), 0);
	ck_assert_int_eq(survey_add_config(s, &c), 0);
}

static const struct guest *guest(const char *name)
{
	return inventory_find_named(world_inventory(f.world), name);
}

START_TEST(what_has_been_read_in_time_counts_beside_what_was_known)
{
	_cleanup_(survey_freep) struct survey *told = calloc(1, sizeof(*told));

	begin();
	refresh(60 * USEC_PER_SEC);
	survey_ends(2, "web");
	puppet_add(&rig.p, 1, "byhand");
	tell_config(told, "db", false);
	tell_config(told, "web1", true);
	rig.p.told = told;
	refresh(3 * USEC_PER_SEC);
	run_for(10 * USEC_PER_SEC);
	ck_assert_str_ne(f.answer, "well");
	ck_assert_ptr_nonnull(guest("db")->config);
	ck_assert_ptr_nonnull(guest("web0")->config);
	ck_assert_ptr_null(guest("web1")->config->error);
	ck_assert(guest("byhand")->unlisted);
	survey_ends(0, "");
	end();
}
END_TEST

START_TEST(a_file_that_has_not_answered_yet_leaves_nothing_else_unknown)
{
	_cleanup_(survey_freep) struct survey *told = calloc(1, sizeof(*told));

	begin();
	puppet_add(&rig.p, 1, "byhand");
	tell_config(told, "db", false);
	tell_config(told, "late", true);
	told->configs_told = told->images_told = true;
	rig.p.told = told;
	refresh(3 * USEC_PER_SEC);
	run_for(10 * USEC_PER_SEC);
	ck_assert_str_eq(f.answer, "well");
	ck_assert_ptr_nonnull(guest("db")->config);
	ck_assert_ptr_nonnull(guest("late")->config->error);
	ck_assert(!guest("byhand")->unlisted);
	survey_ends(0, "");
	end();
}
END_TEST

static void save_was_recorded(const struct uuid *uuid, const struct uuid *image)
{
	struct ledger_record record = {
		.kind = LEDGER_SAVED,
		.uuid = *uuid,
		.image = *image,
		.name = "web",
		.path = "/save/web",
		.directory = "fs:1",
		.time = usec_now(),
	};

	ck_assert_int_eq(ledger_boot_id(&record.boot), 0);
	ck_assert_int_eq(ledger_append(folder_path(&rig.folder, "state/ledger"), &record, true), 0);
	ledger_file_refresh(rig.ledger);
}

static void tell_image(struct survey *s, const struct uuid *uuid, const struct uuid *id)
{
	struct survey_image image = {
		.path = strdup("/save/web"),
		.name = strdup("web"),
		.uuid = *uuid,
		.id = *id,
		.written_wall = usec_now_wall(),
	};

	ck_assert_int_eq(survey_add_image(s, &image), 0);
}

static bool is_in_the_way(const struct uuid *uuid)
{
	const struct inventory *inventory = world_inventory(f.world);

	return inventory_find_others_image(inventory, inventory_find(inventory, uuid), "/save/web");
}

/* By the ledger. */
static bool is_outlived(const struct uuid *uuid)
{
	const struct past *past = ledger_find(ledger_file_get(rig.ledger), uuid);

	ck_assert_ptr_nonnull(past);
	ck_assert_uint_eq(past->lives.n_images, 1);
	return past->lives.images[0]->standing == IMAGE_OUTLIVED;
}

/* Its configuration gives no UUID, and another tool has started it since it was saved. */
START_TEST(a_file_that_has_not_answered_yet_keeps_no_guest_from_its_save)
{
	_cleanup_(survey_freep) struct survey *told = calloc(1, sizeof(*told));
	struct uuid saved = puppet_uuid(1), runs = puppet_uuid(2), image = puppet_uuid(1001);

	begin();
	save_was_recorded(&saved, &image);
	puppet_add(&rig.p, 2, "web");
	tell_config(told, "late", true);
	tell_config(told, "web", false);
	tell_image(told, &saved, &image);
	told->configs_told = true;
	rig.p.told = told;
	refresh(3 * USEC_PER_SEC);
	run_for(10 * USEC_PER_SEC);
	ck_assert(!is_in_the_way(&runs));
	ck_assert(!is_outlived(&saved));
	told->images_told = true;
	refresh(3 * USEC_PER_SEC);
	run_for(10 * USEC_PER_SEC);
	ck_assert(!is_in_the_way(&runs));
	ck_assert(is_outlived(&saved));
	survey_ends(0, "");
	end();
}
END_TEST

/* Another tool has built it from the image, and has not let it run yet. */
static struct domain *built_by_another(struct uuid *ret_image)
{
	struct uuid uuid = puppet_uuid(1);
	struct domain *d;

	*ret_image = puppet_uuid(1001);
	begin();
	save_was_recorded(&uuid, ret_image);
	d = puppet_add(&rig.p, 1, "web");
	d->paused = true;
	d->cpu_time = 0;
	rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
	run_for(10 * USEC_PER_SEC);
	ck_assert(!is_outlived(&uuid));
	return d;
}

static const struct lives *lives_of(unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	return &ledger_find(ledger_file_get(rig.ledger), &uuid)->lives;
}

START_TEST(a_domain_that_is_unpaused_without_an_event_begins_a_life)
{
	struct uuid image, uuid = puppet_uuid(1);
	struct domain *d = built_by_another(&image);

	d->paused = false;
	run_for(2 * USEC_PER_SEC);
	ck_assert(is_outlived(&uuid));
	ck_assert_int_eq(lives_of(1)->last, LIFE_BEGAN);
	end();
}
END_TEST

START_TEST(a_domain_that_has_no_name_at_first_begins_a_life_when_it_has_one)
{
	struct uuid uuid = puppet_uuid(1), image = puppet_uuid(1001);
	struct domain *d;
	char *name;

	prepare();
	save_was_recorded(&uuid, &image);
	d = puppet_add(&rig.p, 1, "web");
	name = TAKE_PTR(d->name);
	begin_prepared();
	ck_assert(!is_outlived(&uuid));
	d->name = name;
	rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
	run_for(2 * USEC_PER_SEC);
	ck_assert(is_outlived(&uuid));
	end();
}
END_TEST

START_TEST(a_life_that_no_look_has_seen_counts_when_it_ends)
{
	struct uuid image, uuid = puppet_uuid(1), other = puppet_uuid(1002);
	struct domain *d = built_by_another(&image);
	usec_t saved = usec_now_wall();

	d->paused = false;
	d->cpu_time = USEC_PER_SEC;
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
	run_for(USEC_PER_SEC);
	ck_assert(is_outlived(&uuid));
	ck_assert_int_eq(lives_of(1)->last, LIFE_SUSPENDED);
	ck_assert_int_eq(lives_judge(lives_of(1), &other, "web", saved), IMAGE_NEWEST);
	end();
}
END_TEST

static bool tells_of(unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	return ledger_find(ledger_file_get(rig.ledger), &uuid);
}

/* What this boot's domain 1 is, as which guest's it is known (0: as no guest's), and what it does.
 */
static void look_first_at(unsigned known_as, enum domain_manager manager, enum death_action actions,
			  enum shutdown_reason reason)
{
	struct domain *d;

	prepare();
	if (known_as > 0) {
		struct uuid uuid = puppet_uuid(known_as);

		ledger_file_see_life(rig.ledger, &uuid, "web", 1, false, USEC_PER_SEC);
	}
	d = puppet_add(&rig.p, 1, "web");
	d->manager = manager;
	d->on_poweroff = d->on_reboot = d->on_watchdog = d->on_soft_reset = actions;
	d->on_crash = DEATH_PRESERVE;
	d->shutdown = true;
	d->reason = reason;
	begin_prepared();
}

START_TEST(a_domain_that_is_preserved_begins_no_life_of_its_uuid)
{
	static const struct {
		unsigned known_as;
		enum domain_manager manager;
		enum death_action actions;
		bool lived;
	} cases[] = {
		/* It has the UUID, and not the mark yet; both; what is configured to be kept. */
		{9, DOMAIN_MANAGER_XL, DEATH_DESTROY, false},
		{0, DOMAIN_MANAGER_XENDOMAINSD, DEATH_PRESERVE, false},
		{0, DOMAIN_MANAGER_XENDOMAINSD, DEATH_DESTROY, true},
		{0, DOMAIN_MANAGER_XL, DEATH_DESTROY, true},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		look_first_at(cases[i].known_as, cases[i].manager, cases[i].actions,
			      SHUTDOWN_REASON_CRASH);
		ck_assert_int_eq(tells_of(1), cases[i].lived);
		if (cases[i].lived)
			ck_assert_int_eq(lives_of(1)->last, LIFE_ENDED);
		end();
	}
}
END_TEST

START_TEST(a_domain_of_before_the_last_life_of_its_name_tells_nothing_new)
{
	struct uuid image = puppet_uuid(1001), uuid = puppet_uuid(9);

	prepare();
	ledger_file_see_life(rig.ledger, &uuid, "web", 2, false, USEC_PER_SEC);
	save_was_recorded(&uuid, &image);
	puppet_add(&rig.p, 1, "web")->shutdown = true;
	begin_prepared();
	ck_assert(!tells_of(1));
	end();
}
END_TEST

/* The daemon is new, and the domain is what a save has left: nothing tells when it has run. */
START_TEST(what_is_found_suspended_at_first_has_not_run_since_it_was_saved)
{
	struct uuid image = puppet_uuid(1001), uuid = puppet_uuid(1);
	struct domain *d;

	prepare();
	save_was_recorded(&uuid, &image);
	d = puppet_add(&rig.p, 1, "web");
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	begin_prepared();
	run_for(10 * USEC_PER_SEC);
	ck_assert(!is_outlived(&uuid));
	end();
}
END_TEST

START_TEST(a_look_without_a_limit_waits_for_its_survey)
{
	begin();
	refresh(USEC_INFINITY);
	run_for(3600 * USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 0);
	survey_ends(1, "web");
	ck_assert_str_eq(f.answer, "well");
	end();
}
END_TEST

START_TEST(who_does_not_care_any_more_hears_nothing)
{
	begin();
	refresh(60 * USEC_PER_SEC);
	world_unrefresh(f.world, f.id);
	world_unrefresh(f.world, 4711);
	survey_ends(1, "web");
	run_for(100 * USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 0);
	end();
}
END_TEST

START_TEST(a_survey_that_fails_leaves_what_was_known)
{
	begin();
	refresh(60 * USEC_PER_SEC);
	survey_ends(2, "web");
	refresh(60 * USEC_PER_SEC);
	survey_ends(-1, NULL);
	ck_assert_str_eq(f.answer, "a folder is away");
	ck_assert_uint_eq(world_inventory(f.world)->n, 2);
	end();
}
END_TEST

START_TEST(a_survey_that_cannot_begin_is_answered_at_once)
{
	usec_t start;

	begin();
	start = loop_now(rig.loop);
	rig.p.survey_error = -ENOENT;
	refresh(60 * USEC_PER_SEC);
	/* Not from inside the call. */
	ck_assert_uint_eq(f.answers, 0);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 1);
	ck_assert_uint_eq(f.answered, start);
	end();
}
END_TEST

/* A folder hangs, and its worker cannot even be killed: the next one cannot begin. */
START_TEST(whoever_waits_for_a_survey_that_cannot_begin_is_answered_too)
{
	usec_t failed;

	begin();
	refresh(120 * USEC_PER_SEC);
	refresh(120 * USEC_PER_SEC);
	run_for(90 * USEC_PER_SEC);
	rig.p.survey_error = -EBUSY;
	survey_ends(-1, NULL);
	failed = loop_now(rig.loop);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 2);
	ck_assert_uint_eq(f.answered, failed);
	end();
}
END_TEST

START_TEST(a_uuid_is_drawn_once_for_each_name)
{
	struct uuid first;

	begin();
	refresh(60 * USEC_PER_SEC);
	survey_ends(2, "web");
	first = world_inventory(f.world)->guests[0].uuid;
	ck_assert(!uuid_is_null(&first));
	ck_assert(!uuid_equal(&first, &world_inventory(f.world)->guests[1].uuid));
	refresh(60 * USEC_PER_SEC);
	survey_ends(2, "web");
	ck_assert(uuid_equal(&world_inventory(f.world)->guests[0].uuid, &first));
	end();
}
END_TEST

START_TEST(changes_in_a_burst_are_listed_once)
{
	begin();
	run_for(USEC_PER_SEC);
	for (int i = 0; i < 100; i++)
		rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.changes, 1);
	for (int i = 0; i < 100; i++) {
		rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
		run_for(USEC_PER_MSEC);
	}
	ck_assert_uint_le(f.changes, 4);
	end();
}
END_TEST

START_TEST(what_others_do_is_told_and_what_we_do_is_not)
{
	begin();
	puppet_add(&rig.p, 1, "web")->manager = DOMAIN_MANAGER_XL;
	puppet_add(&rig.p, 2, "ours");
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_APPEARED, .domain = "web"), 1);
	ck_assert_uint_eq(LOGGED(.message_id = NULL), 1);
	puppet_domain(&rig.p, 1)->name = (char[]){"www"};
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_RENAMED, .domain = "www"), 1);
	/* XenStore forgets it first, and Xen lists it for a while longer. */
	puppet_domain(&rig.p, 1)->name = NULL;
	ck_assert_int_eq(world_update(f.world), 0);
	puppet_domain(&rig.p, 1)->dying = true;
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_GONE, .domain = "www"), 1);
	puppet_remove(&rig.p, 1);
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_GONE), 1);
	/* Of an operation of ours its own report tells. */
	puppet_adopt(&rig.p, OPERATION_DESTROY, 2);
	puppet_remove(&rig.p, 2);
	puppet_finish(&rig.p, 2, 0, NULL, DOMID_NONE);
	run_for(1);
	ck_assert_uint_eq(LOGGED(.domain = "ours"), 0);
	puppet_add(&rig.p, 3, "ours");
	puppet_remove(&rig.p, 3);
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.domain = "ours"), 0);
	end();
}
END_TEST

START_TEST(a_domain_that_has_no_name_yet_is_told_once_it_has_one)
{
	struct domain *d;
	char *name;

	begin();
	d = puppet_add(&rig.p, 1, "web");
	d->manager = DOMAIN_MANAGER_XL;
	name = TAKE_PTR(d->name);
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_APPEARED), 0);
	d->name = name;
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_APPEARED, .domain = "web"), 1);
	end();
}
END_TEST

START_TEST(the_end_of_an_operation_comes_behind_what_it_changed)
{
	begin();
	puppet_add(&rig.p, 1, "web");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	ck_assert_int_eq(world_update(f.world), 0);
	ck_assert(inventory_find_named(world_inventory(f.world), "web")->busy);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_for(1);
	ck_assert_uint_eq(f.finished, 1);
	ck_assert(!f.seen_busy);
	end();
}
END_TEST

START_TEST(what_was_read_counts_also_where_the_domains_cannot_be_listed)
{
	begin();
	refresh(60 * USEC_PER_SEC);
	rig.p.list_error = -EIO;
	survey_ends(1, "web");
	ck_assert_ptr_nonnull(inventory_find_named(world_inventory(f.world), "web0"));
	end();
}
END_TEST

static bool has_vanished(const char *name)
{
	return inventory_find_named(world_inventory(f.world), name)->vanished;
}

/* Another tool may have saved it to where the survey had been already. */
START_TEST(what_goes_while_the_folders_are_read_may_have_an_image)
{
	begin();
	puppet_add(&rig.p, 1, "web0");
	puppet_add(&rig.p, 2, "web1");
	ck_assert_int_eq(world_update(f.world), 0);
	puppet_remove(&rig.p, 2);
	refresh(60 * USEC_PER_SEC);
	puppet_remove(&rig.p, 1);
	survey_ends(2, "web");
	ck_assert(has_vanished("web0"));
	ck_assert(!has_vanished("web1"));
	refresh(60 * USEC_PER_SEC);
	survey_ends(2, "web");
	ck_assert(!has_vanished("web0"));
	end();
}
END_TEST

START_TEST(without_xenstore_nothing_is_done_and_it_is_said_once)
{
	begin();
	ck_assert_ptr_null(world_lost(f.world));
	rig.p.hv.callbacks.lost(rig.p.hv.callbacks.data, "it is gone");
	rig.p.hv.callbacks.lost(rig.p.hv.callbacks.data, "it is still gone");
	ck_assert_str_eq(world_lost(f.world), "it is gone");
	ck_assert_uint_eq(LOGGED(.message_id = MSG_XENSTORE_LOST), 1);
	ck_assert_uint_eq(f.losses, 1);
	ck_assert_ptr_nonnull(strstr(unit_log(), "it is gone"));
	ck_assert_int_eq(world_update(f.world), -ENOTCONN);
	refresh(60 * USEC_PER_SEC);
	run_for(USEC_PER_SEC);
	ck_assert_uint_eq(f.answers, 1);
	ck_assert_str_ne(f.answer, "well");
	end();
}
END_TEST

SUITE("world", whoever_asks_gets_the_next_survey, one_survey_answers_all_who_asked_before_it_began,
      a_domain_that_is_unpaused_without_an_event_begins_a_life,
      a_life_that_no_look_has_seen_counts_when_it_ends,
      a_domain_that_has_no_name_at_first_begins_a_life_when_it_has_one,
      a_domain_that_is_preserved_begins_no_life_of_its_uuid,
      a_domain_of_before_the_last_life_of_its_name_tells_nothing_new,
      what_is_found_suspended_at_first_has_not_run_since_it_was_saved,
      who_asks_again_in_the_answer_gets_another_one, who_does_not_want_to_wait_is_answered_in_time,
      what_has_been_read_in_time_counts_beside_what_was_known,
      a_file_that_has_not_answered_yet_leaves_nothing_else_unknown,
      a_file_that_has_not_answered_yet_keeps_no_guest_from_its_save,
      a_look_without_a_limit_waits_for_its_survey, who_does_not_care_any_more_hears_nothing,
      a_survey_that_fails_leaves_what_was_known, a_survey_that_cannot_begin_is_answered_at_once,
      whoever_waits_for_a_survey_that_cannot_begin_is_answered_too,
      a_uuid_is_drawn_once_for_each_name, changes_in_a_burst_are_listed_once,
      what_others_do_is_told_and_what_we_do_is_not,
      a_domain_that_has_no_name_yet_is_told_once_it_has_one,
      what_was_read_counts_also_where_the_domains_cannot_be_listed,
      the_end_of_an_operation_comes_behind_what_it_changed,
      what_goes_while_the_folders_are_read_may_have_an_image,
      without_xenstore_nothing_is_done_and_it_is_said_once);
