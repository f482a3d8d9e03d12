/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "engine/job.h"
#include "manager/manager.h"
#include "rig.h"
#include "util/str.h"

/* A manager and a puppet: what happens while something else is still on its way. */
static struct {
	struct settings_paths paths;
	struct manager *m;
	unsigned done;
	int error;
	bool succeeded;
} f;

static void begin(const char *variables)
{
	memset(&f, 0, sizeof(f));
	rig_begin();
	folder_write(&rig.folder, "variables", variables);
	f.paths = (struct settings_paths){.variables = {folder_path(&rig.folder, "variables")},
					  .native = folder_path(&rig.folder, "native")};
}

/* The daemon begins to look at what is there. */
static void manage(void)
{
	ck_assert_int_eq(manager_new(rig.loop, &rig.p.hv, rig.ledger, &f.paths, &f.m), 0);
	run_for(1);
}

static void end(void)
{
	manager_free(f.m);
	rig_end();
}

static void on_report(void *data _unused_, const struct report *r _unused_)
{
}

static void on_done(void *data _unused_, int error, const char *reason _unused_,
		    const struct job *job)
{
	f.done++;
	f.error = error;
	f.succeeded = error >= 0 && job_succeeded(job);
}

static void request_for(enum goal goal, const char *name)
{
	struct follower follower = {.report = on_report, .done = on_done};
	uint64_t id;

	ck_assert_int_eq(manager_request(f.m, goal, &name, name ? 1 : 0, &follower, &id), 0);
	run_for(1);
}

static void request(enum goal goal)
{
	request_for(goal, NULL);
}

/* What the folders hold: a configuration of guest 1 and, or not, an image of it. */
static void survey_ends(bool image)
{
	struct survey *s = calloc(1, sizeof(*s));
	struct survey_config c = {.path = strdup("/auto/1"),
				  .name = strdup("1"),
				  .config = strdup("{}"),
				  .has_uuid = true,
				  .uuid = puppet_uuid(1)};
	struct survey_image i = {.path = strdup("/save/1"),
				 .name = strdup("1"),
				 .uuid = puppet_uuid(1),
				 .id = puppet_uuid(1001),
				 .written_wall = usec_now_wall() + USEC_PER_SEC};

	ck_assert_int_eq(survey_add_config(s, &c), 0);
	if (image)
		ck_assert_int_eq(survey_add_image(s, &i), 0);
	else
		survey_image_done(&i);
	ck_assert(rig.p.surveying);
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, s, NULL);
	run_for(1);
}

static void expect_calls(const char *calls)
{
	ck_assert_str_eq(rig.p.calls, calls);
	rig.p.calls[0] = '\0';
}

/* A save ends: the guest is no more, and from now on its image is there. */
static void save_ends(void)
{
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_for(1);
}

