/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/ledger-record.h"
#include "world-rig.h"

/* What the end of a domain is taken for. */

static void change(void)
{
	rig.p.hv.callbacks.changed(rig.p.hv.callbacks.data);
	run_for(2 * USEC_PER_SEC);
}

static void begin_running(void)
{
	prepare();
	puppet_add(&rig.p, 1, "web");
	begin_prepared();
	change();
}

static void shuts_down(enum shutdown_reason reason)
{
	puppet_domain(&rig.p, 1)->shutdown = true;
	puppet_domain(&rig.p, 1)->reason = reason;
	change();
}

static const struct past *past(void)
{
	struct uuid uuid = puppet_uuid(1);

	return ledger_find(ledger_file_get(rig.ledger), &uuid);
}

START_TEST(a_guest_that_nothing_of_ours_ends_has_shut_down_by_itself)
{
	begin_running();
	shuts_down(SHUTDOWN_REASON_POWEROFF);
	ck_assert(lives_ended_alone(&past()->lives));
	end();
	/* A disk that is taken from it does nothing to it. */
	begin_running();
	puppet_adopt(&rig.p, OPERATION_EJECT, 1);
	shuts_down(SHUTDOWN_REASON_POWEROFF);
	ck_assert(lives_ended_alone(&past()->lives));
	end();
}
END_TEST

START_TEST(a_worker_records_itself_what_it_does_to_a_guest)
{
	begin_running();
	puppet_adopt(&rig.p, OPERATION_SAVE, 1);
	shuts_down(SHUTDOWN_REASON_POWEROFF);
	ck_assert_int_eq(past()->lives.last, LIFE_BEGAN);
	end();
}
END_TEST

/* Its create has let it run, and its worker has still to go. */
START_TEST(an_end_that_comes_before_that_of_an_operation_is_recorded_after_it)
{
	begin_running();
	puppet_adopt(&rig.p, OPERATION_CREATE, 1);
	shuts_down(SHUTDOWN_REASON_CRASH);
	ck_assert_int_eq(past()->lives.last, LIFE_BEGAN);
	puppet_finish(&rig.p, 1, 0, NULL, 1);
	change();
	change();
	ck_assert_int_eq(past()->lives.last, LIFE_ENDED);
	end();
}
END_TEST

START_TEST(a_guest_that_was_asked_has_not_shut_down_by_itself)
{
	begin_running();
	ck_assert_int_eq(hv_ask_shutdown(&rig.p.hv, puppet_domain(&rig.p, 1)), 0);
	shuts_down(SHUTDOWN_REASON_POWEROFF);
	ck_assert_int_eq(past()->lives.last, LIFE_ENDED);
	ck_assert(!lives_ended_alone(&past()->lives));
	end();
}
END_TEST

START_TEST(a_guest_that_crashes_has_not_shut_down_by_itself)
{
	begin_running();
	shuts_down(SHUTDOWN_REASON_CRASH);
	ck_assert_int_eq(past()->lives.last, LIFE_ENDED);
	ck_assert(!lives_ended_alone(&past()->lives));
	end();
}
END_TEST

/* A stop that failed left this domain. */
static void begin_left(uint32_t domid)
{
	struct uuid uuid = puppet_uuid(1);

	begin_running();
	ledger_file_set_unended(rig.ledger, &uuid, "web", "it is still there", domid);
}

START_TEST(a_guest_that_obeys_a_stop_of_an_earlier_daemon_has_not_shut_down_by_itself)
{
	begin_left(1);
	shuts_down(SHUTDOWN_REASON_POWEROFF);
	ck_assert(!lives_ended_alone(&past()->lives));
	end();
}
END_TEST

START_TEST(a_stop_is_no_failure_any_more_when_its_guest_is_down_late)
{
	begin_left(1);
	change();
	ck_assert_ptr_nonnull(past()->failure);
	puppet_remove(&rig.p, 1);
	change();
	ck_assert_ptr_null(past()->failure);
	ck_assert_ptr_nonnull(past()->remark);
	end();
}
END_TEST

START_TEST(a_guest_that_reboots_instead_of_its_stop_is_not_down)
{
	struct uuid uuid = puppet_uuid(1);

	begin_left(1);
	puppet_add(&rig.p, 2, "web")->uuid = uuid;
	puppet_remove(&rig.p, 1);
	change();
	ck_assert_ptr_nonnull(past()->failure);
	end();
}
END_TEST

START_TEST(another_failure_outlasts_the_domain)
{
	begin_left(DOMID_NONE);
	puppet_remove(&rig.p, 1);
	change();
	ck_assert_ptr_nonnull(past()->failure);
	end();
}
END_TEST

SUITE("sightings", a_guest_that_nothing_of_ours_ends_has_shut_down_by_itself,
      a_worker_records_itself_what_it_does_to_a_guest,
      an_end_that_comes_before_that_of_an_operation_is_recorded_after_it,
      a_guest_that_was_asked_has_not_shut_down_by_itself,
      a_guest_that_crashes_has_not_shut_down_by_itself,
      a_guest_that_obeys_a_stop_of_an_earlier_daemon_has_not_shut_down_by_itself,
      a_stop_is_no_failure_any_more_when_its_guest_is_down_late,
      a_guest_that_reboots_instead_of_its_stop_is_not_down, another_failure_outlasts_the_domain);
