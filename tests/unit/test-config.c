/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "core/config-text.h"
#include "core/settings.h"
#include "unit.h"
#include "util/str.h"

static struct config *new_config(void)
{
	struct config *c = config_new();

	ck_assert_ptr_nonnull(c);
	return c;
}

static int find_nothing(void *data _unused_, const char *path _unused_,
			const char **ret_text _unused_, size_t *ret_size _unused_)
{
	return -ENOENT;
}

static const struct config_source no_files = {.read = find_nothing};

/* NULL if all was taken. */
static char *first_refusal(const struct config *c)
{
	char *text = NULL;

	if (c->n_refusals > 0)
		ck_assert_int_eq(config_refusal_text(&c->refusals[0], &text), 0);
	return text;
}

/* Reads variables that are good. */
static struct config *read_variables(const char *text)
{
	struct config *c = new_config();

	ck_assert_int_eq(config_read_variables(c, "/etc/x", text, strlen(text), &no_files), 0);
	ck_assert_msg(c->n_refusals == 0, "%s: %s", text, first_refusal(c));
	return c;
}

static struct config *read_native(const char *text)
{
	struct config *c = new_config();

	ck_assert_int_eq(config_read_native(c, "/etc/n", text), 0);
	ck_assert_msg(c->n_refusals == 0, "%s: %s", text, first_refusal(c));
	return c;
}

/* Begins with the place, and with the setting and its value. */
static void expect_refusal(const char *text, bool native, const char *expected)
{
	_cleanup_(config_freep) struct config *c = new_config();
	_cleanup_free_ char *said = NULL;
	int r = native ? config_read_native(c, "/etc/n", text)
		       : config_read_variables(c, "/etc/x", text, strlen(text), &no_files);

	ck_assert_int_eq(r, 0);
	said = first_refusal(c);
	ck_assert_msg(said, "taken: %s", text);
	ck_assert_msg(str_starts_with(said, expected), "%s: %s", expected, said);
	/* And why. */
	ck_assert_uint_gt(strlen(said), strlen(expected));
}

START_TEST(without_a_file_the_old_documentation_holds)
{
	_cleanup_(config_freep) struct config *c = new_config();

	ck_assert_str_eq(c->save, "/var/lib/xen/save");
	ck_assert_str_eq(c->autostart, "/etc/xen/auto");
	ck_assert_str_eq(c->dumps, "/var/lib/xen/dump");
	ck_assert(c->restore);
	ck_assert(!c->auto_only);
	ck_assert_uint_eq(c->migrate.n, 0);
	ck_assert_ptr_null(c->sysrq);
	ck_assert_uint_eq(c->sysrq_pause, 100000);
	ck_assert_uint_eq(c->create_pause, 5000000);
	ck_assert_uint_eq(c->stop_limit, 300 * USEC_PER_SEC);
	ck_assert(c->shutdown.enabled && c->shutdown.wait);
	ck_assert(c->shutdown_all.enabled && c->shutdown_all.wait);
	ck_assert_uint_ge(c->parallel, 1);
	ck_assert_uint_eq(c->n_warnings, 0);
}
END_TEST

START_TEST(all_eleven_variables_are_understood)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"XENDOMAINS_SYSRQ=s\nXENDOMAINS_USLEEP=1\nXENDOMAINS_CREATE_USLEEP=2\n"
		"XENDOMAINS_MIGRATE=other\nXENDOMAINS_SAVE=/s\nXENDOMAINS_SHUTDOWN=--wait\n"
		"XENDOMAINS_SHUTDOWN_ALL='--all'\nXENDOMAINS_RESTORE=false\n"
		"XENDOMAINS_AUTO=/a\nXENDOMAINS_AUTO_ONLY=true\nXENDOMAINS_STOP_MAXWAIT=3\n");

	ck_assert_str_eq(c->sysrq, "s");
	ck_assert_uint_eq(c->sysrq_pause, 1);
	ck_assert_uint_eq(c->create_pause, 2);
	ck_assert_uint_eq(c->migrate.n, 1);
	ck_assert_str_eq(c->migrate.targets[0].host, "other");
	ck_assert_str_eq(c->save, "/s");
	ck_assert(c->shutdown.enabled && c->shutdown.wait);
	ck_assert(c->shutdown_all.enabled && !c->shutdown_all.wait);
	ck_assert(!c->restore);
	ck_assert_str_eq(c->autostart, "/a");
	ck_assert(c->auto_only);
	ck_assert_uint_eq(c->stop_limit, 3 * USEC_PER_SEC);
	ck_assert_uint_eq(c->n_warnings, 0);
}
END_TEST

