/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/death.h"
#include "unit.h"

START_TEST(names_and_numbers_are_inverse)
{
	for (int i = 0; i < _SHUTDOWN_REASON_MAX; i++)
		ck_assert_int_eq(shutdown_reason_from_string(
					 shutdown_reason_to_string((enum shutdown_reason)i)),
				 i);
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

static const struct {
	const char *name;
	enum death_action action;
	bool restarts, dumps;
} actions[] = {
	{"destroy", DEATH_DESTROY, false, false},
	{"restart", DEATH_RESTART, true, false},
	{"restart_rename", DEATH_RENAME_RESTART, true, false},
	{"preserve", DEATH_PRESERVE, false, false},
	{"coredump_destroy", DEATH_COREDUMP_DESTROY, false, true},
	{"coredump_restart", DEATH_COREDUMP_RESTART, true, true},
	{"soft_reset", DEATH_SOFT_RESET, true, false},
	{NULL, DEATH_DESTROY, false, false},
};

START_TEST(every_action_of_libxl_is_read)
{
	for (size_t i = 0; i < ELEMENTSOF(actions); i++)
		ck_assert_int_eq(death_action_from_string(actions[i].name), actions[i].action);
}
END_TEST

START_TEST(every_action_has_what_its_name_says)
{
	for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
		ck_assert_int_eq(death_action_dumps(actions[i].action), actions[i].dumps);
		ck_assert_int_eq(death_action_restarts(actions[i].action), actions[i].restarts);
	}
	ck_assert(!death_action_restarts(_DEATH_ACTION_INVALID));
}
END_TEST

SUITE("death", names_and_numbers_are_inverse, an_unknown_name_is_refused,
      a_reason_that_a_later_xen_invents_has_a_name, reasons_have_xens_numbers,
      every_action_of_libxl_is_read, every_action_has_what_its_name_says);
