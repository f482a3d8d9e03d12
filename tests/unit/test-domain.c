/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/domain.h"
#include "unit.h"
#include "util/str.h"

START_TEST(names_of_managers_are_inverse)
{
	for (int i = 0; i < _DOMAIN_MANAGER_MAX; i++)
		ck_assert_int_eq(domain_manager_from_string(
					 domain_manager_to_string((enum domain_manager)i)),
				 i);
	ck_assert_int_eq(domain_manager_from_string("nonsense"), -EINVAL);
	ck_assert_int_eq(domain_manager_from_string(NULL), -EINVAL);
}
END_TEST

START_TEST(what_happens_to_a_dead_guest_depends_on_how_it_died)
{
	struct domain d = {
		.shutdown = true,
		.on_poweroff = DEATH_DESTROY,
		.on_reboot = DEATH_RESTART,
		.on_watchdog = DEATH_COREDUMP_RESTART,
		.on_crash = DEATH_PRESERVE,
		.on_soft_reset = DEATH_SOFT_RESET,
	};
	static const enum death_action expected[] = {
		[SHUTDOWN_REASON_POWEROFF] = DEATH_DESTROY,
		[SHUTDOWN_REASON_REBOOT] = DEATH_RESTART,
		[SHUTDOWN_REASON_SUSPEND] = DEATH_PRESERVE,
		[SHUTDOWN_REASON_CRASH] = DEATH_PRESERVE,
		[SHUTDOWN_REASON_WATCHDOG] = DEATH_COREDUMP_RESTART,
		[SHUTDOWN_REASON_SOFT_RESET] = DEATH_SOFT_RESET,
	};

	for (int i = 0; i < _SHUTDOWN_REASON_MAX; i++) {
		d.reason = (enum shutdown_reason)i;
		ck_assert_int_eq(domain_death_action(&d), expected[i]);
	}
	/* Of what is not known the worst is thought. */
	d.reason = (enum shutdown_reason)200;
	ck_assert_int_eq(domain_death_action(&d), DEATH_PRESERVE);
	/* A suspended one is never destroyed or restarted, whatever the configuration. */
	d = (struct domain){.reason = SHUTDOWN_REASON_SUSPEND};
	ck_assert_int_eq(domain_death_action(&d), DEATH_PRESERVE);
}
END_TEST

START_TEST(a_domain_is_found_by_both_its_numbers)
{
	struct domain_list *l = calloc(1, sizeof(*l));
	const struct uuid a = {.bytes = {1}}, b = {.bytes = {2}};

	l->domains = calloc(2, sizeof(*l->domains));
	l->n = 2;
	l->domains[0] = (struct domain){.domid = 1, .uuid = a, .name = strdup("x")};
	l->domains[1] = (struct domain){.domid = 2, .uuid = b, .source = strdup("y")};
	ck_assert_int_eq(domain_list_index(l), 0);
	ck_assert_ptr_eq(domain_list_find(l, &a, 1), &l->domains[0]);
	ck_assert_ptr_eq(domain_list_find(l, &b, 2), &l->domains[1]);
	/* A number is used again, and a guest that reboots has another. */
	ck_assert_ptr_null(domain_list_find(l, &a, 2));
	ck_assert_ptr_null(domain_list_find(l, &b, 1));
	domain_list_free(l);
	domain_list_free(NULL);
}
END_TEST

/* Which of several comes first decides which of them a guest is. */
START_TEST(domains_of_one_uuid_or_name_come_in_their_order)
{
	const struct uuid a = {.bytes = {1}}, b = {.bytes = {2}};
	_cleanup_(domain_list_freep) struct domain_list *l = calloc(1, sizeof(*l));
	struct domain *d;

	l->domains = calloc(4, sizeof(*l->domains));
	l->n = 4;
	d = l->domains;
	d[0] = (struct domain){.domid = 1, .uuid = a, .name = strdup("x")};
	d[1] = (struct domain){.domid = 2, .uuid = b};
	d[2] = (struct domain){.domid = 3, .uuid = b, .name = strdup("x--incoming")};
	d[3] = (struct domain){.domid = 4, .uuid = a, .name = strdup("y")};
	d[2].paused = d[2].unbuilt = true;
	ck_assert_int_eq(domain_list_index(l), 0);
	ck_assert_ptr_eq(domain_list_next(l, &a, NULL), &d[0]);
	ck_assert_ptr_eq(domain_list_next(l, &a, &d[0]), &d[3]);
	ck_assert_ptr_null(domain_list_next(l, &a, &d[3]));
	/* Without what a migration adds to it. */
	ck_assert_ptr_eq(domain_list_next_called(l, "x", NULL), &d[0]);
	ck_assert_ptr_eq(domain_list_next_called(l, "x", &d[0]), &d[2]);
	ck_assert_ptr_null(domain_list_next_called(l, "x", &d[2]));
	ck_assert_ptr_null(domain_list_next_called(l, "x--incoming", NULL));
}
END_TEST