START_TEST(what_is_set_to_nothing_is_switched_off)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"XENDOMAINS_SYSRQ=\nXENDOMAINS_USLEEP=\nXENDOMAINS_CREATE_USLEEP=''\n"
		"XENDOMAINS_MIGRATE=''\nXENDOMAINS_SAVE=\"\"\nXENDOMAINS_SHUTDOWN=\n"
		"XENDOMAINS_SHUTDOWN_ALL=\nXENDOMAINS_RESTORE=\nXENDOMAINS_AUTO=\n"
		"XENDOMAINS_AUTO_ONLY=\nXENDOMAINS_STOP_MAXWAIT=\n");

	ck_assert_ptr_null(c->save);
	ck_assert_ptr_null(c->autostart);
	ck_assert_uint_eq(c->migrate.n, 0);
	ck_assert_ptr_null(c->sysrq);
	ck_assert(!c->restore);
	ck_assert(!c->auto_only);
	ck_assert(!c->shutdown.enabled);
	ck_assert(!c->shutdown_all.enabled);
	ck_assert_uint_eq(c->sysrq_pause, 0);
	ck_assert_uint_eq(c->create_pause, 0);
	ck_assert_uint_eq(c->stop_limit, USEC_INFINITY);
	ck_assert_uint_eq(c->n_warnings, 0);
}
END_TEST

START_TEST(a_path_has_no_slash_behind_it)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"XENDOMAINS_AUTO=/etc/xen/auto//\nXENDOMAINS_SAVE=/\n");

	ck_assert_str_eq(c->autostart, "/etc/xen/auto");
	ck_assert_str_eq(c->save, "/");
}
END_TEST

START_TEST(sysrq_keys_are_single_ones)
{
	static const char *const refused[] = {"sub", "s-u", "s ub", "s\\ü"};
	_cleanup_(config_freep) struct config *c = read_variables("XENDOMAINS_SYSRQ=' s  u\t9 '\n");

	ck_assert_str_eq(c->sysrq, "su9");
	for (size_t i = 0; i < ELEMENTSOF(refused); i++) {
		char text[100], expected[200];

		snprintf(text, sizeof(text), "XENDOMAINS_SYSRQ='%s'\n", refused[i]);
		snprintf(expected, sizeof(expected), "/etc/x:1: XENDOMAINS_SYSRQ=%s: ", refused[i]);
		expect_refusal(text, false, expected);
	}
}
END_TEST

START_TEST(the_words_of_a_shutdown_are_those_of_xl)
{
	static const struct {
		const char *words;
		bool enabled, wait;
	} cases[] = {
		{"--wait", true, true},        {"-w", true, true},
		{"--halt --wait", true, true}, {"--halt", true, false},
		{"--all --wait", true, true},  {"-a -w -H", true, true},
		{"  --wait\t", true, true},    {" ", false, false},
		{"-F", true, false},           {"--wait -F", true, true},
		{"-aw", true, true},           {"-aF", true, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(config_freep) struct config *c = NULL;
		char text[100];

		snprintf(text, sizeof(text), "XENDOMAINS_SHUTDOWN='%s'\n", cases[i].words);
		c = read_variables(text);
		ck_assert_int_eq(c->shutdown.enabled, cases[i].enabled);
		ck_assert_int_eq(c->shutdown.wait, cases[i].wait);
		ck_assert(c->shutdown_all.enabled && c->shutdown_all.wait);
	}
}
END_TEST

START_TEST(a_bad_value_is_refused_with_file_line_and_advice)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"XENDOMAINS_SAVE=save", "/etc/x:1: XENDOMAINS_SAVE=save: "},
		{"XENDOMAINS_AUTO=/b\xfcro\n", "/etc/x:1: XENDOMAINS_AUTO=/b\xfcro: "},
		{"\n\nXENDOMAINS_AUTO=auto\nrm", "/etc/x:3: XENDOMAINS_AUTO=auto: "},
		{"XENDOMAINS_RESTORE=maybe", "/etc/x:1: XENDOMAINS_RESTORE=maybe: "},
		{"XENDOMAINS_USLEEP=1s", "/etc/x:1: XENDOMAINS_USLEEP=1s: "},
		{"XENDOMAINS_STOP_MAXWAIT=-1", "/etc/x:1: XENDOMAINS_STOP_MAXWAIT=-1: "},
		{"XENDOMAINS_STOP_MAXWAIT=99999999999",
		 "/etc/x:1: XENDOMAINS_STOP_MAXWAIT=99999999999: "},
		{"XENDOMAINS_SHUTDOWN='--wait --force'",
		 "/etc/x:1: XENDOMAINS_SHUTDOWN=--wait --force: "},
		{"XENDOMAINS_SHUTDOWN_ALL=-ar", "/etc/x:1: XENDOMAINS_SHUTDOWN_ALL=-ar: "},
		{"XENDOMAINS_SHUTDOWN=-", "/etc/x:1: XENDOMAINS_SHUTDOWN=-: "},
		{"XENDOMAINS_SAVE='/x\ny'\nXENDOMAINS_RESTORE=2",
		 "/etc/x:3: XENDOMAINS_RESTORE=2: "},
		{"A=1\nXENDOMAINS_SAVE=$(rm)", "/etc/x:2: $(...) "},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++)
		expect_refusal(cases[i].text, false, cases[i].reason);
}
END_TEST