START_TEST(an_image_that_comes_while_the_folders_are_read_is_not_passed_over)
{
	begin("XENDOMAINS_CREATE_USLEEP=0\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	request_for(GOAL_STOP, "1");
	survey_ends(false);
	expect_calls("survey 0|save 1|");
	request(GOAL_START);
	expect_calls("survey 0|");
	/* The image is written behind the survey's back. */
	save_ends();
	survey_ends(false);
	expect_calls("survey 0|");
	survey_ends(true);
	expect_calls("restore 1|");
	end();
}
END_TEST

START_TEST(an_image_that_comes_while_a_start_waits_is_not_passed_over)
{
	begin("XENDOMAINS_CREATE_USLEEP=0\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	request_for(GOAL_STOP, "1");
	survey_ends(false);
	request(GOAL_START);
	survey_ends(false);
	expect_calls("survey 0|save 1|survey 0|");
	save_ends();
	expect_calls("survey 0|");
	survey_ends(true);
	expect_calls("restore 1|");
	end();
}
END_TEST

START_TEST(a_save_of_an_earlier_daemon_is_waited_for_and_its_image_restored)
{
	struct domain *d;

	begin("XENDOMAINS_CREATE_USLEEP=0\n");
	d = puppet_add(&rig.p, 1, "1");
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	manage();
	request(GOAL_START);
	survey_ends(false);
	run_for(60 * USEC_PER_SEC);
	expect_calls("survey 0|");
	save_ends();
	survey_ends(true);
	expect_calls("survey 0|restore 1|");
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	ck_assert(f.done == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_restore_of_an_earlier_daemon_is_what_a_start_wants)
{
	begin("");
	puppet_add(&rig.p, 1, "1")->paused = true;
	puppet_adopt(&rig.p, OPERATION_RESTORE, 1);
	manage();
	request(GOAL_START);
	survey_ends(true);
	run_for(60 * USEC_PER_SEC);
	ck_assert_uint_eq(f.done, 0);
	puppet_domain(&rig.p, 1)->paused = false;
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	expect_calls("survey 0|");
	ck_assert(f.done == 1 && f.succeeded);
	end();
}
END_TEST

/* The worker took it between the look at the directory and the look at the file. */
START_TEST(an_image_that_is_being_restored_is_not_broken)
{
	struct survey *s = calloc(1, sizeof(*s));
	struct survey_config c = {.path = strdup("/auto/1"),
				  .name = strdup("1"),
				  .config = strdup("{}"),
				  .has_uuid = true,
				  .uuid = puppet_uuid(1)};
	struct survey_image i = {.path = strdup("/save/1"),
				 .name = strdup("1"),
				 .error = strdup("No such file or directory")};

	begin("");
	puppet_adopt(&rig.p, OPERATION_RESTORE, 1);
	manage();
	request(GOAL_START);
	ck_assert_int_eq(survey_add_config(s, &c), 0);
	ck_assert_int_eq(survey_add_image(s, &i), 0);
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, s, NULL);
	run_for(60 * USEC_PER_SEC);
	ck_assert_uint_eq(f.done, 0);
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	survey_ends(false);
	expect_calls("survey 0|survey 0|");
	ck_assert(f.done == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_stop_waits_for_the_workers_of_an_earlier_daemon)
{
	begin("");
	puppet_adopt(&rig.p, OPERATION_CREATE, 1);
	manage();
	request(GOAL_STOP);
	survey_ends(false);
	run_for(60 * USEC_PER_SEC);
	ck_assert_uint_eq(f.done, 0);
	puppet_add(&rig.p, 1, "1");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	expect_calls("abort 1|survey 0|save 1|");
	save_ends();
	ck_assert(f.done == 1 && f.succeeded);
	end();
}
END_TEST

START_TEST(a_save_of_an_earlier_daemon_makes_way_for_a_shutdown_near_the_end_of_the_host)
{
	struct follower follower = {.report = on_report, .done = on_done};
	struct domain *d;
	usec_t limit;
	uint64_t id;

	begin("");
	d = puppet_add(&rig.p, 1, "1");
	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_SUSPEND;
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	manage();
	limit = loop_now(rig.loop) + 200 * USEC_PER_SEC;
	ck_assert_int_eq(manager_stop_until(f.m, limit, limit, &follower, &id), 0);
	run_for(1);
	survey_ends(false);
	run_for(139 * USEC_PER_SEC);
	expect_calls("survey 0|");
	run_for(1500 * USEC_PER_MSEC);
	expect_calls("abort 1|");
	d->shutdown = false;
	puppet_finish(&rig.p, 1, -ECANCELED, "ended early, as asked", 1);
	run_for(1);
	expect_calls("ask 1|");
	end();
}
END_TEST

/* The host goes down behind the stop. */
START_TEST(a_guest_that_comes_up_during_a_stop_is_taken_in)
{
	begin("");
	puppet_add(&rig.p, 1, "1");
	manage();
	request(GOAL_STOP);
	survey_ends(false);
	puppet_add(&rig.p, 2, "2");
	expect_calls("survey 0|save 1|");
	save_ends();
	expect_calls("save 2|");
	ck_assert_uint_eq(f.done, 0);
	puppet_remove(&rig.p, 2);
	puppet_finish(&rig.p, 2, 0, NULL, DOMID_NONE);
	run_for(1);
	ck_assert(f.done == 1 && f.succeeded);
	end();
}
END_TEST

/* Its guests' disks go with it. */
START_TEST(a_driver_domain_goes_behind_a_guest_that_another_stop_saves)
{
	begin("");
	puppet_add(&rig.p, 1, "1");
	puppet_add(&rig.p, 2, "2")->driver = true;
	manage();
	request_for(GOAL_STOP, "1");
	survey_ends(false);
	expect_calls("survey 0|save 1|");
	request(GOAL_STOP);
	survey_ends(false);
	run_for(60 * USEC_PER_SEC);
	expect_calls("survey 0|");
	save_ends();
	expect_calls("save 2|");
	end();
}
END_TEST

/* The host goes down behind the stop. */
START_TEST(a_stop_that_cannot_go_on_is_tried_again)
{
	begin("XENDOMAINS_SAVE=\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	rig.p.list_error = -ENOMEM;
	request(GOAL_STOP);
	expect_calls("");
	rig.p.list_error = 0;
	run_for(2 * USEC_PER_SEC);
	expect_calls("ask 1|");
	end();
}
END_TEST

START_TEST(a_failure_that_nobody_waited_for_is_kept_for_the_status)
{
	struct uuid uuid = puppet_uuid(1);

	begin("");
	puppet_add(&rig.p, 1, "1");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	manage();
	puppet_finish(&rig.p, 1, -ENOSPC, "no room", DOMID_NONE);
	run_for(1);
	ck_assert_str_eq(ledger_find(manager_ledger(f.m), &uuid)->failure, "save failed: no room");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_for(1);
	ck_assert_ptr_null(ledger_find(manager_ledger(f.m), &uuid)->failure);
	end();
}
END_TEST

START_TEST(a_failure_is_kept_for_the_status_also_when_the_daemon_ends_with_it)
{
	struct uuid uuid = puppet_uuid(1);

	begin("");
	puppet_add(&rig.p, 1, "1");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	manage();
	puppet_finish(&rig.p, 1, -ENOSPC, "no room", DOMID_NONE);
	f.m = manager_free(f.m);
	ck_assert_str_eq(ledger_find(ledger_file_get(rig.ledger), &uuid)->failure,
			 "save failed: no room");
	end();
}
END_TEST

START_TEST(why_a_guest_is_down_is_kept_when_the_daemon_ends_with_its_removal)
{
	struct uuid uuid = puppet_uuid(1);

	begin("");
	puppet_add(&rig.p, 1, "1");
	manage();
	puppet_domain(&rig.p, 1)->shutdown = true;
	ck_assert_int_eq(world_update(manager_world(f.m)), 0);
	run_for(1);
	ck_assert_ptr_nonnull(puppet_flying(&rig.p, 1));
	ledger_file_set_failure(rig.ledger, &uuid, "1", "not restarted");
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	f.m = manager_free(f.m);
	ck_assert_str_eq(ledger_find(ledger_file_get(rig.ledger), &uuid)->failure, "not restarted");
	end();
}
END_TEST

/* To list the domains, and to build the inventory, takes long where there are many. */
START_TEST(operations_that_end_together_lead_to_one_look_at_the_domains)
{
	struct operation_request request = {.operation = OPERATION_DESTROY, .uuid = puppet_uuid(1)};
	struct hv *hv = &rig.p.hv;

	begin("");
	for (unsigned i = 1; i <= 3; i++) {
		puppet_add(&rig.p, i, "web");
		puppet_adopt(&rig.p, OPERATION_SAVE, i);
	}
	manage();
	rig.p.lists = 0;
	for (unsigned i = 1; i <= 3; i++) {
		puppet_remove(&rig.p, i);
		puppet_finish(&rig.p, i, 0, NULL, DOMID_NONE);
	}
	ck_assert_uint_eq(rig.p.lists, 0);
	/* Until they are told, no look takes another tool for what has removed the domains. */
	ck_assert_ptr_nonnull(hv_operation(hv, &request.uuid));
	ck_assert_ptr_nonnull(hv_next_operation(hv, 2));
	ck_assert_int_eq(hv_operate(hv, &request), -EBUSY);
	ck_assert_int_eq(world_update(manager_world(f.m)), 0);
	run_for(1);
	ck_assert_ptr_null(hv_next_operation(hv, 0));
	ck_assert_uint_eq(rig.p.lists, 2);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_DOMAIN_GONE), 0);
	end();
}
END_TEST

/* Of the UUID of guest 1. */
static void add_by_another_tool(uint32_t domid)
{
	struct domain *d = puppet_add(&rig.p, domid, "web");

	d->uuid = puppet_uuid(1);
	d->manager = DOMAIN_MANAGER_XL;
}

/* What was saved is older than the disks then. */
START_TEST(what_another_tool_runs_when_an_operation_ends_is_recorded)
{
	struct uuid uuid = puppet_uuid(1);

	begin("");
	puppet_add(&rig.p, 1, "web");
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	manage();
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	add_by_another_tool(7);
	/* Seen while the end is still to be told. */
	ck_assert_int_eq(world_update(manager_world(f.m)), 0);
	run_for(1);
	ck_assert_ptr_nonnull(ledger_find(manager_ledger(f.m), &uuid));
	ck_assert_int_eq(ledger_find(manager_ledger(f.m), &uuid)->lives.last, LIFE_BEGAN);
	ck_assert_uint_eq(ledger_find(manager_ledger(f.m), &uuid)->lives.domid, 7);
	end();
}
END_TEST

START_TEST(what_an_operation_has_run_is_recorded_by_its_worker)
{
	struct uuid uuid = puppet_uuid(1);

	begin("");
	puppet_adopt(&rig.p, OPERATION_CREATE, 1);
	manage();
	puppet_add(&rig.p, 1, "web");
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	ck_assert_ptr_null(ledger_find(manager_ledger(f.m), &uuid));
	end();
}
END_TEST

START_TEST(a_start_without_folders_fails_and_a_stop_goes_on)
{
	begin("XENDOMAINS_AUTO_ONLY=true\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	request(GOAL_START);
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, NULL, "a folder is away");
	run_for(1);
	ck_assert(f.done == 1 && f.error == -EIO);
	rig.p.calls[0] = '\0';
	request(GOAL_STOP);
	expect_calls("survey 0|");
	/* Twenty seconds; then it may be one of AUTO. */
	run_for(21 * USEC_PER_SEC);
	expect_calls("save 1|");
	end();
}
END_TEST

/* Of the folders, what a start saw an hour ago: a guest, and no room. */
static void survey_ends_without_room(void)
{
	struct survey *s = calloc(1, sizeof(*s));

	s->room_known = true;
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, s, NULL);
	run_for(1);
}

START_TEST(a_stop_that_cannot_look_takes_nothing_that_was_seen_before_for_true)
{
	static const char *const settings[] = {"XENDOMAINS_AUTO_ONLY=false\n",
					       "XENDOMAINS_AUTO_ONLY=true\n"};

	for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
		begin(settings[i]);
		puppet_add(&rig.p, 1, "1");
		manage();
		request(GOAL_START);
		survey_ends_without_room();
		ck_assert_uint_eq(f.done, 1);
		rig.p.calls[0] = '\0';
		request(GOAL_STOP);
		expect_calls("survey 0|");
		run_for(21 * USEC_PER_SEC);
		expect_calls("save 1|");
		end();
	}
}
END_TEST