START_TEST(flags_are_those_of_xl)
{
	struct domain d = {.paused = true};

	domain_set_flags(&d, false, true);
	ck_assert_str_eq(d.flags, "-bp---");
	d = (struct domain){.shutdown = true, .reason = SHUTDOWN_REASON_CRASH, .dying = true};
	domain_set_flags(&d, true, false);
	ck_assert_str_eq(d.flags, "r--scd");
	d = (struct domain){.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND};
	domain_set_flags(&d, false, false);
	ck_assert_str_eq(d.flags, "---ss-");
	d.reason = (enum shutdown_reason)200;
	domain_set_flags(&d, false, false);
	ck_assert_str_eq(d.flags, "---s--");
}
END_TEST

/* Said once more, in the order of what weighs most. */
static enum domain_condition expected(const struct domain *d)
{
	bool suspended = d->shutdown && d->reason == SHUTDOWN_REASON_SUSPEND;
	bool is_away = str_equal(d->name, "web--migratedaway");
	bool is_coming = str_equal(d->name, "web--incoming");

	return d->dying                  ? DOMAIN_DYING
	       : suspended               ? (d->saver  ? DOMAIN_SAVING
					    : is_away ? DOMAIN_AWAY
						      : DOMAIN_SUSPENDED)
	       : d->shutdown             ? DOMAIN_ENDED
	       : !d->paused              ? DOMAIN_RUNNING
	       : d->cpu_time             ? DOMAIN_PAUSED
	       : d->unbuilt || is_coming ? DOMAIN_UNBUILT
					 : DOMAIN_NEVER_RUN;
}

START_TEST(each_combination_of_flags_has_its_condition)
{
	static const char *const names[] = {"web", "web--migratedaway", "web--incoming", NULL};
	unsigned seen[_DOMAIN_CONDITION_MAX] = {0};

	for (unsigned bits = 0; bits < 512; bits++) {
		struct domain d = {
			.dying = bits & 1,
			.shutdown = bits & 2,
			.reason = bits & 4 ? SHUTDOWN_REASON_SUSPEND : SHUTDOWN_REASON_POWEROFF,
			.saver = bits & 8,
			.paused = bits & 16,
			.cpu_time = bits & 32 ? 1 : 0,
			.unbuilt = bits & 64,
			.name = (char *)names[bits >> 7],
		};

		ck_assert_int_eq(domain_condition(&d), expected(&d));
		ck_assert_int_eq(domain_has_life(&d), expected(&d) <= DOMAIN_PAUSED);
		seen[domain_condition(&d)]++;
	}
	for (int i = 0; i < _DOMAIN_CONDITION_MAX; i++)
		ck_assert_uint_gt(seen[i], 0);
}
END_TEST

START_TEST(what_another_host_sends_is_not_built_before_it_has_its_name)
{
	char incoming[] = "web--incoming", web[] = "web", like[] = "--incoming-web";
	struct domain d = {.paused = true, .name = incoming};

	/* The sender has not yet given leave: it may go on running there. */
	ck_assert_int_eq(domain_condition(&d), DOMAIN_UNBUILT);
	d.name = web;
	ck_assert_int_eq(domain_condition(&d), DOMAIN_NEVER_RUN);
	d.name = like;
	ck_assert_int_eq(domain_condition(&d), DOMAIN_NEVER_RUN);
	d = (struct domain){.paused = true, .name = incoming, .cpu_time = 1};
	ck_assert_int_eq(domain_condition(&d), DOMAIN_PAUSED);
	d = (struct domain){.name = incoming};
	ck_assert_int_eq(domain_condition(&d), DOMAIN_RUNNING);
}
END_TEST

START_TEST(a_domain_that_is_migrated_keeps_its_own_name)
{
	char incoming[] = "web--incoming", away[] = "web--migratedaway";
	struct domain d = {.paused = true, .name = incoming};
	_cleanup_free_ char *coming = domain_own_name(&d), *gone = NULL, *plain = NULL;

	ck_assert_str_eq(coming, "web");
	ck_assert(domain_is_called(&d, "web") && !domain_is_called(&d, incoming));
	d = (struct domain){
		.shutdown = true, .reason = SHUTDOWN_REASON_SUSPEND, .saver = true, .name = away};
	gone = domain_own_name(&d);
	ck_assert_str_eq(gone, "web");
	ck_assert(domain_is_handed_over(&d));
	d.reason = SHUTDOWN_REASON_POWEROFF;
	ck_assert(!domain_is_handed_over(&d));
	/* Who calls a guest so may. */
	d = (struct domain){.name = away};
	plain = domain_own_name(&d);
	ck_assert_str_eq(plain, away);
	ck_assert(!domain_is_handed_over(&d));
	d = (struct domain){.dying = true};
	ck_assert_ptr_null(domain_own_name(&d));
	ck_assert(!domain_is_called(&d, "web"));
}
END_TEST

SUITE("domain", a_domain_that_is_migrated_keeps_its_own_name, flags_are_those_of_xl,
      each_combination_of_flags_has_its_condition,
      what_another_host_sends_is_not_built_before_it_has_its_name, names_of_managers_are_inverse,
      what_happens_to_a_dead_guest_depends_on_how_it_died, a_domain_is_found_by_both_its_numbers,
      domains_of_one_uuid_or_name_come_in_their_order);
