/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "rig-hv.h"
#include "util/str.h"

/* The clauses of hv.h about operations, and what each is to do (enum operation). */

static void begin_save(void)
{
	struct operation_request save = make_request(OPERATION_SAVE, get_domain().domid);

	ck_assert_int_eq(begin(&save), 0);
}

START_TEST(no_call_waits_for_an_operation)
{
	boot_guest();
	begin_save();
	ck_assert_uint_eq(fx.ends, 0);
	ck_assert_ptr_nonnull(hv_operation(fx.hv, &fx.uuid));
	wait_until(has_ended);
}
END_TEST

/* That it is from the loop is checked in each callback. */
START_TEST(a_callback_ends_an_operation_once)
{
	boot_guest();
	begin_save();
	wait_until(has_ended);
	wait_until(is_gone);
	ck_assert(find_image());
	ck_assert_uint_eq(fx.ends, 1);
}
END_TEST

START_TEST(one_operation_for_a_guest_at_a_time)
{
	struct operation_request destroy;

	boot_guest();
	begin_save();
	destroy = make_request(OPERATION_DESTROY, get_domain().domid);
	ck_assert_int_eq(begin(&destroy), -EBUSY);
	ck_assert_int_eq(hv_operation(fx.hv, &fx.uuid)->operation, OPERATION_SAVE);
	wait_until(has_ended);
	ck_assert_int_eq(fx.ended.operation, OPERATION_SAVE);
}
END_TEST

START_TEST(a_domain_is_removed_whether_that_was_expected_or_not)
{
	struct operation_request destroy;

	boot_guest();
	for (unsigned removals = 2; removals > 0; removals--)
		hv_expect(fx.hv, removals);
	destroy = make_request(OPERATION_DESTROY, get_domain().domid);
	ck_assert_int_eq(begin(&destroy), 0);
	hv_expect(fx.hv, 0);
	wait_until(has_ended);
	ck_assert_int_eq(fx.error, 0);
	wait_until(is_gone);
}
END_TEST

START_TEST(an_operation_of_a_real_host_outlives_the_daemon)
{
	const struct hv_operation *op;

	if (is_on("sim"))
		return;
	boot_guest();
	begin_save();
	ck_assert(!hv_operation(fx.hv, &fx.uuid)->adopted);
	wait_until(is_suspended);
	restart_daemon();
	op = hv_operation(fx.hv, &fx.uuid);
	ck_assert_ptr_nonnull(op);
	ck_assert(op->adopted);
	ck_assert_int_eq(op->operation, OPERATION_SAVE);
	ck_assert_str_eq(op->name, GUEST);
	ck_assert_ptr_eq(hv_next_operation(fx.hv, 0), op);
	wait_until(has_ended);
	ck_assert_int_eq(fx.error, 0);
	ck_assert(fx.ended.adopted);
	ck_assert(is_gone(&fx));
}
END_TEST

START_TEST(progress_is_told_while_an_operation_is_in_flight)
{
	/* Many times what a worker holds before it is written, so that it has something to tell. */
	if (!is_on("xen"))
		has_guest("\"save\":{\"ms\":500}", "\"pages\":10000");
	boot_guest();
	begin_save();
	wait_until(has_progress);
	/* A real one tells about twice a second, and may be faster. */
	ck_assert(fx.progresses > 0 || is_on("xen"));
	wait_until(has_ended);
}
END_TEST

START_TEST(operation_is_the_one_in_flight_for_a_guest_or_null)
{
	const struct hv_operation *op;

	boot_guest();
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
	begin_save();
	op = hv_operation(fx.hv, &fx.uuid);
	ck_assert_ptr_nonnull(op);
	ck_assert_int_eq(op->operation, OPERATION_SAVE);
	ck_assert(uuid_equal(&op->uuid, &fx.uuid));
	ck_assert_str_eq(op->name, GUEST);
	ck_assert_uint_le(op->started, loop_now(fx.loop));
	ck_assert(!op->adopted && !op->stuck);
	ck_assert_ptr_null(hv_operation(fx.hv, &UUID_NULL));
	wait_until(has_ended);
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
}
END_TEST