START_TEST(a_stop_with_little_time_does_not_spend_it_on_looking)
{
	struct follower follower = {.report = on_report, .done = on_done};
	uint64_t id;

	begin("XENDOMAINS_AUTO_ONLY=true\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	ck_assert_int_eq(manager_stop_until(f.m, loop_now(rig.loop) + 40 * USEC_PER_SEC,
					    USEC_INFINITY, &follower, &id),
			 0);
	run_for(1);
	expect_calls("survey 0|");
	run_for(5 * USEC_PER_SEC);
	expect_calls("save 1|");
	end();
}
END_TEST

START_TEST(a_stop_that_no_folder_concerns_does_not_look)
{
	begin("XENDOMAINS_SAVE=\n");
	puppet_add(&rig.p, 1, "1");
	manage();
	request(GOAL_STOP);
	expect_calls("ask 1|");
	end();
}
END_TEST

static struct domain *add_ended(void)
{
	struct domain *d = puppet_add(&rig.p, 1, "1");

	d->shutdown = true;
	d->reason = SHUTDOWN_REASON_POWEROFF;
	return d;
}

/* Nothing more happens on the host, whose events would have the daemon look again. */
START_TEST(a_guest_that_ends_before_its_start_has_ended_is_removed)
{
	begin("");
	manage();
	request(GOAL_START);
	survey_ends(false);
	expect_calls("survey 0|create 1|");
	add_ended();
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	run_for(1);
	expect_calls("destroy 1|");
	end();
}
END_TEST

