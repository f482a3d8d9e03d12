/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/savers.h"
#include "unit.h"

#define ARGUMENTS(text) text, sizeof(text)

START_TEST(only_the_helper_that_saves_this_domain_counts)
{
	ck_assert(savers_match(ARGUMENTS("/usr/lib/xen-4.17/bin/libxl-save-helper\0--save-domain\0"
					 "11\0-1\0"
					 "7\0"
					 "0"),
			       7, NULL));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--save-domain\0"
					  "7\0-1\0"
					  "17"),
				7, NULL));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--restore-domain\0"
					  "11\0-1\0"
					  "7"),
				7, NULL));
	ck_assert(!savers_match(ARGUMENTS("helper\0--save-domain\0"
					  "11\0-1\0"
					  "7"),
				7, NULL));
}
END_TEST

START_TEST(arguments_that_are_cut_or_missing_are_no_helper)
{
	static const char whole[] = "libxl-save-helper\0--save-domain\0"
				    "11\0-1\0"
				    "7";

	for (size_t size = 0; size < sizeof(whole); size++)
		ck_assert(!savers_match(whole, size, 7, NULL));
	ck_assert(savers_match(whole, sizeof(whole), 7, NULL));
	ck_assert(!savers_find(UINT32_MAX, NULL));
}
END_TEST

/* It goes on when its helper has ended. */
START_TEST(xl_that_saves_or_migrates_this_domain_counts)
{
	static const struct {
		const char *words[6];
		bool matches;
	} cases[] = {
		{{"xl", "save", "web", "/root/web"}, true},
		{{"/usr/sbin/xl", "-vvv", "save", "-c", "7", "/root/web"}, true},
		{{"xl", "migrate", "-s", "ssh -p 2222", "web", "other"}, true},
		{{"xl", "mig", "web", "other"}, true},
		{{"xl", "sa", "web", "/root/web"}, true},
		{{"xl", "save", "webb", "/root/web"}, false},
		{{"xl", "save", "17", "/root/web"}, false},
		{{"xl", "web", "save"}, false},
		{{"xl", "shutdown", "web"}, false},
		{{"xl", "console", "web"}, false},
		{{"vi", "save", "web"}, false},
		{{"xl"}, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		char text[200];
		size_t size = 0;

		for (size_t j = 0; j < ELEMENTSOF(cases[i].words) && cases[i].words[j]; j++) {
			strcpy(text + size, cases[i].words[j]);
			size += strlen(cases[i].words[j]) + 1;
		}
		ck_assert_int_eq(savers_match(text, size, 7, "web"), cases[i].matches);
	}
	ck_assert(!savers_match(ARGUMENTS("xl\0save\0web"), 7, NULL));
}
END_TEST

SUITE("savers", xl_that_saves_or_migrates_this_domain_counts,
      only_the_helper_that_saves_this_domain_counts,
      arguments_that_are_cut_or_missing_are_no_helper);
