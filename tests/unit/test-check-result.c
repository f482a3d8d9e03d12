/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "check-result.h"
#include "unit.h"
#include "util/str.h"

#define GUEST(name, state, more) "{\"name\":\"" name "\",\"state\":\"" state "\"" more "}"
#define WANTED                   ",\"wanted\":true"
#define HELD                     "\"host\":{\"lock\":\"held\",\"grants_usec\":600000000,\"needs_usec\":63000000}"

static struct check_result judged(const char *guests, bool named, const char *more)
{
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_free_ char *text = NULL;
	struct check_result result;

	ck_assert_int_eq(str_format(&text, "{\"guests\":[%s]%s}", guests, more), 0);
	ck_assert_int_eq(json_parse(text, strlen(text), &o), 0);
	ck_assert_int_eq(check_judge(o, named, &result), 0);
	return result;
}

static void expect_of(bool named, enum check_status status, const char *word, const char *guests,
		      const char *more)
{
	struct check_result result = judged(guests, named, more);

	ck_assert_int_eq(result.status, status);
	ck_assert_msg(strstr(result.text, word), "%s", result.text);
	ck_assert_ptr_null(strchr(result.text, '|'));
	check_done(&result);
}

static void expect(enum check_status status, const char *word, const char *guests, const char *more)
{
	expect_of(false, status, word, guests, more);
}

START_TEST(host_that_is_well_is_ok)
{
	struct check_result result = judged(
		GUEST("a", "running", WANTED) "," GUEST("b", "running", ""), false, "," HELD);

	ck_assert_int_eq(result.status, CHECK_OK);
	ck_assert_str_eq(result.text, "2 of 2 guests run");
	ck_assert_str_eq(result.data,
			 "wanted=1 running=2 failed=0 moving=0 needed=63s granted=600s");
	check_done(&result);
	expect(CHECK_OK, "no guest", "", "");
	expect(CHECK_OK, "no guest", GUEST("a", "saved", ""), "");
	expect(CHECK_OK, "no guest", GUEST("a", "stopped", WANTED ",\"migrated_to\":\"b\""), "");
}
END_TEST

START_TEST(guest_that_is_down_is_critical)
{
	expect(CHECK_CRITICAL, "a (stopped)", GUEST("a", "stopped", WANTED), "");
	expect(CHECK_CRITICAL, "a (saved)", GUEST("a", "saved", WANTED), "");
	expect(CHECK_CRITICAL, "a (failed)", GUEST("a", "failed", ""), "");
	expect(CHECK_CRITICAL, "a (crashed)", GUEST("a", "crashed", ""), "");
	expect(CHECK_CRITICAL, "a?b", GUEST("a|b", "failed", ""), "");
}
END_TEST

START_TEST(guest_that_is_paused_or_on_its_way_is_a_warning)
{
	expect(CHECK_WARNING, "a (starting)", GUEST("a", "starting", WANTED), "");
	expect(CHECK_WARNING, "a (saving)", GUEST("a", "saving", WANTED), "");
	/* Perhaps on purpose. */
	expect(CHECK_WARNING, "a (paused)", GUEST("a", "paused", WANTED), "");
	expect(CHECK_OK, "0 of 1", GUEST("a", "paused", ""), "");
	expect(CHECK_WARNING, "a (waits)", GUEST("a", "stopped", WANTED ",\"restart_in_usec\":5"),
	       "");
}
END_TEST

START_TEST(guest_that_is_saved_while_the_host_goes_down_is_a_warning)
{
	static const char *const down = ",\"host\":{\"going_down\":\"reboot\",\"grants_usec\":5}";

	expect(CHECK_WARNING, "a (saved)", GUEST("a", "saved", WANTED), down);
	expect(CHECK_WARNING, "a (stopped)", GUEST("a", "stopped", WANTED), down);
	expect(CHECK_CRITICAL, "a (failed)", GUEST("a", "failed", WANTED), down);
	expect(CHECK_CRITICAL, "a (crashed)", GUEST("a", "crashed", WANTED), down);
}
END_TEST

START_TEST(host_that_would_not_wait_is_a_warning)
{
	const char *guest = GUEST("a", "running", WANTED);

	expect(CHECK_WARNING, "logind", guest,
	       ",\"host\":{\"lock\":\"asked\",\"grants_usec\":5,\"needs_usec\":1}");
	expect(CHECK_WARNING, "logind", guest, ",\"host\":{\"lock\":\"none\",\"needs_usec\":1}");
	expect(CHECK_WARNING, "needs", guest,
	       ",\"host\":{\"lock\":\"held\",\"grants_usec\":5,\"needs_usec\":6}");
	expect(CHECK_WARNING, "reboot", guest,
	       ",\"host\":{\"lock\":\"held\",\"going_down\":\"reboot\",\"grants_usec\":5}");
	expect(CHECK_WARNING, "1 note,", guest, ",\"warnings\":[\"x\"]");
}
END_TEST

/* Its configuration may be gone by mistake. */
START_TEST(guest_that_is_named_is_to_run)
{
	expect_of(true, CHECK_CRITICAL, "a (saved)", GUEST("a", "saved", ""), "");
	expect_of(true, CHECK_CRITICAL, "a (stopped)", GUEST("a", "stopped", ""), "");
	expect_of(true, CHECK_WARNING, "a (paused)", GUEST("a", "paused", ""), "");
	expect_of(true, CHECK_OK, "no guest", GUEST("a", "stopped", ",\"migrated_to\":\"b\""), "");
}
END_TEST

START_TEST(a_long_name_is_cut_between_characters)
{
	expect(CHECK_CRITICAL, "€€€... (failed)",
	       GUEST("€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€",
		     "failed", ""),
	       "");
}
END_TEST

START_TEST(guests_that_cannot_be_seen_are_critical)
{
	expect(CHECK_CRITICAL, "it is gone", GUEST("a", "running", WANTED),
	       "," HELD ",\"lost\":\"it is gone\"");
}
END_TEST

START_TEST(settings_that_are_refused_are_critical)
{
	expect(CHECK_CRITICAL, "settings", GUEST("a", "running", WANTED),
	       ",\"settings\":{\"refused\":[{}]},\"warnings\":[\"x\"]");
}
END_TEST

START_TEST(many_names_are_cut)
{
	expect(CHECK_CRITICAL, "e (failed) and 1 more",
	       GUEST("a", "failed", "") "," GUEST("b", "failed", "") "," GUEST(
		       "c", "failed", "") "," GUEST("d", "failed",
						    "") "," GUEST("e", "failed",
								  "") "," GUEST("f", "failed", ""),
	       "");
}
END_TEST

SUITE("check-result", host_that_is_well_is_ok, guest_that_is_down_is_critical,
      guest_that_is_paused_or_on_its_way_is_a_warning,
      guest_that_is_saved_while_the_host_goes_down_is_a_warning,
      host_that_would_not_wait_is_a_warning, guest_that_is_named_is_to_run,
      a_long_name_is_cut_between_characters, guests_that_cannot_be_seen_are_critical,
      settings_that_are_refused_are_critical, many_names_are_cut);