START_TEST(a_guest_that_ended_while_the_settings_were_refused_is_removed_once_they_are_good)
{
	char *reason = NULL;

	begin("XENDOMAINS_SAVE=relative\n");
	add_ended();
	manage();
	expect_calls("");
	folder_write(&rig.folder, "variables", "");
	ck_assert_int_eq(manager_reload(f.m, &reason), 0);
	run_for(1);
	expect_calls("destroy 1|");
	end();
}
END_TEST

/* What is left of it is what was seen last, and the operation did what it was for. */
START_TEST(an_end_is_reacted_to_once_while_the_domains_cannot_be_listed)
{
	begin("");
	add_ended();
	manage();
	expect_calls("destroy 1|");
	rig.p.list_error = -EIO;
	puppet_remove(&rig.p, 1);
	puppet_finish(&rig.p, 1, 0, NULL, DOMID_NONE);
	run_for(USEC_PER_SEC);
	expect_calls("");
	/* Another guest has ended, and no event tells of it. */
	puppet_add(&rig.p, 2, "2")->shutdown = true;
	rig.p.list_error = 0;
	run_for(10 * USEC_PER_SEC);
	expect_calls("destroy 2|");
	end();
}
END_TEST

static void on_shown(void *data)
{
	++*(unsigned *)data;
}

