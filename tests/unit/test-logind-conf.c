/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sys/stat.h>

#include "hostdown/logind-conf.h"
#include "unit.h"
#include "util/str.h"

#define KEY "InhibitDelayMaxSec"

static void make(const struct folder *f, const char *const *names)
{
	for (; *names; names++)
		mkdir(folder_path(f, *names), 0700);
}

static void make_all(const struct folder *f)
{
	make(f, (const char *const[]){"etc", "etc/systemd", "etc/systemd/logind.conf.d", "usr",
				      "usr/lib", "usr/lib/systemd", "usr/lib/systemd/logind.conf.d",
				      NULL});
}

static void expect(const struct folder *f, const char *name, const char *as)
{
	_cleanup_free_ char *path = NULL, *value = NULL;

	ck_assert_int_eq(logindconf_decides(f->path, KEY, &path, &value), 0);
	ck_assert_pstr_eq(path, name ? folder_path(f, name) : NULL);
	ck_assert_pstr_eq(value, as);
}

START_TEST(without_files_nothing_decides)
{
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	expect(&f, NULL, NULL);
	make_all(&f);
	folder_write(&f, "etc/systemd/logind.conf", "[Login]\n#" KEY "=5\nOther=1\n");
	expect(&f, NULL, NULL);
	folder_write(&f, "etc/systemd/logind.conf", "[Login]\n" KEY "=7\n " KEY " = 1 min 5 \n");
	expect(&f, "etc/systemd/logind.conf", "1 min 5");
}
END_TEST

START_TEST(the_last_name_decides_whatever_its_folder)
{
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	make_all(&f);
	folder_write(&f, "etc/systemd/logind.conf", KEY "=5\n");
	folder_write(&f, "usr/lib/systemd/logind.conf.d/unattended.conf", KEY "=30\n");
	folder_write(&f, "etc/systemd/logind.conf.d/99.conf", KEY "=100\n");
	expect(&f, "usr/lib/systemd/logind.conf.d/unattended.conf", "30");
	folder_write(&f, "usr/lib/systemd/logind.conf.d/xendomainsd.conf", KEY "=600\n");
	expect(&f, "usr/lib/systemd/logind.conf.d/xendomainsd.conf", "600");
	/* One of the same name takes its place, also with nothing in it. */
	folder_write(&f, "etc/systemd/logind.conf.d/xendomainsd.conf", "");
	expect(&f, "usr/lib/systemd/logind.conf.d/unattended.conf", "30");
}
END_TEST

SUITE("logind-conf", without_files_nothing_decides, the_last_name_decides_whatever_its_folder);
