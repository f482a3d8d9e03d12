/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "rig-xl.h"
#include "util/str.h"
#include "wire/mark.h"

/* The clauses of xl.h about domains that are there: how they are found, built, named and marked. */

static int look_up(uint32_t domid, struct xl_domain *ret)
{
	return xl_find(fx.xl, &fx.uuid, domid, ret);
}

START_TEST(find_is_esrch_if_there_is_none)
{
	struct xl_domain d;

	ck_assert_int_eq(look_up(DOMID_NONE, &d), -ESRCH);
	ck_assert_int_eq(look_up(NO_DOMAIN, &d), -ESRCH);
}
END_TEST

START_TEST(find_has_the_domain_of_the_uuid)
{
	uint32_t domid = create();
	struct xl_domain d;

	ck_assert_int_eq(look_up(DOMID_NONE, &d), 0);
	ck_assert_uint_eq(d.domid, domid);
	ck_assert(!d.dying && !d.shutdown && !d.suspended);
	ck_assert_uint_gt(d.memory_kib, 0);
	destroy(domid);
}
END_TEST

/* Migrated to the host that it is on, a guest is there twice. */
START_TEST(find_has_the_one_with_the_number_of_two_domains)
{
	uint32_t first = create(), second = DOMID_NONE;
	struct xl_domain d;

	ck_assert_int_eq(xl_rename(fx.xl, first, GUEST, GUEST "--migratedaway"), 0);
	ck_assert_int_eq(xl_create(fx.xl, fx.config, &fx.uuid, &second), 0);
	ck_assert_int_eq(look_up(first, &d), 0);
	ck_assert_uint_eq(d.domid, first);
	ck_assert_int_eq(look_up(second, &d), 0);
	ck_assert_uint_eq(d.domid, second);
	destroy(first);
	ck_assert_uint_eq(find().domid, second);
	destroy(second);
}
END_TEST

START_TEST(find_has_a_domain_that_lives_before_one_that_dies)
{
	uint32_t first = create(), second;
	struct xl_domain d;

	/* On a real host one dies for a moment only. */
	if (is_fake()) {
		change_world(first, "dying", "true");
		ck_assert_int_eq(look_up(DOMID_NONE, &d), 0);
		ck_assert(d.dying);
		ck_assert_int_eq(look_up(first, &d), 0);
		ck_assert(d.dying);
		change_world(first, "name", "\"gone\"");
		second = create();
		ck_assert_uint_eq(find().domid, second);
		destroy(second);
	}
	destroy(first);
}
END_TEST

START_TEST(find_signed_has_the_domain_that_was_built_with_the_text)
{
	struct xl_domain d;
	uint32_t domid;

	change_config("c_info", "xsdata", "{\"" XL_SIGN_KEY "\": \"a sign\"}");
	ck_assert_int_eq(xl_find_signed(fx.xl, "a sign", &d), -ESRCH);
	domid = create();
	ck_assert_int_eq(xl_find_signed(fx.xl, "a sign", &d), 0);
	ck_assert_uint_eq(d.domid, domid);
	ck_assert_int_eq(xl_find_signed(fx.xl, "another sign", &d), -ESRCH);
	destroy(domid);
	ck_assert_int_eq(xl_find_signed(fx.xl, "a sign", &d), -ESRCH);
}
END_TEST

START_TEST(find_signed_has_no_domain_that_is_dying)
{
	struct xl_domain d;

	if (!is_fake())
		return;
	change_config("c_info", "xsdata", "{\"" XL_SIGN_KEY "\": \"a sign\"}");
	change_world(create(), "dying", "true");
	ck_assert_int_eq(xl_find_signed(fx.xl, "a sign", &d), -ESRCH);
}
END_TEST

START_TEST(get_config_is_libxls_json_of_the_domain)
{
	_cleanup_free_ char *config = NULL;
	uint32_t domid;

	/* As it is now: not the UUID that the configuration had. */
	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	domid = create();
	ck_assert_int_eq(xl_get_config(fx.xl, domid, &config), 0);
	ck_assert_ptr_nonnull(strstr(config, GUEST));
	ck_assert_ptr_nonnull(strstr(config, UUID_TEXT(&fx.uuid)));
	destroy(domid);
}
END_TEST

