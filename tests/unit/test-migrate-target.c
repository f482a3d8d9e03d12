/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "model/migrate-target.h"
#include "unit.h"
#include "util/str.h"

/* "host: command as words, each in []" of a target, in a buffer for one at a time. */
static const char *show(const struct target *t)
{
	static char text[1000];

	snprintf(text, sizeof(text), "%s%s%s:", t->host, t->debug ? " debug" : "",
		 t->keep_domid ? " domid" : "");
	for (size_t i = 0; t->command[i]; i++) {
		strncat(text, " [", sizeof(text) - strlen(text) - 1);
		strncat(text, t->command[i], sizeof(text) - strlen(text) - 1);
		strncat(text, "]", sizeof(text) - strlen(text) - 1);
	}
	return text;
}

static void expect(const char *text, const char *expected)
{
	_cleanup_(target_done) struct target target = {0};
	enum target_problem problem = _TARGET_PROBLEM_INVALID;
	int r = target_parse(text, &target, &problem);

	ck_assert_msg(r == 0, "%s: problem %d", text, (int)problem);
	ck_assert_str_eq(show(&target), expected);
}

static void expect_refusal(const char *text, enum target_problem expected)
{
	_cleanup_(target_done) struct target target = {0};
	enum target_problem problem = _TARGET_PROBLEM_INVALID;

	ck_assert_msg(target_parse(text, &target, &problem) == -EINVAL, "taken: %s", text);
	ck_assert_msg(problem == expected, "%s: %d, not %d", text, (int)problem, (int)expected);
}

#define SSH                                                                                        \
	"[ssh] [-T] [-oBatchMode=yes] [-oConnectTimeout=15] [-oServerAliveInterval=15] "           \
	"[-oServerAliveCountMax=4]"

START_TEST(a_name_is_enough)
{
	expect("other", "other: " SSH " [other] [xl] [migrate-receive]");
	expect("  root@10.0.0.2\t",
	       "root@10.0.0.2: " SSH " [root@10.0.0.2] [xl] [migrate-receive]");
}
END_TEST

START_TEST(options_of_older_days_mean_nothing_more)
{
	expect("--live other", "other: " SSH " [other] [xl] [migrate-receive]");
	expect("-l other", "other: " SSH " [other] [xl] [migrate-receive]");
}
END_TEST

START_TEST(options_go_to_whom_they_are_for)
{
	expect("-e other", "other: " SSH " [other] [xl] [migrate-receive] [-e]");
	expect("-p other", "other: " SSH " [other] [xl] [migrate-receive] [-p]");
	expect("--debug other", "other debug: " SSH " [other] [xl] [migrate-receive] [-d]");
	expect("-D other", "other domid: " SSH " [other] [xl] [migrate-receive]");
	expect("-epDl other --debug",
	       "other debug domid: " SSH " [other] [xl] [migrate-receive] [-e] [-d] [-p]");
}
END_TEST

START_TEST(another_command_takes_the_place_of_ssh)
{
	expect("-s 'ssh -p 2222' other", "other: [ssh] [-p] [2222] [other] [xl] [migrate-receive]");
	expect("-s \"ssh -p 2222\" other",
	       "other: [ssh] [-p] [2222] [other] [xl] [migrate-receive]");
	expect("other -s rsh", "other: [rsh] [other] [xl] [migrate-receive]");
	expect("-pes'sh -4' other", "other: [sh] [-4] [other] [xl] [migrate-receive] [-e] [-p]");
}
END_TEST

START_TEST(without_a_command_the_host_is_one)
{
	expect("-s '' '/usr/bin/reach other'", "/usr/bin/reach other: [/usr/bin/reach] [other]");
}
END_TEST

START_TEST(what_makes_no_sense_is_refused_with_a_reason)
{
	expect_refusal("-C /etc/xen/x.cfg other", TARGET_OPTION_C);
	expect_refusal("-F other", TARGET_OPTION_F);
	expect_refusal("-x other", TARGET_UNKNOWN_OPTION);
	expect_refusal("--fast other", TARGET_UNKNOWN_OPTION);
	expect_refusal("-s", TARGET_OPTION_S_ALONE);
	expect_refusal("-e", TARGET_WITHOUT_HOST);
	expect_refusal("a b", TARGET_SECOND_HOST);
	expect_refusal("''", TARGET_NO_HOST_NAME);
	expect_refusal("-- -oProxyCommand=x", TARGET_NO_HOST_NAME);
	expect_refusal("-", TARGET_NO_HOST_NAME);
	expect_refusal("-s ' ' other", TARGET_WITHOUT_COMMAND);
	expect_refusal("'other", TARGET_OPEN_QUOTE);
	expect_refusal("-s \"ssh other", TARGET_OPEN_QUOTE);
}
END_TEST

