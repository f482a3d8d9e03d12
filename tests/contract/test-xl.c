/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdlib.h>

#include "rig-xl.h"

/*
 * What daemon/worker/xl/xl.h promises, asked of libxl and of its stand-in: a test for each clause,
 * named after it. Where a real host cannot be brought to what a clause is about (an administrator
 * changes a configuration, a guest ejects a disk), its test asks the stand-in only.
 */
int main(void)
{
	Suite *suite = suite_create("xl");
	TCase *tests = tcase_create(getenv("CONTRACT_BACKEND"));
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 1800);
	tcase_add_checked_fixture(tests, setup, teardown);
	add_call_clauses(tests);
	add_domain_clauses(tests);
	add_stream_clauses(tests);
	add_death_clauses(tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