START_TEST(create_builds_a_domain_and_leaves_it_paused)
{
	uint32_t domid = create();

	ck_assert(find().paused);
	destroy(domid);
}
END_TEST

START_TEST(create_that_fails_leaves_no_domain)
{
	uint32_t domid;

	if (is_fake())
		change_config("fake", "create_error", "\"there is no kernel\"");
	else
		change_config("b_info", "kernel", "\"/there/is/no/kernel\"");
	ck_assert_int_lt(xl_create(fx.xl, fx.config, &fx.uuid, &domid), 0);
	ck_assert_ptr_nonnull(xl_reason(fx.xl));
	ck_assert(is_gone());
}
END_TEST

START_TEST(stop_ends_create_early_and_leaves_no_domain)
{
	uint32_t domid;

	ask_to_stop();
	ck_assert_int_eq(xl_create(fx.xl, fx.config, &fx.uuid, &domid), -ECANCELED);
	ck_assert(is_gone());
}
END_TEST

START_TEST(the_deadline_ends_create_early_and_leaves_no_domain)
{
	uint32_t domid;

	reopen(usec_now());
	ck_assert_int_eq(xl_create(fx.xl, fx.config, &fx.uuid, &domid), -ETIME);
	ck_assert(is_gone());
}
END_TEST

START_TEST(unpause_has_a_domain_run)
{
	uint32_t domid = create();

	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	ck_assert(!find().paused);
	destroy(domid);
}
END_TEST

START_TEST(destroy_leaves_no_domain)
{
	uint32_t domid = create();

	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
	ck_assert(is_gone());
}
END_TEST

START_TEST(rename_is_0_also_if_it_is_called_so_already)
{
	uint32_t domid = create();

	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "--migratedaway"), 0);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "--migratedaway"), 0);
	/* Its name is free, so it was renamed. */
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST "--migratedaway", GUEST), 0);
	destroy(domid);
}
END_TEST

START_TEST(rename_is_ebusy_if_it_is_called_neither_way)
{
	uint32_t domid = create();

	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST "x", GUEST "y"), -EBUSY);
	destroy(domid);
}
END_TEST

START_TEST(set_mark_is_what_get_mark_reads)
{
	_cleanup_free_ char *mark = NULL, *read = NULL;
	uint32_t domid = create();

	ck_assert_int_eq(mark_format(&fx.uuid, "x", fx.config, NULL, &mark), 0);
	ck_assert_int_eq(xl_set_mark(fx.xl, domid, mark), 0);
	ck_assert_int_eq(xl_get_mark(fx.xl, domid, &read), 0);
	ck_assert_str_eq(read, mark);
	destroy(domid);
}
END_TEST

START_TEST(get_mark_is_enoent_if_there_is_none)
{
	uint32_t domid = create();
	char *mark;

	ck_assert_int_eq(xl_get_mark(fx.xl, domid, &mark), -ENOENT);
	destroy(domid);
}
END_TEST

void add_domain_clauses(TCase *tests)
{
	tcase_add_test(tests, find_is_esrch_if_there_is_none);
	tcase_add_test(tests, find_has_the_domain_of_the_uuid);
	tcase_add_test(tests, find_has_the_one_with_the_number_of_two_domains);
	tcase_add_test(tests, find_has_a_domain_that_lives_before_one_that_dies);
	tcase_add_test(tests, find_signed_has_the_domain_that_was_built_with_the_text);
	tcase_add_test(tests, find_signed_has_no_domain_that_is_dying);
	tcase_add_test(tests, get_config_is_libxls_json_of_the_domain);
	tcase_add_test(tests, create_builds_a_domain_and_leaves_it_paused);
	tcase_add_test(tests, create_that_fails_leaves_no_domain);
	tcase_add_test(tests, stop_ends_create_early_and_leaves_no_domain);
	tcase_add_test(tests, the_deadline_ends_create_early_and_leaves_no_domain);
	tcase_add_test(tests, unpause_has_a_domain_run);
	tcase_add_test(tests, destroy_leaves_no_domain);
	tcase_add_test(tests, rename_is_0_also_if_it_is_called_so_already);
	tcase_add_test(tests, rename_is_ebusy_if_it_is_called_neither_way);
	tcase_add_test(tests, set_mark_is_what_get_mark_reads);
	tcase_add_test(tests, get_mark_is_enoent_if_there_is_none);
}