START_TEST(no_limit_of_a_stop_is_none)
{
	_cleanup_(config_freep) struct config *c = read_variables("XENDOMAINS_STOP_MAXWAIT=0");

	ck_assert_uint_eq(c->stop_limit, USEC_INFINITY);
}
END_TEST

START_TEST(a_misspelt_variable_warns_and_a_foreign_one_does_not)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"OTHER=1\nXENDOMAINS_SAFE=/x\nxendomains_save=/y\n");

	ck_assert_uint_eq(c->n_warnings, 1);
	ck_assert(str_starts_with(c->warnings[0], "/etc/x:2: "));
	ck_assert_ptr_nonnull(strstr(c->warnings[0], " XENDOMAINS_SAFE"));
	ck_assert_ptr_nonnull(strstr(c->warnings[0], " XENDOMAINS_SAVE?"));
	ck_assert_str_eq(c->save, "/var/lib/xen/save");
}
END_TEST

START_TEST(the_last_assignment_counts)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"BASE=/srv\nXENDOMAINS_SAVE=/a\nXENDOMAINS_SAVE=$BASE/save\n");

	ck_assert_str_eq(c->save, "/srv/save");
}
END_TEST

START_TEST(native_keys_are_read)
{
	_cleanup_(config_freep) struct config *c = read_native(
		"# comment\n; comment\n\n[Host]\nParallelOperations=3\n"
		"RestartLimit = 0 \r\nRestartInterval: 60 ; a minute\n");

	ck_assert_uint_eq(c->parallel, 3);
	ck_assert_uint_eq(c->restart_limit, 0);
	ck_assert_uint_eq(c->restart_interval, 60 * USEC_PER_SEC);
	ck_assert_uint_eq(c->n_warnings, 0);
}
END_TEST

START_TEST(an_empty_native_file_changes_nothing)
{
	_cleanup_(config_freep) struct config *c = read_native("");
	_cleanup_(config_freep) struct config *standard = new_config();

	ck_assert_uint_eq(c->parallel, standard->parallel);
	ck_assert_uint_eq(c->restart_limit, standard->restart_limit);
}
END_TEST

START_TEST(an_unknown_key_warns_with_its_line)
{
	_cleanup_(config_freep) struct config *c = read_native(
		"Early=1\n[Guest]\nX=1\n[Host]\nY=1\nRestartLimit=2");

	ck_assert_uint_eq(c->n_warnings, 3);
	ck_assert(str_starts_with(c->warnings[0], "/etc/n:1: "));
	ck_assert_ptr_nonnull(strstr(c->warnings[0], "Early="));
	ck_assert_ptr_nonnull(strstr(c->warnings[0], "[Host]"));
	ck_assert(str_starts_with(c->warnings[1], "/etc/n:3: "));
	ck_assert_ptr_nonnull(strstr(c->warnings[1], "[Guest]"));
	ck_assert(str_starts_with(c->warnings[2], "/etc/n:5: "));
	ck_assert_ptr_nonnull(strstr(c->warnings[2], " Y "));
	ck_assert_uint_eq(c->restart_limit, 2);
}
END_TEST

START_TEST(a_key_that_may_be_meant_is_named_and_so_is_its_section)
{
	_cleanup_(config_freep) struct config *c = read_native(
		"[Host]\nParalelCreates=1\n[Domain \"a\"]\nImageChangd=hold\n"
		"ParallelCreates=1\nNonsense=1\n");

	ck_assert_uint_eq(c->n_warnings, 4);
	ck_assert_ptr_nonnull(strstr(c->warnings[0], " ParallelCreates?"));
	ck_assert_ptr_nonnull(strstr(c->warnings[1], " ImageChanged?"));
	ck_assert_ptr_nonnull(strstr(c->warnings[2], "[Host]"));
	ck_assert_ptr_null(strchr(c->warnings[3], '?'));
}
END_TEST

