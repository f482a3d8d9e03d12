/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/returns.h"
#include "unit.h"

static const struct uuid guest = {.bytes = {1}};

static struct returns returns;
static struct domain domain;
static struct domain_list here = {.domains = &domain, .n = 1}, gone;

/* Of a guest that was asked, and is still there, as domain 7. */
static void expect_guest(void)
{
	returns = (struct returns){0};
	domain = (struct domain){.uuid = guest, .domid = 7};
	ck_assert_int_eq(domain_list_index(&here), 0);
	ck_assert_int_eq(returns_add(&returns, &guest, 7, false), 0);
}

/* Whether it can be started; it is not among those that are waited for any more, in any case. */
static bool comes_back(const struct domain_list *domains)
{
	struct uuid uuid;
	bool found = returns_take(&returns, domains, &uuid);

	ck_assert(!found || uuid_equal(&uuid, &guest));
	returns_clear(&returns);
	return found;
}

START_TEST(a_guest_comes_back_when_its_domain_has_shut_down_and_is_gone)
{
	struct uuid uuid;

	expect_guest();
	returns_look(&returns, &here, 0);
	ck_assert_uint_eq(returns_count(&returns), 0);
	domain.shutdown = true;
	returns_look(&returns, &here, 0);
	ck_assert_uint_eq(returns_count(&returns), 1);
	ck_assert(!returns_take(&returns, &here, &uuid));
	returns_look(&returns, &gone, 0);
	ck_assert(comes_back(&gone));
}
END_TEST

START_TEST(a_domain_that_only_lacks_its_last_page_keeps_no_guest_from_coming_back)
{
	expect_guest();
	domain.shutdown = domain.dying = true;
	returns_look(&returns, &here, 0);
	ck_assert(comes_back(&here));
}
END_TEST

START_TEST(a_guest_that_was_suspended_and_went_does_not_come_back)
{
	expect_guest();
	domain.shutdown = true;
	domain.reason = SHUTDOWN_REASON_SUSPEND;
	returns_look(&returns, &here, 0);
	returns_look(&returns, &gone, 0);
	ck_assert(!comes_back(&gone));
}
END_TEST

START_TEST(a_guest_that_goes_off_too_late_does_not_come_back)
{
	expect_guest();
	returns_set_end(&returns, 10);
	returns_look(&returns, &here, 9);
	domain.shutdown = true;
	returns_look(&returns, &here, 10);
	ck_assert(!comes_back(&gone));
}
END_TEST

START_TEST(a_guest_that_two_stops_were_about_comes_back_once)
{
	struct uuid uuid;

	expect_guest();
	ck_assert_int_eq(returns_add(&returns, &guest, 7, true), 0);
	ck_assert_int_eq(returns_add(&returns, &guest, 7, false), 0);
	ck_assert(returns_take(&returns, &gone, &uuid));
	ck_assert(!comes_back(&gone));
}
END_TEST

START_TEST(a_guest_that_somebody_wants_down_does_not_come_back)
{
	const struct uuid other = {.bytes = {2}};

	expect_guest();
	ck_assert_int_eq(returns_add(&returns, &other, 8, true), 0);
	ck_assert_int_eq(returns_add(&returns, &guest, 7, true), 0);
	returns_remove(&returns, &other);
	ck_assert(comes_back(&gone));
}
END_TEST

SUITE("returns", a_guest_comes_back_when_its_domain_has_shut_down_and_is_gone,
      a_domain_that_only_lacks_its_last_page_keeps_no_guest_from_coming_back,
      a_guest_that_was_suspended_and_went_does_not_come_back,
      a_guest_that_goes_off_too_late_does_not_come_back,
      a_guest_that_two_stops_were_about_comes_back_once,
      a_guest_that_somebody_wants_down_does_not_come_back);
