/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/lookalikes.h"
#include "scene.h"
#include "unit.h"
#include "util/str.h"

#define MANY 500

/* Guests of configurations /auto/NAME.cfg, which are called otherwise, and one that is not. */
static struct survey_config configs[MANY];
static struct guest guests[MANY];
static char paths[MANY][32], names[MANY][32];

static void begin(struct lookalikes *l)
{
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/auto/file%u.cfg", i);
		snprintf(names[i], sizeof(names[i]), "guest%u", i);
		configs[i] = (struct survey_config){.path = paths[i], .name = names[i]};
		guests[i] = (struct guest){.name = names[i], .config = &configs[i]};
		ck_assert_int_eq(lookalikes_add(l, &guests[i]), 0);
	}
}

/* The numbers of those that are found: "3 5 ". */
static const char *find(struct lookalikes *l, const struct guest *g, const char *name,
			const struct ledger *ledger)
{
	static char text[64];
	size_t length = 0;

	ck_assert_int_eq(lookalikes_find(l, g, name, ledger), 0);
	text[0] = '\0';
	for (size_t i = 0; i < l->n_found; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%d ",
					   (int)(l->found[i] - guests));
	return text;
}

START_TEST(a_guest_is_compared_with_those_that_have_a_text_of_it)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	_cleanup_(lookalikes_done) struct lookalikes l = {0};
	struct domain d = {.source = (char *)"/auto/file6.cfg"};
	struct guest g = {.name = "stranger"};

	begin(&l);
	ck_assert_str_eq(find(&l, &g, "stranger", ledger), "");
	ck_assert_str_eq(find(&l, &g, "guest4", ledger), "4 ");
	ck_assert_str_eq(find(&l, &g, "file3", ledger), "3 ");
	ck_assert_str_eq(find(&l, &g, "file3.cfg", ledger), "3 ");
	ck_assert_str_eq(find(&l, &g, NULL, ledger), "");
	g.domain = &d;
	ck_assert_str_eq(find(&l, &g, NULL, ledger), "6 ");
	/* In the order of the guests, and each once. */
	g.name = "guest6";
	ck_assert_str_eq(find(&l, &g, "file2", ledger), "2 6 ");
}
END_TEST

START_TEST(a_guest_is_compared_with_the_files_that_it_is_known_to_come_from)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	_cleanup_(lookalikes_done) struct lookalikes l = {0};
	const struct uuid one = scene_uuid(1), two = scene_uuid(2), three = scene_uuid(3);
	struct guest g = {.name = "stranger", .uuid = one};

	begin(&l);
	ck_assert_int_eq(ledger_set_name(ledger, &one, "another", "/auto/file8.cfg"), 0);
	ck_assert_int_eq(ledger_set_name(ledger, &two, "stranger", "/auto/file9.cfg"), 0);
	ck_assert_int_eq(ledger_set_name(ledger, &three, "stranger", "/auto/file1.cfg"), 0);
	ck_assert_str_eq(find(&l, &g, "stranger", ledger), "1 9 ");
	g.past = ledger_find(ledger, &one);
	ck_assert_str_eq(find(&l, &g, "stranger", ledger), "1 8 9 ");
	ck_assert_str_eq(find(&l, &g, NULL, ledger), "8 ");
}
END_TEST

SUITE("lookalikes", a_guest_is_compared_with_those_that_have_a_text_of_it,
      a_guest_is_compared_with_the_files_that_it_is_known_to_come_from);