START_TEST(a_bad_key_is_refused_with_file_line_and_advice)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"[Host]\nParallelOperations=0", "ParallelOperations=0: "},
		{"[Host]\nParallelOperations=", "ParallelOperations=: "},
		{"[Host]\nRestartLimit=10001", "RestartLimit=10001: "},
		{"[Host]\nRestartInterval=1h", "RestartInterval=1h: "},
		{"[Host]\nnonsense", ""},
		{"\n[Host\nRestartLimit=1\n", ""},
		/* The first error counts, wherever the reading goes on to. */
		{"[Host]\nRestartLimit=x\nParallelOperations=0\nnonsense", "RestartLimit=x: "},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		char expected[200];

		snprintf(expected, sizeof(expected), "/etc/n:2: %s", cases[i].reason);
		expect_refusal(cases[i].text, true, expected);
	}
}
END_TEST

/* libinih reads lines of 200 bytes, and would take the rest of a longer one for the next line. */
START_TEST(the_rest_of_a_long_line_is_not_a_line)
{
	char text[8000] = "[Host]\n#";

	memset(text + strlen(text), 'x', 191);
	strcat(text, "ParallelOperations=7\nRestartLimit=2\n");
	for (size_t pad = 0; pad < 10; pad++) {
		_cleanup_(config_freep) struct config *c = read_native(text);

		ck_assert_uint_ne(c->parallel, 7);
		ck_assert_uint_eq(c->restart_limit, 2);
		ck_assert_uint_eq(c->n_warnings, 0);
		memmove(text + 9, text + 8, strlen(text) - 7);
	}
	strcpy(text, "[Host]\nRestartLimit=1");
	memset(text + strlen(text), ' ', 5000);
	strcat(text, "2\n");
	expect_refusal(text, true, "/etc/n:2: ");
}
END_TEST

START_TEST(a_long_line_does_not_hide_an_error_before_it)
{
	char text[8000] = "[Host]\nRestartLimit=x\nRestartLimit=1";

	memset(text + strlen(text), ' ', 5000);
	expect_refusal(text, true, "/etc/n:2: RestartLimit=x: ");
}
END_TEST

START_TEST(lines_are_counted_through_long_ones)
{
	char text[2000] = "[Host]\n; ";

	memset(text + strlen(text), 'x', 1000);
	strcat(text, "\nRestartLimit=x\n");
	expect_refusal(text, true, "/etc/n:3: RestartLimit=x: ");
}
END_TEST

START_TEST(sections_of_domains_hold_for_those_that_match)
{
	_cleanup_(config_freep) struct config *c = read_native(
		"[Host]\nForcedDestroy=yes\n[Domain web*]\nForcedDestroy=no\n"
		"[Domain web-test]\nForcedDestroy=yes\nSomething=1\n");

	ck_assert(config_guest(c, "db").forced_destroy);
	ck_assert(!config_guest(c, "web1").forced_destroy);
	ck_assert(config_guest(c, "web-test").forced_destroy);
	ck_assert_uint_eq(c->n_warnings, 1);
	ck_assert_ptr_nonnull(strstr(c->warnings[0], " Something "));
}
END_TEST

START_TEST(images_are_compressed_where_that_is_said)
{
	_cleanup_(config_freep) struct config *c = read_native(
		"[Host]\nImageCompression=zstd\n[Domain db]\nImageCompression=none\n");
	_cleanup_(config_freep) struct config *standard = new_config();

	ck_assert_int_eq(config_guest(standard, "web").compression, COMPRESSION_NONE);
	ck_assert_int_eq(config_guest(c, "web").compression, COMPRESSION_ZSTD);
	ck_assert_int_eq(config_guest(c, "db").compression, COMPRESSION_NONE);
	expect_refusal("[Host]\nImageCompression=zstandard\n", true,
		       "/etc/n:2: ImageCompression=zstandard: ");
	expect_refusal("[Domain web]\nImageCompression=\n", true, "/etc/n:2: ImageCompression=: ");
}
END_TEST

