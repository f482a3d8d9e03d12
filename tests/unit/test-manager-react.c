/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/hv.h"
#include "simulation.h"
#include "util/str.h"

static uint32_t domid_of(struct simulation *s, const char *name)
{
	const struct guest *g;

	ck_assert_int_eq(world_update(manager_world(s->manager)), 0);
	g = inventory_find_named(world_inventory(manager_world(s->manager)), name);
	return g && g->domain ? g->domain->domid : DOMID_NONE;
}

START_TEST(a_guest_that_reboots_is_started_again)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t before;

	SIMULATION_BEGIN(&s,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"on_reboot\":\"restart\","
				   "\"ends\":{\"after_ms\":3600000,\"reason\":\"reboot\"}}]");
	before = domid_of(&s, "a");
	simulation_run_for(&s, 3610 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_uint_ne(domid_of(&s, "a"), before);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_ENDED, .domain = "a", .result = "reboot"),
			  1);
}
END_TEST

START_TEST(a_guest_that_powers_off_is_removed)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"config\":\"/auto/a\","
				       "\"on_reboot\":\"restart\","
				       "\"ends\":{\"after_ms\":1000,\"reason\":\"poweroff\"}}]");
	simulation_run_for(&s, 10 * USEC_PER_SEC);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
	ck_assert_uint_eq(
		LOGGED(.message_id = MSG_GUEST_ENDED, .domain = "a", .result = "poweroff"), 1);
}
END_TEST

START_TEST(a_guest_that_is_to_be_preserved_is_left_as_it_is)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t before;

	SIMULATION_BEGIN(&s,
			 .guests = "[{\"name\":\"a\",\"running\":true,\"on_crash\":\"preserve\","
				   "\"ends\":{\"after_ms\":1000,\"reason\":\"crash\"}}]");
	before = domid_of(&s, "a");
	simulation_run_for(&s, 3600 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "crashed");
	ck_assert_uint_eq(domid_of(&s, "a"), before);
	/* It is said once. */
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_ENDED), 1);
}
END_TEST

START_TEST(guests_of_others_are_left_to_others)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"manager\":\"xl\","
				       "\"on_reboot\":\"restart\","
				       "\"ends\":{\"after_ms\":1000,\"reason\":\"reboot\"}}]");
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_ENDED), 0);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
}
END_TEST

/* Crashes five seconds after each start. */
static const char crashing[] = "[{\"name\":\"a\",\"running\":true,\"on_crash\":\"restart\","
			       "\"config\":\"/auto/a\","
			       "\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\","
			       "\"ends\":{\"after_ms\":5000,\"reason\":\"crash\"}}]";

START_TEST(a_guest_that_crashes_again_and_again_is_left_down_and_says_so)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=3\nRestartInterval=60\n",
			 .guests = crashing);
	/* Three restarts, of a second each. */
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	ck_assert_uint_ne(domid_of(&s, "a"), DOMID_NONE);
	simulation_run_for(&s, 20 * USEC_PER_SEC);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "failed: "));
	ck_assert_ptr_nonnull(strstr(simulation_state(&s, "a"), "xendomainsctl start a"));
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_HELD, .domain = "a"), 1);
	simulation_run_for(&s, 3600 * USEC_PER_SEC);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
}
END_TEST

START_TEST(a_guest_that_crashes_now_and_then_is_started_again_each_time)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=3\nRestartInterval=10\n",
			 .guests = crashing);
	simulation_run_for(&s, 3600 * USEC_PER_SEC);
	ck_assert_uint_ne(domid_of(&s, "a"), DOMID_NONE);
	ck_assert_uint_gt(domid_of(&s, "a"), 500);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_HELD), 0);
}
END_TEST

static usec_t restart_in(struct simulation *s)
{
	const struct guest *g = inventory_find_named(world_inventory(manager_world(s->manager)),
						     "a");

	return manager_restart_in(s->manager, g);
}