START_TEST(next_operation_has_all_in_flight_until_null)
{
	ck_assert_ptr_null(hv_next_operation(fx.hv, 0));
	boot_guest();
	begin_save();
	ck_assert_ptr_eq(hv_next_operation(fx.hv, 0), hv_operation(fx.hv, &fx.uuid));
	ck_assert_ptr_null(hv_next_operation(fx.hv, 1));
	wait_until(has_ended);
	ck_assert_ptr_null(hv_next_operation(fx.hv, 0));
}
END_TEST

/* Saves the guest, and keeps the end of that. */
static void keep_end(void)
{
	boot_guest();
	fx.keeps = true;
	begin_save();
	wait_until(has_ended);
}

START_TEST(an_end_that_is_kept_has_its_operation_in_flight_until_it_is_taken)
{
	struct operation_request destroy = make_request(OPERATION_DESTROY, 1);
	const struct hv_operation *op;
	struct hv_ends ends;

	keep_end();
	op = hv_operation(fx.hv, &fx.uuid);
	ck_assert_ptr_nonnull(op);
	ck_assert_int_eq(op->operation, OPERATION_SAVE);
	ck_assert_str_eq(op->name, GUEST);
	ck_assert_ptr_eq(hv_next_operation(fx.hv, 0), op);
	ck_assert_ptr_null(hv_next_operation(fx.hv, 1));
	ck_assert_int_eq(begin(&destroy), -EBUSY);
	ends = hv_take_ends(fx.hv);
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
	ck_assert_ptr_null(hv_next_operation(fx.hv, 0));
	hv_ends_done(&ends);
}
END_TEST

START_TEST(take_ends_has_a_copy_of_each_end)
{
	struct hv_ends ends;

	keep_end();
	ends = hv_take_ends(fx.hv);
	ck_assert_uint_eq(ends.n, 1);
	ck_assert_int_eq(ends.items[0].operation.operation, OPERATION_SAVE);
	ck_assert_str_eq(ends.items[0].operation.name, GUEST);
	ck_assert_int_eq(ends.items[0].result.outcome, OPERATION_OK);
	ck_assert_uint_eq(ends.uuids.n, 1);
	ck_assert(uuid_equal(&ends.uuids.items[0], &fx.uuid));
	hv_ends_done(&ends);
	ends = hv_take_ends(fx.hv);
	ck_assert_uint_eq(ends.n, 0);
}
END_TEST

START_TEST(ending_is_the_operation_whose_end_is_kept_or_null)
{
	struct hv_ends ends;

	keep_end();
	ck_assert_ptr_nonnull(hv_ending(fx.hv, &fx.uuid));
	ck_assert_ptr_null(hv_ending(fx.hv, &UUID_NULL));
	ends = hv_take_ends(fx.hv);
	ck_assert_ptr_null(hv_ending(fx.hv, &fx.uuid));
	hv_ends_done(&ends);
}
END_TEST

START_TEST(abort_ends_an_operation_early_and_leaves_the_guest_as_it_was)
{
	struct domain before, after;

	boot_guest();
	before = get_domain();
	begin_save();
	wait_until(is_suspended);
	fx.inside = true;
	hv_abort(fx.hv, &fx.uuid);
	fx.inside = false;
	wait_until(has_ended);
	/* A real one may have been too far already: then it is saved, and nothing is lost either.
	 */
	if (is_on("xen") && fx.error == 0) {
		ck_assert_ptr_nonnull(find_image());
		return;
	}
	ck_assert_int_lt(fx.error, 0);
	after = get_domain();
	ck_assert_uint_eq(after.domid, before.domid);
	ck_assert(!after.shutdown);
	ck_assert_ptr_null(find_image());
}
END_TEST

START_TEST(abort_of_no_operation_does_nothing)
{
	create_guest();
	hv_abort(fx.hv, &fx.uuid);
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
	ck_assert(!get_domain().shutdown);
}
END_TEST

/* It may be known at once, or found out by a worker. */
START_TEST(operate_on_a_domain_that_is_not_there_fails)
{
	struct operation_request save = make_request(OPERATION_SAVE, 12345);

	if (begin(&save) == 0) {
		wait_until(has_ended);
		ck_assert_int_lt(fx.error, 0);
	}
	ck_assert_ptr_null(hv_operation(fx.hv, &fx.uuid));
}
END_TEST