START_TEST(a_section_that_could_not_match_is_refused)
{
	expect_refusal("[Domain web[12]]\nForcedDestroy=no\n", true, "/etc/n:2: ");
	expect_refusal("[Domain a-name-that-is-longer-than-libinih-has-room-for-it]\n"
		       "ForcedDestroy=no\n",
		       true, "/etc/n:2: ");
	expect_refusal("[Domain web]\nForcedDestroy=perhaps\n", true,
		       "/etc/n:2: ForcedDestroy=perhaps: ");
}
END_TEST

START_TEST(hosts_to_migrate_to_come_from_either_file)
{
	_cleanup_(config_freep) struct config *c = read_variables(
		"XENDOMAINS_MIGRATE=\"--live -s 'ssh -p 2222' other\"\n");

	ck_assert_uint_eq(c->migrate.n, 1);
	ck_assert_str_eq(c->migrate.targets[0].host, "other");
	ck_assert_str_eq(c->migrate.targets[0].command[2], "2222");
	ck_assert_uint_eq(c->n_warnings, 0);
	/* What is read later counts. */
	ck_assert_int_eq(config_read_native(c, "/etc/n",
					    "[Host]\nMigrateTargets=-s \"ssh -4\" a, b\n"
					    "MigrateAnswerTimeout=9\nProgressTimeout=8\n"),
			 0);
	ck_assert_uint_eq(c->patience, 8 * USEC_PER_SEC);
	ck_assert_uint_eq(c->migrate.n, 2);
	ck_assert_str_eq(c->migrate.targets[0].command[1], "-4");
	ck_assert_str_eq(c->migrate.targets[1].host, "b");
	ck_assert_uint_eq(c->answer_limit, 9 * USEC_PER_SEC);
	ck_assert_int_eq(config_read_native(c, "/etc/n", "[Host]\nMigrateTargets=\n"), 0);
	ck_assert_uint_eq(c->migrate.n, 0);
}
END_TEST

START_TEST(a_bad_host_to_migrate_to_is_refused_with_advice)
{
	expect_refusal("\nXENDOMAINS_MIGRATE='-C /x y'\n", false,
		       "/etc/x:2: XENDOMAINS_MIGRATE=-C /x y: ");
	expect_refusal("[Host]\nMigrateTargets=a,,b\n", true, "/etc/n:2: MigrateTargets=a,,b: ");
	expect_refusal("[Host]\nMigrateAnswerTimeout=0\n", true,
		       "/etc/n:2: MigrateAnswerTimeout=0: ");
}
END_TEST

START_TEST(an_indented_line_is_no_part_of_the_value_before_it)
{
	static const char native[] = "[Host]\nReadGroup=a b\n  [Domain scratch]\n"
				     "\tForcedDestroy=true\n[Domain a ; b]\nForcedDestroy=true\n";
	_cleanup_(config_freep) struct config *c = new_config();

	ck_assert_int_eq(config_read_native(c, "/etc/n", native), 0);
	ck_assert(config_guest(c, "scratch").forced_destroy);
	ck_assert(!config_guest(c, "web").forced_destroy);
	ck_assert(!config_guest(c, "a").forced_destroy);
}
END_TEST

START_TEST(a_refused_line_costs_its_key_and_no_other)
{
	static const char variables[] = "XENDOMAINS_STOP_MAXWAIT=3OO\nXENDOMAINS_SAVE=/s\n"
					"XENDOMAINS_SHUTDOWN='--wait --never'\n"
					"rm -r x\nXENDOMAINS_AUTO=/a\n";
	static const char native[] = "\xef\xbb\xbf[Host]\nProgressTimeout=x\nParallelOperations=3\n"
				     "nonsense\nMigrateAnswerTimeout=0\nRestartLimit=4\n"
				     "[Domain web]\nForcedDestroy=perhaps\nmore nonsense ;=\n"
				     "ImageChanged=afresh\n";
	_cleanup_(config_freep) struct config *c = new_config(), *standard = new_config();
	static const unsigned lines[] = {1, 3, 4, 2, 4, 5, 8, 9};

	standard->guests.forced_destroy = c->guests.forced_destroy = true;
	ck_assert_int_eq(
		config_read_variables(c, "/etc/x", variables, strlen(variables), &no_files), 0);
	ck_assert_int_eq(config_read_native(c, "/etc/n", native), 0);
	ck_assert_uint_eq(c->stop_limit, standard->stop_limit);
	ck_assert_str_eq(c->save, "/s");
	ck_assert_str_eq(c->autostart, "/a");
	ck_assert(c->shutdown.enabled && c->shutdown.wait);
	ck_assert_uint_eq(c->patience, standard->patience);
	ck_assert_uint_eq(c->answer_limit, standard->answer_limit);
	ck_assert_uint_eq(c->parallel, 3);
	ck_assert_uint_eq(c->restart_limit, 4);
	/* Of a guest of its own, what was meant to differ is not what holds for all. */
	ck_assert(!config_guest(c, "web").forced_destroy);
	ck_assert_int_eq(config_guest(c, "web").image_changed, IMAGE_AFRESH);
	ck_assert_uint_eq(c->n_refusals, ELEMENTSOF(lines));
	for (size_t i = 0; i < ELEMENTSOF(lines); i++)
		ck_assert_uint_eq(c->refusals[i].line, lines[i]);
	ck_assert(c->broken);
}
END_TEST