START_TEST(a_guest_that_keeps_dying_is_started_again_after_growing_pauses)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t domid;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=10\nRestartInterval=3600\n",
			 .guests = crashing);
	domid = domid_of(&s, "a");
	/* Dies after 5 s, and after each restart, which takes one, 5 s later. */
	simulation_run_for(&s, 5500 * USEC_PER_MSEC);
	ck_assert_uint_eq(restart_in(&s), USEC_INFINITY);
	for (unsigned pause = 1; pause <= 8; pause *= 2) {
		simulation_run_for(&s, 6 * USEC_PER_SEC);
		/* Half a second into the pause. */
		ck_assert_str_eq(simulation_state(&s, "a"), "crashed");
		ck_assert_uint_eq((restart_in(&s) + 500 * USEC_PER_MSEC) / USEC_PER_SEC, pause);
		ck_assert_uint_eq(domid_of(&s, "a"), ++domid);
		simulation_run_for(&s, pause * USEC_PER_SEC);
		ck_assert_uint_eq(restart_in(&s), USEC_INFINITY);
	}
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_DELAYED, .result = "crash"), 4);
}
END_TEST

/* Its domain had a UUID that its configuration does not give, as one that was here before us. */
START_TEST(a_guest_that_stays_down_is_failed_by_whatever_uuid_it_was_known)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=1\nRestartInterval=3600\n",
			 .guests = "[{\"name\":\"a\",\"config\":\"/a\",\"running\":true,"
				   "\"ends\":{\"after_ms\":500,\"reason\":\"reboot\"},"
				   "\"on_reboot\":\"restart\"}]");
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
	ck_assert_int_eq(strncmp(simulation_state(&s, "a"), "failed", strlen("failed")), 0);
}
END_TEST

START_TEST(a_stop_of_all_just_removes_what_waits_to_be_started_again)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=10\nRestartInterval=3600\n",
			 .guests = crashing);
	simulation_run_for(&s, 12 * USEC_PER_SEC);
	ck_assert_uint_ne(restart_in(&s), USEC_INFINITY);
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
	simulation_run_for(&s, 3600 * USEC_PER_SEC);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
}
END_TEST

START_TEST(a_start_does_not_wait_for_the_end_of_the_pause)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t domid;
	struct wish *w;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=10\nRestartInterval=3600\n",
			 .guests = crashing);
	simulation_run_for(&s, (5 + 1 + 5 + 1 + 1 + 5) * USEC_PER_SEC + 500 * USEC_PER_MSEC);
	domid = domid_of(&s, "a");
	ck_assert_uint_gt(restart_in(&s), USEC_PER_SEC);
	w = simulation_wish(&s, GOAL_START, (const char *const[]){"a", NULL});
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_uint_eq(domid_of(&s, "a"), domid + 1);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	/* What it did before is forgiven. */
	simulation_run_for(&s, 5 * USEC_PER_SEC);
	ck_assert_uint_eq(restart_in(&s), USEC_INFINITY);
}
END_TEST

START_TEST(a_daemon_that_comes_back_knows_how_often_the_guest_died)
{
	_cleanup_simulation_ struct simulation s;
	struct uuid uuid;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=10\nRestartInterval=3600\n",
			 .guests = crashing);
	ck_assert_int_eq(uuid_parse("00112233-4455-6677-8899-aabbccddeeff", &uuid), 0);
	for (int i = 0; i < 4; i++)
		ledger_file_add_restart(s.state, &uuid, "a", loop_now(s.loop));
	ledger_file_free(s.state);
	ck_assert_int_eq(ledger_file_open(s.loop, folder_path(&s.folder, "state"), &s.state), 0);
	ck_assert_uint_eq(ledger_restart_pause(ledger_file_get(s.state), &uuid, loop_now(s.loop),
					       3600 * USEC_PER_SEC),
			  8 * USEC_PER_SEC);
	s.manager = manager_free(s.manager);
}
END_TEST

