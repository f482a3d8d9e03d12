/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/xen-version.h"
#include "unit.h"

START_TEST(the_version_that_runs_has_two_numbers)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *version = NULL;

	folder_make(&f);
	folder_write(&f, "major", "4\n");
	folder_write(&f, "minor", "20\n");
	ck_assert_int_eq(xen_version_read(f.path, &version), 0);
	ck_assert_str_eq(version, "4.20");
}
END_TEST

START_TEST(a_version_that_cannot_be_read_is_none)
{
	static const struct {
		const char *minor;
		int expected;
	} cases[] = {{NULL, -ENOENT}, {"", -EBADMSG}, {"\n", -EBADMSG}, {"20-rc", -EBADMSG}};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_folder_ struct folder f;
		char *version = NULL;

		folder_make(&f);
		folder_write(&f, "major", "4\n");
		if (cases[i].minor)
			folder_write(&f, "minor", cases[i].minor);
		ck_assert_int_eq(xen_version_read(f.path, &version), cases[i].expected);
		ck_assert_ptr_null(version);
	}
}
END_TEST

SUITE("xen-version", the_version_that_runs_has_two_numbers, a_version_that_cannot_be_read_is_none);