START_TEST(an_operation_whose_workers_fail_ends_with_an_error)
{
	struct operation_request destroy = make_request(OPERATION_DESTROY, 12345);

	if (has_broken_worker())
		ck_assert_int_lt(operate(&destroy), 0);
}
END_TEST

/* What each does. */

START_TEST(create_has_a_domain_of_ours_run)
{
	struct domain d;

	create_guest();
	d = get_domain();
	ck_assert_uint_eq(d.domid, fx.domid);
	ck_assert_int_eq(d.manager, DOMAIN_MANAGER_XENDOMAINSD);
	ck_assert(!d.paused && !d.shutdown && !d.system);
	wait_until(is_up);
}
END_TEST

START_TEST(save_leaves_an_image_and_no_domain)
{
	boot_guest();
	ck_assert_int_eq(operate_on_guest(OPERATION_SAVE), 0);
	wait_until(is_gone);
	ck_assert_ptr_nonnull(find_image());
	ck_assert_ptr_null(find_image()->error);
}
END_TEST

START_TEST(restore_has_a_domain_of_ours_run_and_leaves_no_image)
{
	struct operation_request restore;
	struct domain d;

	boot_guest();
	ck_assert_int_eq(operate_on_guest(OPERATION_SAVE), 0);
	restore = make_request(OPERATION_RESTORE, DOMID_NONE);
	ck_assert_int_eq(operate(&restore), 0);
	/* That it is up is not asked: a kernel says so when it boots, and not again. */
	d = get_domain();
	ck_assert_uint_eq(d.domid, fx.domid);
	ck_assert_int_eq(d.manager, DOMAIN_MANAGER_XENDOMAINSD);
	ck_assert(!d.paused && !d.shutdown);
	ck_assert_ptr_null(find_image());
}
END_TEST

/* What the image is like is up to the side; it must only find its way back. */
START_TEST(restore_takes_what_save_has_compressed)
{
	struct operation_request save, restore;

	boot_guest();
	save = make_request(OPERATION_SAVE, get_domain().domid);
	save.compression = COMPRESSION_ZSTD;
	ck_assert_int_eq(operate(&save), 0);
	ck_assert_ptr_null(find_image()->error);
	restore = make_request(OPERATION_RESTORE, DOMID_NONE);
	ck_assert_int_eq(operate(&restore), 0);
	ck_assert_uint_eq(get_domain().domid, fx.domid);
	ck_assert_ptr_null(find_image());
}
END_TEST

/* To a host that is never reached, or that takes everything. */
START_TEST(migrate_leaves_the_guest_here_if_it_fails_and_only_then)
{
	char *command[] = {(char[]){"/bin/false"}, NULL};
	struct target target = {.host = (char[]){"nowhere"}, .command = command};
	struct operation_request migrate;
	struct domain before, after;
	char ledger[256];

	boot_guest();
	before = get_domain();
	snprintf(ledger, sizeof(ledger), "%s/ledger", fx.root);
	migrate = make_request(OPERATION_MIGRATE, before.domid);
	migrate.targets = (struct target_list){.targets = &target, .n = 1};
	migrate.answer_limit = 10 * USEC_PER_SEC;
	migrate.ledger = ledger;
	if (operate(&migrate) == 0) {
		ck_assert(is_on("sim"));
		ck_assert_str_eq(fx.target, "nowhere");
		wait_until(is_gone);
		return;
	}
	after = get_domain();
	ck_assert_uint_eq(after.domid, before.domid);
	ck_assert(!after.shutdown);
	ck_assert_ptr_null(find_image());
}
END_TEST

START_TEST(restart_has_a_new_domain_of_ours_run)
{
	struct domain before, after;

	create_guest();
	before = get_domain();
	ck_assert_int_eq(operate_on_guest(OPERATION_RESTART), 0);
	after = get_domain();
	ck_assert_uint_ne(after.domid, before.domid);
	ck_assert_int_eq(after.manager, DOMAIN_MANAGER_XENDOMAINSD);
	wait_until(is_up);
}
END_TEST

