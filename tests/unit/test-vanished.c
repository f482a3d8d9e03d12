/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/vanished.h"
#include "unit.h"

static const struct uuid web = {.bytes = {1}}, other = {.bytes = {2}};

/* Whether a guest of the UUID, name and configuration is one of the vanished, who was web. */
static bool has(const struct ledger *ledger, const struct uuid *uuid, const char *name,
		const struct survey_config *config)
{
	_cleanup_(vanished_list_done) struct vanished_list list = {0};
	struct guest g = {.uuid = *uuid, .name = name, .config = config};
	struct vanished_index v;
	bool found;

	vanished_list_add(&list, &web, "web");
	ck_assert_int_eq(vanished_index_init(&v, &list, ledger), 0);
	found = vanished_index_has(&v, &g);
	vanished_index_done(&v);
	return found;
}

START_TEST(a_guest_is_found_by_uuid_or_name)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();

	ck_assert(has(ledger, &web, "mail", NULL));
	ck_assert(has(ledger, &other, "web", NULL));
	ck_assert(!has(ledger, &other, "mail", NULL));
}
END_TEST

START_TEST(a_guest_is_found_by_what_its_file_is_called)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	struct survey_config c = {.name = (char *)"mail"};

	c.path = (char *)"/auto/web";
	ck_assert(has(ledger, &other, "mail", &c));
	c.path = (char *)"/auto/web.cfg";
	ck_assert(has(ledger, &other, "mail", &c));
	c.path = (char *)"/auto/web.cfg.old";
	ck_assert(!has(ledger, &other, "mail", &c));
	c.path = (char *)"/auto/web2.cfg";
	ck_assert(!has(ledger, &other, "mail", &c));
}
END_TEST

START_TEST(a_guest_is_found_by_the_file_that_the_ledger_knows)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	struct survey_config c = {.name = (char *)"mail", .path = (char *)"/auto/5.cfg"};

	ck_assert_int_eq(ledger_set_name(ledger, &web, "web", "/auto/5.cfg"), 0);
	ck_assert(has(ledger, &other, "mail", &c));
	c.path = (char *)"/auto/web.cfg";
	ck_assert(!has(ledger, &other, "mail", &c));
}
END_TEST

START_TEST(a_guest_without_a_uuid_is_found_by_the_name_of_the_last_life)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	struct survey_config c = {.name = (char *)"mail", .path = (char *)"/auto/5.cfg"};

	ck_assert_int_eq(lives_begin(ledger_lives(ledger, &web), &UUID_NULL, "mail", 1, 1, &web),
			 0);
	ck_assert(has(ledger, &other, "mail", &c));
	c.has_uuid = true;
	ck_assert(!has(ledger, &other, "mail", &c));
}
END_TEST

START_TEST(any_guest_may_be_one_that_could_not_be_noted)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	struct vanished_list list = {.incomplete = true};
	struct guest g = {.uuid = other, .name = "mail"};
	struct vanished_index v;

	ck_assert_int_eq(vanished_index_init(&v, &list, ledger), 0);
	ck_assert(vanished_index_has(&v, &g));
	vanished_index_done(&v);
}
END_TEST

SUITE("vanished", a_guest_is_found_by_uuid_or_name, a_guest_is_found_by_what_its_file_is_called,
      a_guest_is_found_by_the_file_that_the_ledger_knows,
      a_guest_without_a_uuid_is_found_by_the_name_of_the_last_life,
      any_guest_may_be_one_that_could_not_be_noted);
