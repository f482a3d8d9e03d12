/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "rig-hv.h"

/* The clauses of hv.h about domains: list(), changed(), and what is asked of a guest. */

START_TEST(list_has_dom0_marked_as_system)
{
	_cleanup_(domain_list_freep) struct domain_list *l = list();
	bool found = false;

	for (size_t i = 0; i < l->n; i++)
		if (l->domains[i].domid == 0)
			found = l->domains[i].system;
	ck_assert(found);
}
END_TEST

START_TEST(list_has_all_domains_now)
{
	struct domain d;

	ck_assert(!find_domain(&d));
	create_guest();
	d = get_domain();
	ck_assert_uint_eq(d.domid, fx.domid);
	ck_assert(!d.system);
	ck_assert_int_eq(operate_on_guest(OPERATION_DESTROY), 0);
	ck_assert(!find_domain(&d));
}
END_TEST

static bool has_changed(struct fixture *f)
{
	return f->changes > 0;
}

static bool settled(struct fixture *f)
{
	return f->answers > 0;
}

/* What was told by now is told: a turn of the loop that ends with an answer from a worker. */
static void settle(void)
{
	uint64_t id;

	fx.answers = 0;
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	wait_until(settled);
	fx.changes = 0;
}

START_TEST(changed_says_that_list_has_a_new_domain)
{
	settle();
	create_guest();
	wait_until(has_changed);
}
END_TEST

START_TEST(changed_says_that_a_domain_is_gone_from_list)
{
	create_guest();
	settle();
	ck_assert_int_eq(operate_on_guest(OPERATION_DESTROY), 0);
	wait_until(has_changed);
}
END_TEST

START_TEST(changed_says_that_a_guest_has_powered_off)
{
	boot_guest();
	settle();
	shut_down();
	/* A look can find the guest down before it is told. */
	wait_until(has_changed);
}
END_TEST

static int ask(const struct domain *d)
{
	int r;

	fx.inside = true;
	r = hv_ask_shutdown(fx.hv, d);
	fx.inside = false;
	return r;
}

START_TEST(ask_shutdown_asks_a_guest_to_power_off_and_list_shows_it)
{
	struct domain d;

	boot_guest();
	shut_down();
	/* A domain of ours stays until an operation destroys it. */
	d = get_domain();
	ck_assert(d.shutdown);
	ck_assert_int_eq(d.reason, SHUTDOWN_REASON_POWEROFF);
}
END_TEST

START_TEST(ask_shutdown_asks_again)
{
	struct domain d;

	boot_guest();
	d = get_domain();
	ck_assert_int_eq(ask(&d), 0);
	ck_assert_int_eq(ask(&d), 0);
	shut_down();
}
END_TEST

START_TEST(ask_shutdown_of_another_domain_is_estale)
{
	struct domain d = {.domid = 12345, .uuid = fx.uuid};

	ck_assert_int_eq(ask(&d), -ESTALE);
	create_guest();
	d.domid = get_domain().domid + 1;
	ck_assert_int_eq(ask(&d), -ESTALE);
	d.domid--;
	ck_assert_int_eq(uuid_random(&d.uuid), 0);
	ck_assert_int_eq(ask(&d), -ESTALE);
	ck_assert(!get_domain().shutdown);
}
END_TEST

START_TEST(ask_shutdown_of_a_guest_that_does_not_react_is_eopnotsupp)
{
	struct domain d;

	if (!has_guest(NULL, "\"cannot\":true"))
		return;
	create_guest();
	d = get_domain();
	ck_assert_int_eq(ask(&d), -EOPNOTSUPP);
}
END_TEST

static bool is_taken(struct fixture *f _unused_)
{
	struct domain d = get_domain();
	int r = hv_shutdown_answer(fx.hv, &d);

	ck_assert(r == 0 || r == 1);
	return r == 1 || d.shutdown;
}

START_TEST(shutdown_answer_is_1_once_the_request_is_taken)
{
	struct domain d;

	boot_guest();
	d = get_domain();
	ck_assert_int_eq(ask(&d), 0);
	wait_until(is_taken);
	shut_down();
	ck_assert_int_eq(hv_shutdown_answer(fx.hv, &d), 1);
}
END_TEST

START_TEST(shutdown_answer_is_0_while_the_request_is_not_taken)
{
	struct domain d;

	/* On Xen a guest that is paused reads nothing; here are some that never do. */
	if (!is_on("xen") && !has_guest("\"shutdown\":{\"hangs\":true}", "\"never_off\":true"))
		return;
	create_guest();
	d = get_domain();
	ck_assert_int_eq(ask(&d), 0);
	ck_assert_int_eq(hv_shutdown_answer(fx.hv, &d), 0);
}
END_TEST

START_TEST(shutdown_answer_is_eopnotsupp_if_the_guest_cannot_say)
{
	struct domain d;

	/* A real one of that kind has no drivers of Xen's. */
	if (!has_guest(NULL, "\"button\":true,\"off_ms\":50"))
		return;
	create_guest();
	d = get_domain();
	ck_assert_int_eq(ask(&d), 0);
	ck_assert_int_eq(hv_shutdown_answer(fx.hv, &d), -EOPNOTSUPP);
	wait_until(has_shut_down);
}
END_TEST

START_TEST(shutdown_answer_of_a_domain_that_is_gone_is_1)
{
	struct domain d;

	create_guest();
	d = get_domain();
	ck_assert_int_eq(operate_on_guest(OPERATION_DESTROY), 0);
	ck_assert_int_eq(hv_shutdown_answer(fx.hv, &d), 1);
}
END_TEST

START_TEST(sysrq_is_sent_to_the_domain_that_is_meant_or_is_estale)
{
	struct domain d = {.domid = 12345, .uuid = fx.uuid};

	ck_assert_int_eq(hv_send_sysrq(fx.hv, &d, 's'), -ESTALE);
	create_guest();
	d = get_domain();
	ck_assert_int_eq(hv_send_sysrq(fx.hv, &d, 's'), 0);
	ck_assert_int_eq(uuid_random(&d.uuid), 0);
	ck_assert_int_eq(hv_send_sysrq(fx.hv, &d, 's'), -ESTALE);
}
END_TEST

void add_domain_clauses(TCase *tests)
{
	tcase_add_test(tests, list_has_dom0_marked_as_system);
	tcase_add_test(tests, list_has_all_domains_now);
	tcase_add_test(tests, changed_says_that_list_has_a_new_domain);
	tcase_add_test(tests, changed_says_that_a_domain_is_gone_from_list);
	tcase_add_test(tests, changed_says_that_a_guest_has_powered_off);
	tcase_add_test(tests, ask_shutdown_asks_a_guest_to_power_off_and_list_shows_it);
	tcase_add_test(tests, ask_shutdown_asks_again);
	tcase_add_test(tests, ask_shutdown_of_another_domain_is_estale);
	tcase_add_test(tests, ask_shutdown_of_a_guest_that_does_not_react_is_eopnotsupp);
	tcase_add_test(tests, shutdown_answer_is_1_once_the_request_is_taken);
	tcase_add_test(tests, shutdown_answer_is_0_while_the_request_is_not_taken);
	tcase_add_test(tests, shutdown_answer_is_eopnotsupp_if_the_guest_cannot_say);
	tcase_add_test(tests, shutdown_answer_of_a_domain_that_is_gone_is_1);
	tcase_add_test(tests, sysrq_is_sent_to_the_domain_that_is_meant_or_is_estale);
}
