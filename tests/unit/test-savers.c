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
			       7));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--save-domain\0"
					  "7\0-1\0"
					  "17"),
				7));
	ck_assert(!savers_match(ARGUMENTS("libxl-save-helper\0--restore-domain\0"
					  "11\0-1\0"
					  "7"),
				7));
	ck_assert(!savers_match(ARGUMENTS("helper\0--save-domain\0"
					  "11\0-1\0"
					  "7"),
				7));
}
END_TEST

START_TEST(arguments_that_are_cut_or_missing_are_no_helper)
{
	static const char whole[] = "libxl-save-helper\0--save-domain\0"
				    "11\0-1\0"
				    "7";

	for (size_t size = 0; size < sizeof(whole); size++)
		ck_assert(!savers_match(whole, size, 7));
	ck_assert(savers_match(whole, sizeof(whole), 7));
	ck_assert(!savers_find(UINT32_MAX));
}
END_TEST

SUITE("savers", only_the_helper_that_saves_this_domain_counts,
      arguments_that_are_cut_or_missing_are_no_helper);
