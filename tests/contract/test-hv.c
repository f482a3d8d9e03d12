/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdlib.h>

#include "rig-hv.h"

/*
 * What daemon/hv/hv.h promises, asked of the simulated host, of real workers on the fake libxl, and
 * of Xen: a test for each clause, named after it. Where a side cannot be brought to what a clause
 * is about (no simulated worker dies), its test asks nothing there.
 */
int main(void)
{
	Suite *suite = suite_create("hv");
	TCase *tests = tcase_create(getenv("CONTRACT_BACKEND"));
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 1800);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_domain_clauses(tests);
	add_operation_clauses(tests);
	add_disk_clauses(tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