START_TEST(who_watches_is_told_at_once_that_xenstore_is_lost)
{
	unsigned shown = 0;
	struct manager_watcher watcher = {.shown = on_shown, .data = &shown};

	begin("");
	manage();
	manager_watch(f.m, &watcher);
	rig.p.hv.callbacks.lost(rig.p.hv.callbacks.data, "xenstored has gone");
	ck_assert_uint_eq(shown, 1);
	manager_unwatch(&watcher);
	end();
}
END_TEST

START_TEST(without_xenstore_nothing_is_begun)
{
	struct follower follower = {.report = on_report, .done = on_done};
	uint64_t id;

	begin("");
	manage();
	rig.p.hv.callbacks.lost(rig.p.hv.callbacks.data, "xenstored has gone");
	ck_assert_int_eq(manager_request(f.m, GOAL_STOP, NULL, 0, &follower, &id), -EHOSTDOWN);
	ck_assert_str_eq(manager_obstacle(f.m, GOAL_STOP), "xenstored has gone");
	end();
}
END_TEST

SUITE("manager-races", an_image_that_comes_while_the_folders_are_read_is_not_passed_over,
      an_image_that_comes_while_a_start_waits_is_not_passed_over,
      a_save_of_an_earlier_daemon_is_waited_for_and_its_image_restored,
      a_restore_of_an_earlier_daemon_is_what_a_start_wants,
      an_image_that_is_being_restored_is_not_broken,
      a_stop_waits_for_the_workers_of_an_earlier_daemon,
      a_save_of_an_earlier_daemon_makes_way_for_a_shutdown_near_the_end_of_the_host,
      a_guest_that_comes_up_during_a_stop_is_taken_in,
      a_driver_domain_goes_behind_a_guest_that_another_stop_saves,
      a_stop_that_cannot_go_on_is_tried_again,
      a_failure_is_kept_for_the_status_also_when_the_daemon_ends_with_it,
      why_a_guest_is_down_is_kept_when_the_daemon_ends_with_its_removal,
      operations_that_end_together_lead_to_one_look_at_the_domains,
      a_failure_that_nobody_waited_for_is_kept_for_the_status,
      what_another_tool_runs_when_an_operation_ends_is_recorded,
      what_an_operation_has_run_is_recorded_by_its_worker,
      a_start_without_folders_fails_and_a_stop_goes_on,
      a_stop_that_cannot_look_takes_nothing_that_was_seen_before_for_true,
      a_stop_with_little_time_does_not_spend_it_on_looking,
      a_stop_that_no_folder_concerns_does_not_look,
      a_guest_that_ends_before_its_start_has_ended_is_removed,
      a_guest_that_ended_while_the_settings_were_refused_is_removed_once_they_are_good,
      an_end_is_reacted_to_once_while_the_domains_cannot_be_listed,
      who_watches_is_told_at_once_that_xenstore_is_lost, without_xenstore_nothing_is_begun);
