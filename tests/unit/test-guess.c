/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/guess.h"
#include "scene.h"
#include "unit.h"

START_TEST(what_is_no_name_may_be_a_domid_a_file_or_a_slip)
{
	static const struct {
		const char *said, *meant;
	} cases[] = {
		{"7", "web"},
		{"database.cfg", "database"},
		{"/auto/web.cfg", "web"},
		{"/elsewhere/web.cfg", "web"},
		{"wbe", "web"},
		{"8", NULL},
		{"mail.cfg", NULL},
		{"", NULL},
	};
	_cleanup_scene_ struct scene s;

	scene_make(&s);
	scene_config(&s, "database", 1);
	scene_config(&s, "web", 2);
	scene_domain(&s, "web", 2)->domid = 7;
	scene_build(&s);
	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ck_assert_pstr_eq(guess_guest(s.inventory, cases[i].said), cases[i].meant);
}
END_TEST

SUITE("guess", what_is_no_name_may_be_a_domid_a_file_or_a_slip);