START_TEST(a_guest_that_is_to_be_preserved_and_restarted_is_there_twice)
{
	_cleanup_simulation_ struct simulation s;
	const struct guest *kept;
	uint32_t before;

	SIMULATION_BEGIN(
		&s, .native = "[Host]\nRestartLimit=1\n",
		.guests = "[{\"name\":\"a\",\"running\":true,\"on_crash\":\"rename-restart\","
			  "\"ends\":{\"after_ms\":60000,\"reason\":\"crash\"}}]");
	before = domid_of(&s, "a");
	simulation_run_for(&s, 70 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_uint_ne(domid_of(&s, "a"), before);
	kept = inventory_find_named(world_inventory(manager_world(s.manager)), "a-1");
	ck_assert_ptr_nonnull(kept);
	ck_assert_uint_eq(kept->domain->domid, before);
	/* A stop leaves it as it is. */
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert_uint_eq(domid_of(&s, "a-1"), before);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
}
END_TEST

START_TEST(a_soft_reset_keeps_the_domain)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t before;

	SIMULATION_BEGIN(
		&s, .guests = "[{\"name\":\"a\",\"running\":true,\"on_soft_reset\":\"soft-reset\","
			      "\"ends\":{\"after_ms\":60000,\"reason\":\"soft-reset\"}}]");
	before = domid_of(&s, "a");
	simulation_run_for(&s, 70 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_uint_eq(domid_of(&s, "a"), before);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_STAGE_DONE, .stage = "soft-reset"), 1);
}
END_TEST

START_TEST(a_guest_of_a_watchdog_ends_as_on_watchdog_says)
{
	_cleanup_simulation_ struct simulation s;
	uint32_t before;

	SIMULATION_BEGIN(
		&s,
		.guests = "[{\"name\":\"a\",\"running\":true,\"on_watchdog\":\"coredump-restart\","
			  "\"ends\":{\"after_ms\":60000,\"reason\":\"watchdog\"}}]");
	before = domid_of(&s, "a");
	simulation_run_for(&s, 70 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	ck_assert_uint_ne(domid_of(&s, "a"), before);
}
END_TEST

START_TEST(a_guest_that_ejects_its_disk_for_ever_costs_little)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"ejects\":\"hdc\"},"
				       "{\"name\":\"b\",\"running\":true,\"ejects\":\"hdc\","
				       "\"manager\":\"xl\"}]");
	ck_assert_int_eq(world_update(manager_world(s.manager)), 0);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert_uint_ge(LOGGED(.message_id = MSG_GUEST_EJECTS, .domain = "a"), 10);
	ck_assert_uint_le(LOGGED(.message_id = MSG_GUEST_EJECTS), 13);
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
	/* And keeps nobody from being stopped. */
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
}
END_TEST

START_TEST(an_eject_that_fails_is_told_and_costs_the_guest_nothing)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"ejects\":\"hdc\","
				       "\"destroy\":{\"error\":\"no such drive\"}}]");
	ck_assert_int_eq(world_update(manager_world(s.manager)), 0);
	simulation_run_for(&s, 3 * USEC_PER_SEC);
	ck_assert_ptr_nonnull(strstr(unit_log(), "no such drive"));
	ck_assert_str_eq(simulation_state(&s, "a"), "running");
}
END_TEST

START_TEST(a_limit_of_no_restarts_leaves_it_down_at_once)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .native = "[Host]\nRestartLimit=0\n", .guests = crashing);
	simulation_run_for(&s, 60 * USEC_PER_SEC);
	ck_assert(str_starts_with(simulation_state(&s, "a"), "failed: "));
	ck_assert_uint_eq(LOGGED(.message_id = MSG_GUEST_HELD, .domain = "a"), 1);
}
END_TEST

START_TEST(a_restart_that_fails_is_not_tried_for_ever)
{
	_cleanup_simulation_ struct simulation s;

	SIMULATION_BEGIN(&s, .guests = "[{\"name\":\"a\",\"running\":true,\"on_crash\":\"restart\","
				       "\"create\":{\"error\":\"no memory\"},"
				       "\"ends\":{\"after_ms\":1000,\"reason\":\"crash\"}}]");
	simulation_run_for(&s, 3600 * USEC_PER_SEC);
	ck_assert_str_eq(simulation_state(&s, "a"), "crashed: restart failed: no memory");
	ck_assert_uint_eq(LOGGED(.message_id = MSG_STAGE_STARTED, .stage = "restart"), 1);
}
END_TEST

