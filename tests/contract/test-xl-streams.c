/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "rig-xl.h"
#include "util/fd.h"

/* The clauses of xl.h about streams: save, restore, migrate and resume. */

/* libxl's header, and that a guest follows. */
static const uint8_t head[XL_STREAM_HEAD] = "LibxlFmt\0\0\0\2\0\0\0\0\1";

static int past_deadline(void)
{
	/* Real libxl must come as far as to read the stream. */
	reopen(usec_add(usec_now(), is_fake() ? 20 * USEC_PER_MSEC : 5 * USEC_PER_SEC));
	return -ETIME;
}

static int stop_soon(void)
{
	fx.stop_at_tick = true;
	return -ECANCELED;
}

/* Its sender does not go on. */
static void check_restore_ends_early(int error)
{
	uint32_t domid;
	int pipes[2];

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_write_all(pipes[1], head, sizeof(head)), 0);
	ck_assert_int_eq(xl_restore(fx.xl, fx.config, pipes[0], &domid), error);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_uint_gt(fx.ticks, 0);
	ck_assert(is_gone());
}

START_TEST(stop_ends_restore_early_and_leaves_no_domain)
{
	check_restore_ends_early(stop_soon());
}
END_TEST

START_TEST(the_deadline_ends_restore_early_and_leaves_no_domain)
{
	check_restore_ends_early(past_deadline());
}
END_TEST

/* Its receiver takes no more than a pipe does. */
static int send_in_vain(uint32_t domid, bool live)
{
	int pipes[2], r;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	r = live ? xl_migrate(fx.xl, domid, pipes[1], false) : xl_save(fx.xl, domid, pipes[1]);
	close(pipes[0]);
	close(pipes[1]);
	return r;
}

/* One that had the request in hand suspends now, if it had: a migration may not have asked yet. */
static void await_suspend(void)
{
	for (int i = 0; i < 100 && find().pending && !find().suspended; i++)
		poll(NULL, 0, is_fake() ? 10 : 100);
}

static void check_runs(uint32_t domid)
{
	await_suspend();
	if (find().suspended)
		ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	ck_assert(!find().shutdown);
	ck_assert_uint_eq(find().domid, domid);
	destroy(domid);
}

START_TEST(stop_ends_save_early_and_the_domain_can_be_resumed)
{
	uint32_t domid = boot();
	int error = stop_soon();

	ck_assert_int_eq(send_in_vain(domid, false), error);
	check_runs(domid);
}
END_TEST

START_TEST(the_deadline_ends_save_early_and_the_domain_can_be_resumed)
{
	uint32_t domid = boot();
	int error = past_deadline();

	ck_assert_int_eq(send_in_vain(domid, false), error);
	check_runs(domid);
}
END_TEST

START_TEST(a_request_that_the_guest_has_in_hand_is_pending_until_it_is_resumed)
{
	uint32_t domid;
	int error;

	if (is_fake())
		change_config("fake", "suspend_ms", "200");
	domid = boot();
	ck_assert(!find().pending);
	error = stop_soon();
	ck_assert_int_eq(send_in_vain(domid, false), error);
	ck_assert(find().suspended || find().pending);
	await_suspend();
	/* On a slow host the call can end before libxl has asked. */
	ck_assert(find().suspended || !is_fake());
	if (find().suspended) {
		ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
		ck_assert(!find().suspended && !find().pending);
	}
	destroy(domid);
}
END_TEST

START_TEST(end_request_of_a_guest_that_was_not_asked_leaves_it)
{
	uint32_t domid = boot();

	ck_assert_int_eq(xl_end_request(fx.xl, domid), 0);
	ck_assert(!find().pending);
	check_runs(domid);
}
END_TEST

/* Of a real one only a worker that dies in the middle leaves a request. */
START_TEST(end_request_leaves_what_it_cannot_take_back_pending)
{
	uint32_t domid;

	if (!is_fake())
		return;
	domid = boot();
	change_world(domid, "asked_to_suspend", "0");
	ck_assert_int_eq(xl_end_request(fx.xl, domid), 0);
	ck_assert(find().pending);
	destroy(domid);
}
END_TEST

START_TEST(end_request_is_0_if_the_domain_has_suspended)
{
	uint32_t domid;

	if (!is_fake())
		return;
	domid = boot();
	change_world(domid, "asked_to_suspend", "0");
	change_world(domid, "state", "\"suspended\"");
	ck_assert_int_eq(xl_end_request(fx.xl, domid), 0);
	ck_assert(find().suspended && !find().pending);
	destroy(domid);
}
END_TEST

/* Not all guests of all Xens can: those must run on. */
static void check_migrate_ends_early(uint32_t domid, int error)
{
	int r = send_in_vain(domid, true);

	ck_assert_msg(r == error || (!is_fake() && r < 0 && xl_reason(fx.xl)), "%d", r);
	check_runs(domid);
}