START_TEST(lines_after_a_section_that_is_not_known_are_not_for_the_one_before)
{
	static const char native[] = "[Domain web]\nForcedDestroy=true\n[Domain db\n"
				     "ImageChanged=afresh\n[Host]\nParallelOperations=3\n";
	_cleanup_(config_freep) struct config *c = new_config();

	ck_assert_int_eq(config_read_native(c, "/etc/n", native), 0);
	ck_assert_int_eq(config_guest(c, "web").image_changed, IMAGE_HOLD);
	ck_assert_uint_eq(c->parallel, 3);
	ck_assert_uint_eq(c->n_refusals, 1);
	ck_assert_uint_eq(c->refusals[0].line, 3);
}
END_TEST

START_TEST(who_may_ask_and_how_fast_guests_are_created_is_cosmetic)
{
	static const char *const cosmetic[] = {"ReadGroup=a b", "ControlGroup=a:b",
					       "ImageCompression=yes", "ParallelCreates=x"};

	for (size_t i = 0; i < ELEMENTSOF(cosmetic); i++) {
		_cleanup_(config_freep) struct config *c = new_config();
		char text[100];

		snprintf(text, sizeof(text), "[Host]\n%s\n", cosmetic[i]);
		ck_assert_int_eq(config_read_native(c, "/etc/n", text), 0);
		ck_assert_uint_eq(c->n_refusals, 1);
		ck_assert(!c->broken);
		ck_assert_int_eq(config_read_native(c, "/etc/n", "[Host]\nAfterCancel=x\n"), 0);
		ck_assert(c->broken);
		ck_assert_ptr_eq(config_worst_refusal(c), &c->refusals[1]);
	}
}
END_TEST

START_TEST(a_file_of_nothing_but_mistakes_is_told_in_some_lines)
{
	_cleanup_(config_freep) struct config *c = new_config();
	char text[2000] = "";

	for (int i = 0; i < 500; i++)
		strcat(text, "x\n");
	ck_assert_int_eq(config_read_variables(c, "/etc/x", text, strlen(text), &no_files), 0);
	ck_assert(c->broken);
	ck_assert_uint_gt(c->n_refusals, 1);
	ck_assert_uint_lt(c->n_refusals, 100);
}
END_TEST

SUITE("config", an_indented_line_is_no_part_of_the_value_before_it,
      a_refused_line_costs_its_key_and_no_other,
      lines_after_a_section_that_is_not_known_are_not_for_the_one_before,
      who_may_ask_and_how_fast_guests_are_created_is_cosmetic,
      a_file_of_nothing_but_mistakes_is_told_in_some_lines, a_path_has_no_slash_behind_it,
      sysrq_keys_are_single_ones, sections_of_domains_hold_for_those_that_match,
      images_are_compressed_where_that_is_said, a_section_that_could_not_match_is_refused,
      without_a_file_the_old_documentation_holds, all_eleven_variables_are_understood,
      what_is_set_to_nothing_is_switched_off, the_words_of_a_shutdown_are_those_of_xl,
      a_bad_value_is_refused_with_file_line_and_advice, no_limit_of_a_stop_is_none,
      a_misspelt_variable_warns_and_a_foreign_one_does_not, the_last_assignment_counts,
      native_keys_are_read, an_empty_native_file_changes_nothing,
      an_unknown_key_warns_with_its_line, a_key_that_may_be_meant_is_named_and_so_is_its_section,
      a_bad_key_is_refused_with_file_line_and_advice, the_rest_of_a_long_line_is_not_a_line,
      a_long_line_does_not_hide_an_error_before_it, lines_are_counted_through_long_ones,
      hosts_to_migrate_to_come_from_either_file, a_bad_host_to_migrate_to_is_refused_with_advice);