static bool is_kept(const struct uuid *uuid, uint32_t domid)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();
	const struct domain *d = domain_list_find(l, uuid, domid);

	return d && !d->dying && d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	       d->on_crash == DEATH_PRESERVE && d->on_poweroff == DEATH_PRESERVE;
}

START_TEST(restart_keeps_the_old_domain_as_another_guest_if_asked_to)
{
	const struct uuid guest = fx.uuid;
	struct operation_request restart;
	struct domain before;

	create_guest();
	before = get_domain();
	restart = make_request(OPERATION_RESTART, before.domid);
	ck_assert_int_eq(uuid_random(&restart.preserve), 0);
	ck_assert_int_eq(operate(&restart), 0);
	ck_assert_uint_ne(get_domain().domid, before.domid);
	ck_assert(is_kept(&restart.preserve, before.domid));
	/* What is kept in a simulation stays to its end. */
	if (is_on("sim"))
		return;
	fx.uuid = restart.preserve;
	ck_assert_int_eq(operate_on_guest(OPERATION_DESTROY), 0);
	wait_until(is_gone);
	fx.uuid = guest;
	ck_assert(!is_gone(&fx));
}
END_TEST

static bool wants_to_eject(void)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();
	const struct domain *d = domain_list_find(l, &fx.uuid, get_domain().domid);

	return d && d->eject;
}

/* It may be told that there is no such disk; it costs the guest nothing. */
START_TEST(eject_of_no_disk_leaves_the_guest)
{
	static char device[] = "hdc";
	struct operation_request eject;

	create_guest();
	eject = make_request(OPERATION_EJECT, get_domain().domid);
	eject.device = device;
	operate(&eject);
	ck_assert(!get_domain().shutdown);
	ck_assert(!wants_to_eject());
}
END_TEST

START_TEST(destroy_takes_what_is_left)
{
	boot_guest();
	shut_down();
	ck_assert_int_eq(operate_on_guest(OPERATION_DESTROY), 0);
	wait_until(is_gone);
}
END_TEST

void add_operation_clauses(TCase *tests)
{
	tcase_add_test(tests, no_call_waits_for_an_operation);
	tcase_add_test(tests, a_callback_ends_an_operation_once);
	tcase_add_test(tests, one_operation_for_a_guest_at_a_time);
	tcase_add_test(tests, a_domain_is_removed_whether_that_was_expected_or_not);
	tcase_add_test(tests, an_operation_of_a_real_host_outlives_the_daemon);
	tcase_add_test(tests, progress_is_told_while_an_operation_is_in_flight);
	tcase_add_test(tests, operation_is_the_one_in_flight_for_a_guest_or_null);
	tcase_add_test(tests, next_operation_has_all_in_flight_until_null);
	tcase_add_test(tests, an_end_that_is_kept_has_its_operation_in_flight_until_it_is_taken);
	tcase_add_test(tests, take_ends_has_a_copy_of_each_end);
	tcase_add_test(tests, ending_is_the_operation_whose_end_is_kept_or_null);
	tcase_add_test(tests, abort_ends_an_operation_early_and_leaves_the_guest_as_it_was);
	tcase_add_test(tests, abort_of_no_operation_does_nothing);
	tcase_add_test(tests, operate_on_a_domain_that_is_not_there_fails);
	tcase_add_test(tests, an_operation_whose_workers_fail_ends_with_an_error);
	tcase_add_test(tests, create_has_a_domain_of_ours_run);
	tcase_add_test(tests, save_leaves_an_image_and_no_domain);
	tcase_add_test(tests, restore_has_a_domain_of_ours_run_and_leaves_no_image);
	tcase_add_test(tests, restore_takes_what_save_has_compressed);
	tcase_add_test(tests, migrate_leaves_the_guest_here_if_it_fails_and_only_then);
	tcase_add_test(tests, restart_has_a_new_domain_of_ours_run);
	tcase_add_test(tests, restart_keeps_the_old_domain_as_another_guest_if_asked_to);
	tcase_add_test(tests, eject_of_no_disk_leaves_the_guest);
	tcase_add_test(tests, destroy_takes_what_is_left);
}
