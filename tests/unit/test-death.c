/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/death.h"
#include "unit.h"

START_TEST(names_and_numbers_are_inverse)
{
	for (int i = 0; i < _SHUTDOWN_REASON_MAX; i++)
		ck_assert_int_eq(shutdown_reason_from_string(
					 shutdown_reason_to_string((enum shutdown_reason)i)),
				 i);
	for (int i = 0; i < _DEATH_ACTION_MAX; i++)
		ck_assert_int_eq(
			death_action_from_string(death_action_to_string((enum death_action)i)), i);
}
END_TEST

START_TEST(an_unknown_name_is_refused)
{
	ck_assert_int_eq(shutdown_reason_from_string("nonsense"), -EINVAL);
	ck_assert_int_eq(shutdown_reason_from_string(NULL), -EINVAL);
	ck_assert_int_eq(death_action_from_string("nonsense"), -EINVAL);
	ck_assert_int_eq(death_action_from_string(""), -EINVAL);
}
END_TEST

START_TEST(a_reason_that_a_later_xen_invents_has_a_name)
{
	ck_assert_str_eq(shutdown_reason_to_string((enum shutdown_reason)255), "unknown");
	ck_assert_str_eq(shutdown_reason_to_string(_SHUTDOWN_REASON_INVALID), "unknown");
}
END_TEST

START_TEST(reasons_have_xens_numbers)
{
	static const char *const names[] = {"poweroff", "reboot",   "suspend",
					    "crash",    "watchdog", "soft-reset"};

	for (int i = 0; i < (int)ELEMENTSOF(names); i++)
		ck_assert_int_eq(shutdown_reason_from_string(names[i]), i);
}
END_TEST

START_TEST(every_action_of_libxl_is_read)
{
	static const struct {
		const char *name;
		enum death_action action;
	} cases[] = {
		{"destroy", DEATH_DESTROY},
		{"restart", DEATH_RESTART},
		{"restart_rename", DEATH_RENAME_RESTART},
		{"preserve", DEATH_PRESERVE},
		{"coredump_destroy", DEATH_COREDUMP_DESTROY},
		{"coredump_restart", DEATH_COREDUMP_RESTART},
		{"soft_reset", DEATH_SOFT_RESET},
		{NULL, DEATH_DESTROY},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		ck_assert_int_eq(death_action_from_string(cases[i].name), cases[i].action);
}
END_TEST

START_TEST(what_an_action_comes_to_shows_in_its_name)
{
	for (int i = 0; i < _DEATH_ACTION_MAX; i++) {
		const char *name = death_action_to_string((enum death_action)i);

		ck_assert_int_eq(death_action_dumps((enum death_action)i),
				 strstr(name, "coredump") != NULL);
		ck_assert_int_eq(death_action_restarts((enum death_action)i),
				 strstr(name, "restart") || strstr(name, "reset"));
	}
	ck_assert(!death_action_restarts(_DEATH_ACTION_INVALID));
}
END_TEST

SUITE("death", names_and_numbers_are_inverse, an_unknown_name_is_refused,
      a_reason_that_a_later_xen_invents_has_a_name, reasons_have_xens_numbers,
      every_action_of_libxl_is_read, what_an_action_comes_to_shows_in_its_name);