START_TEST(stop_ends_migrate_early_and_the_domain_runs_on)
{
	uint32_t domid = boot();

	check_migrate_ends_early(domid, stop_soon());
}
END_TEST

START_TEST(the_deadline_ends_migrate_early_and_the_domain_runs_on)
{
	uint32_t domid = boot();

	check_migrate_ends_early(domid, past_deadline());
}
END_TEST

START_TEST(save_suspends_a_domain_and_writes_its_stream)
{
	_cleanup_close_ int file = open_file();
	uint32_t domid = boot();

	ck_assert_int_eq(save(domid, file), 0);
	ck_assert(find().shutdown && find().suspended);
	destroy(domid);
}
END_TEST

START_TEST(save_of_a_guest_that_does_not_react_is_etimedout)
{
	_cleanup_close_ int null = open_null();
	uint32_t domid;

	/* A real one does not before it has booted: see boot(). */
	if (!is_fake())
		return;
	change_config("fake", "deaf", "true");
	domid = create();
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	ck_assert_int_eq(xl_save(fx.xl, domid, null), -ETIMEDOUT);
	check_runs(domid);
}
END_TEST

START_TEST(resume_has_a_suspended_domain_run_on)
{
	_cleanup_close_ int file = open_file();
	uint32_t domid = boot();

	ck_assert_int_eq(save(domid, file), 0);
	ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	ck_assert(!find().shutdown && !find().suspended);
	ck_assert_uint_eq(find().domid, domid);
	destroy(domid);
}
END_TEST

START_TEST(restore_builds_a_domain_from_a_stream_and_leaves_it_paused)
{
	_cleanup_free_ char *config = NULL;
	_cleanup_close_ int file = open_file();
	uint32_t domid = boot();

	ck_assert_int_eq(save(domid, file), 0);
	ck_assert_int_eq(xl_get_config(fx.xl, domid, &config), 0);
	destroy(domid);
	ck_assert_int_eq(restore(config, file, &domid), 0);
	ck_assert(find().paused);
	ck_assert_uint_eq(find().domid, domid);
	destroy(domid);
}
END_TEST

START_TEST(restore_from_a_stream_that_is_cut_short_leaves_no_domain)
{
	int pipes[2];
	uint32_t domid;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_write_all(pipes[1], head, sizeof(head)), 0);
	close(pipes[1]);
	ck_assert_int_lt(xl_restore(fx.xl, fx.config, pipes[0], &domid), 0);
	close(pipes[0]);
	ck_assert(is_gone());
}
END_TEST

START_TEST(migrate_suspends_a_domain_in_the_end_and_writes_its_stream)
{
	_cleanup_close_ int file = open_file();
	uint32_t domid = boot();
	int r = migrate(domid, file);

	/* As above: not all can. */
	if (is_fake() || r == 0) {
		ck_assert_int_eq(r, 0);
		ck_assert(find().suspended);
	}
	ck_assert_msg(r == 0 || xl_reason(fx.xl), "an error without a reason");
	check_runs(domid);
}
END_TEST

void add_stream_clauses(TCase *tests)
{
	tcase_add_test(tests, stop_ends_restore_early_and_leaves_no_domain);
	tcase_add_test(tests, the_deadline_ends_restore_early_and_leaves_no_domain);
	tcase_add_test(tests, stop_ends_save_early_and_the_domain_can_be_resumed);
	tcase_add_test(tests, the_deadline_ends_save_early_and_the_domain_can_be_resumed);
	tcase_add_test(tests, a_request_that_the_guest_has_in_hand_is_pending_until_it_is_resumed);
	tcase_add_test(tests, end_request_of_a_guest_that_was_not_asked_leaves_it);
	tcase_add_test(tests, end_request_leaves_what_it_cannot_take_back_pending);
	tcase_add_test(tests, end_request_is_0_if_the_domain_has_suspended);
	tcase_add_test(tests, stop_ends_migrate_early_and_the_domain_runs_on);
	tcase_add_test(tests, the_deadline_ends_migrate_early_and_the_domain_runs_on);
	tcase_add_test(tests, save_suspends_a_domain_and_writes_its_stream);
	tcase_add_test(tests, save_of_a_guest_that_does_not_react_is_etimedout);
	tcase_add_test(tests, resume_has_a_suspended_domain_run_on);
	tcase_add_test(tests, restore_builds_a_domain_from_a_stream_and_leaves_it_paused);
	tcase_add_test(tests, restore_from_a_stream_that_is_cut_short_leaves_no_domain);
	tcase_add_test(tests, migrate_suspends_a_domain_in_the_end_and_writes_its_stream);
}
