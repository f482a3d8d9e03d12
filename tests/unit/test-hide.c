/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdlib.h>

#include "unit.h"
#include "util/hide.h"

static void expect(char *text, const char *wanted)
{
	ck_assert_str_eq(text, wanted);
	free(text);
}

START_TEST(a_disk_that_is_no_file_can_have_a_password)
{
	ck_assert(hide_is_due("rbd:pool/image:id=a:key=SECRET"));
	ck_assert(hide_is_due("https://user:SECRET@host/disk"));
	ck_assert(hide_is_due("user=a;password=SECRET"));
	ck_assert(!hide_is_due("/dev/disk/by-path/ip-1.2.3.4:3260-lun-0"));
	ck_assert(!hide_is_due("resource0"));
	ck_assert(!hide_is_due(""));
}
END_TEST

START_TEST(a_disk_is_hidden_wherever_it_stands)
{
	expect(hide_disk("a:k failed: a:k", "a:k"), "(not shown) failed: (not shown)");
	expect(hide_disk("a:a:k", "a:k"), "a:(not shown)");
	expect(hide_disk("failed", "a:k"), "failed");
	expect(hide_disk("", "a:k"), "");
	expect(hide_disk("failed", ""), "failed");
}
END_TEST

START_TEST(a_piece_of_a_configuration_is_hidden)
{
	expect(hide_quotes("unknown value: near `fooo' in `rbd:p/w:key=SECRET,fooo,xvda,w'; end"),
	       "unknown value: near `fooo' in `(not shown)'; end");
	expect(hide_quotes("in `rbd:it's:SECRET'"), "in `(not shown)'");
	/* The message was cut off. */
	expect(hide_quotes("in `rbd:SECR"), "in `(not shown)");
	expect(hide_quotes("in `user@SECRET'\n"), "in `(not shown)'\n");
	expect(hide_quotes("near `fooo' in `/dev/vg/web,fooo,xvda,w'"),
	       "near `fooo' in `/dev/vg/web,fooo,xvda,w'");
	expect(hide_quotes("a.cfg:6: error near `'x'': syntax error, expecting ']'"),
	       "a.cfg:6: error near `'x'': syntax error, expecting ']'");
	expect(hide_quotes("a.cfg:6: error near `'rbd:SECRET'': syntax error"),
	       "a.cfg:6: error near `(not shown)': syntax error");
	expect(hide_quotes("no quotes: here"), "no quotes: here");
}
END_TEST

SUITE("hide", a_disk_that_is_no_file_can_have_a_password, a_disk_is_hidden_wherever_it_stands,
      a_piece_of_a_configuration_is_hidden);