START_TEST(during_a_stop_nothing_is_started_again)
{
	_cleanup_simulation_ struct simulation s;
	struct wish *w;

	SIMULATION_BEGIN(&s, .variables = "XENDOMAINS_SAVE=\nXENDOMAINS_SHUTDOWN=\n",
			 .guests = "[{\"name\":\"a\",\"running\":true,\"on_crash\":\"restart\","
				   "\"shutdown\":{\"hangs\":true},"
				   "\"ends\":{\"after_ms\":1000,\"reason\":\"crash\"}},"
				   "{\"name\":\"b\",\"running\":true,\"shutdown\":{\"ms\":9000}}]");
	w = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(w->succeeded);
	ck_assert_uint_eq(domid_of(&s, "a"), DOMID_NONE);
	ck_assert_uint_eq(LOGGED(.message_id = MSG_STAGE_STARTED, .stage = "restart"), 0);
}
END_TEST

START_TEST(what_is_being_done_to_a_guest_is_told)
{
	_cleanup_simulation_ struct simulation s;
	const struct inventory *inventory;
	struct activity a;

	SIMULATION_BEGIN(
		&s,
		.guests = "[{\"name\":\"a\",\"running\":true,\"save\":{\"ms\":10000}},"
			  "{\"name\":\"b\",\"running\":true,\"save\":{\"ms\":0,\"error\":\"x\"},"
			  "\"shutdown\":{\"hangs\":true}},{\"name\":\"c\",\"running\":true,"
			  "\"manager\":\"libvirt\"}]");
	simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run_for(&s, 5 * USEC_PER_SEC);
	inventory = world_inventory(manager_world(s.manager));
	a = manager_activity(s.manager, inventory_find_named(inventory, "a"));
	ck_assert_str_eq(a.name, "save");
	ck_assert_int_eq(a.state, GUEST_SAVING);
	ck_assert_uint_eq(a.elapsed / USEC_PER_SEC, 5);
	ck_assert_uint_ge(a.permille, 400);
	ck_assert_uint_le(a.permille, 550);
	a = manager_activity(s.manager, inventory_find_named(inventory, "b"));
	ck_assert_str_eq(a.name, "shutdown");
	ck_assert_int_eq(a.state, GUEST_SHUTTING_DOWN);
	ck_assert_uint_eq(a.elapsed / USEC_PER_SEC, 5);
	a = manager_activity(s.manager, inventory_find_named(inventory, "c"));
	ck_assert_ptr_null(a.name);
}
END_TEST

SUITE("manager-react", a_guest_that_reboots_is_started_again, a_guest_that_powers_off_is_removed,
      a_guest_that_is_to_be_preserved_is_left_as_it_is, guests_of_others_are_left_to_others,
      a_guest_that_crashes_again_and_again_is_left_down_and_says_so,
      a_guest_that_crashes_now_and_then_is_started_again_each_time,
      a_guest_that_keeps_dying_is_started_again_after_growing_pauses,
      a_guest_that_stays_down_is_failed_by_whatever_uuid_it_was_known,
      a_stop_of_all_just_removes_what_waits_to_be_started_again,
      a_start_does_not_wait_for_the_end_of_the_pause,
      a_daemon_that_comes_back_knows_how_often_the_guest_died,
      a_guest_that_is_to_be_preserved_and_restarted_is_there_twice, a_soft_reset_keeps_the_domain,
      a_guest_of_a_watchdog_ends_as_on_watchdog_says,
      a_guest_that_ejects_its_disk_for_ever_costs_little,
      an_eject_that_fails_is_told_and_costs_the_guest_nothing,
      a_limit_of_no_restarts_leaves_it_down_at_once, a_restart_that_fails_is_not_tried_for_ever,
      during_a_stop_nothing_is_started_again, what_is_being_done_to_a_guest_is_told);