START_TEST(what_a_shell_would_act_on_is_refused)
{
	static const char bad[] = "$`\\;&|<>()*?[]{}!~#";

	for (size_t i = 0; i < sizeof(bad) - 1; i++) {
		char text[20];

		snprintf(text, sizeof(text), "oth%cer", bad[i]);
		expect_refusal(text, TARGET_FOR_A_SHELL);
		snprintf(text, sizeof(text), "-s 's%csh' other", bad[i]);
		expect_refusal(text, TARGET_FOR_A_SHELL);
	}
	expect_refusal("'oth\ner'", TARGET_CONTROL_CHARACTER);
	expect_refusal("oth\033er", TARGET_CONTROL_CHARACTER);
}
END_TEST

START_TEST(a_command_without_words_is_refused)
{
	expect_refusal("-s ' ' other", TARGET_WITHOUT_COMMAND);
	expect_refusal("-s '\"\" x' other", TARGET_WITHOUT_COMMAND);
	expect_refusal("-s '' ' '", TARGET_WITHOUT_COMMAND);
}
END_TEST

START_TEST(nothing_is_no_target)
{
	_cleanup_(target_done) struct target target = {0};
	enum target_problem problem;

	ck_assert_int_eq(target_parse("", &target, &problem), -ENODATA);
	ck_assert_int_eq(target_parse(" \t", &target, &problem), -ENODATA);
}
END_TEST

static void expect_list(const char *text, size_t n, const char *hosts)
{
	_cleanup_(target_list_done) struct target_list list = {0}, copy = {0};
	enum target_problem problem = _TARGET_PROBLEM_INVALID;
	char found[100] = "";
	int r = target_list_parse(text, &list, &problem);

	ck_assert_msg(r == 0, "%s: problem %d", text, (int)problem);
	ck_assert_uint_eq(list.n, n);
	ck_assert_int_eq(target_list_copy(&list, &copy), 0);
	ck_assert_uint_eq(copy.n, n);
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *shown = strdup(show(&list.targets[i]));

		ck_assert_str_eq(shown, show(&copy.targets[i]));
		strncat(found, list.targets[i].host, sizeof(found) - strlen(found) - 1);
		strncat(found, ";", sizeof(found) - strlen(found) - 1);
	}
	ck_assert_str_eq(found, hosts);
}

START_TEST(several_stand_between_commas)
{
	expect_list("", 0, "");
	expect_list("  ", 0, "");
	expect_list("a", 1, "a;");
	expect_list("a,b", 2, "a;b;");
	expect_list(" a , -s \"ssh -oX=1,2\" b ,c ", 3, "a;b;c;");
}
END_TEST

START_TEST(a_gap_in_a_list_is_refused)
{
	static const char *const bad[] = {",", "a,", ",a", "a,,b", "a, ,b", "a, "};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_(target_list_done) struct target_list list = {0};
		enum target_problem problem = _TARGET_PROBLEM_INVALID;

		ck_assert_msg(target_list_parse(bad[i], &list, &problem) == -EINVAL, "taken: %s",
			      bad[i]);
		ck_assert_int_eq(problem, TARGET_GAP);
		ck_assert_uint_eq(list.n, 0);
	}
}
END_TEST

START_TEST(each_problem_has_words)
{
	for (int i = 0; i < _TARGET_PROBLEM_MAX; i++)
		ck_assert_ptr_nonnull(target_problem_to_string((enum target_problem)i));
}
END_TEST

SUITE("migrate-target", a_name_is_enough, options_of_older_days_mean_nothing_more,
      options_go_to_whom_they_are_for, another_command_takes_the_place_of_ssh,
      without_a_command_the_host_is_one, what_makes_no_sense_is_refused_with_a_reason,
      what_a_shell_would_act_on_is_refused, a_command_without_words_is_refused,
      nothing_is_no_target, several_stand_between_commas, a_gap_in_a_list_is_refused,
      each_problem_has_words);
