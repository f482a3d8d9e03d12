/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "util/str.h"
#include "worker/xl/conf.h"

static void read_text(const char *text, struct xl_conf *ret)
{
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	folder_write(&f, "xl.conf", text);
	ck_assert_int_eq(xl_conf_read(folder_path(&f, "xl.conf"), ret), 0);
}

START_TEST(autoballoon_is_read_as_xl_reads_it)
{
	static const struct {
		const char *text;
		enum xl_autoballoon autoballoon;
	} cases[] = {
		{"", XL_AUTOBALLOON_AUTO},
		{"autoballoon=\"auto\"\n", XL_AUTOBALLOON_AUTO},
		{"autoballoon=\"on\"\n", XL_AUTOBALLOON_ON},
		{"autoballoon=\"1\"\n", XL_AUTOBALLOON_ON},
		{"autoballoon = 1\n", XL_AUTOBALLOON_ON},
		{"autoballoon='off'\n", XL_AUTOBALLOON_OFF},
		{"autoballoon = 0", XL_AUTOBALLOON_OFF},
		{"autoballoon=\"yes\"\n", XL_AUTOBALLOON_AUTO},
		{"autoballoon=\"off\"\nautoballoon=\"on\"\n", XL_AUTOBALLOON_ON},
		{"#autoballoon=\"off\"\n", XL_AUTOBALLOON_AUTO},
		{"autoballoon=[\"off\"]\n", XL_AUTOBALLOON_AUTO},
		/* xl refuses this file. */
		{"autoballoon=\"off\"\nnonsense nonsense\n", XL_AUTOBALLOON_AUTO},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(xl_conf_done) struct xl_conf conf = {0};

		read_text(cases[i].text, &conf);
		ck_assert_msg(conf.autoballoon == cases[i].autoballoon, "%s", cases[i].text);
	}
}
END_TEST

START_TEST(the_lock_is_xls)
{
	_cleanup_(xl_conf_done) struct xl_conf standard = {0}, other = {0}, none = {0};

	read_text("claim_mode=0\nvm.cpumask=\"0-3\"\n", &standard);
	ck_assert_str_eq(standard.lock, "/var/lock/xl");
	read_text("lockfile=\"/run/xl.lock\"\n", &other);
	ck_assert_str_eq(other.lock, "/run/xl.lock");
	ck_assert_int_eq(xl_conf_read("/nonexistent", &none), 0);
	ck_assert_str_eq(none.lock, "/var/lock/xl");
	ck_assert_int_eq(none.autoballoon, XL_AUTOBALLOON_AUTO);
	ck_assert(none.json);
}
END_TEST

START_TEST(configurations_are_in_json_whatever_xl_conf_says)
{
	static const struct {
		const char *text;
		bool json;
	} cases[] = {
		{"output_format=\"json\"\n", true},
		{"output_format=\"xml\"\n", true},
		{"output_format=\"sxp\"\n", false},
		{"output_format=\"sxp\"", false},
		{"lockfile=\"/l\"\noutput_format='sxp' # as ever\n", false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(xl_conf_done) struct xl_conf conf = {0}, copy = {0};
		_cleanup_free_ char *text = NULL;

		read_text(cases[i].text, &conf);
		ck_assert_msg(conf.json == cases[i].json, "%s", cases[i].text);
		ck_assert_int_eq(xl_conf_with_json(&conf, &text), 0);
		read_text(text, &copy);
		ck_assert_msg(copy.json, "%s", text);
		ck_assert_str_eq(copy.lock, conf.lock);
	}
}
END_TEST

SUITE("xl-conf", autoballoon_is_read_as_xl_reads_it, the_lock_is_xls,
      configurations_are_in_json_whatever_xl_conf_says);
