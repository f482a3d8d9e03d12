/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "unit.h"
#include "util/str.h"
#include "worker/handshake.h"

/* The words of xl, as they go over the wire. */
static const struct {
	enum handshake_answer answer;
	const char *text;
	size_t size;
} words[] = {
	{HANDSHAKE_BANNER, "xl migration receiver ready, send binary domain data.\n", 54},
	{HANDSHAKE_READY, "domain received, ready to unpause", 34},
	{HANDSHAKE_REPORT, "my copy unpause results are as follows\0\0", 40},
	{HANDSHAKE_RETURN, "domain is yours, you are cleared to unpause", 44},
};

START_TEST(each_answer_is_known_byte_by_byte)
{
	for (size_t i = 0; i < ELEMENTSOF(words); i++) {
		struct handshake h;

		handshake_expect(&h, words[i].answer);
		ck_assert_uint_eq(handshake_missing(&h), words[i].size);
		for (size_t n = 0; n < words[i].size; n++) {
			int r = handshake_feed(&h, words[i].text + n, 1);

			ck_assert_int_eq(r, n + 1 == words[i].size);
			ck_assert_uint_eq(handshake_missing(&h), words[i].size - n - 1);
		}
	}
}
END_TEST

START_TEST(another_answer_is_found_at_its_first_wrong_byte)
{
	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		for (size_t wrong = 0; wrong < words[i].size; wrong++) {
			char text[HANDSHAKE_ANSWER_MAX];
			struct handshake h;
			bool is_status = words[i].answer == HANDSHAKE_REPORT &&
					 wrong + 1 == words[i].size;

			memcpy(text, words[i].text, words[i].size);
			text[wrong] ^= 1;
			handshake_expect(&h, words[i].answer);
			ck_assert_int_eq(handshake_feed(&h, text, wrong + 1),
					 is_status ? 1 : -EBADMSG);
			ck_assert_mem_eq(h.got, text, wrong + 1);
		}
}
END_TEST

START_TEST(a_report_carries_a_status)
{
	struct handshake h;

	handshake_expect(&h, HANDSHAKE_REPORT);
	ck_assert_int_eq(handshake_feed(&h, words[2].text, 39), 0);
	ck_assert_int_eq(handshake_feed(&h, "\xfd", 1), 1);
	ck_assert_uint_eq(h.status, 0xfd);
	handshake_expect(&h, HANDSHAKE_REPORT);
	ck_assert_uint_eq(h.n_got, 0);
	ck_assert_uint_eq(h.status, 0);
}
END_TEST

START_TEST(the_permission_has_its_terminator)
{
	ck_assert_uint_eq(handshake_permission_size, 44);
	ck_assert_mem_eq(handshake_permission, words[3].text, 44);
}
END_TEST

START_TEST(every_answer_has_a_name)
{
	for (int i = 0; i < _HANDSHAKE_MAX; i++)
		ck_assert_ptr_nonnull(handshake_answer_name((enum handshake_answer)i));
}
END_TEST

static void expect_words(const char *said, const char *expected)
{
	_cleanup_free_ char *found = handshake_words(said);

	if (expected)
		ck_assert_str_eq(found, expected);
	else
		ck_assert_ptr_null(found);
}

START_TEST(of_what_a_peer_says_the_cause_is_kept)
{
	expect_words("", NULL);
	expect_words("\n \r\n", NULL);
	expect_words("migration target: Ready to receive domain.\nxc: info: Found PVH\n", NULL);
	expect_words("ssh: connect to host b port 22: Connection refused\r\n",
		     "ssh: connect to host b port 22: Connection refused?");
	expect_words(
		"migration target: Ready to receive domain.\n"
		"Loading new save file <incoming migration stream> (new xl fmt info)\n"
		" Savefile contains xl domain config in JSON format\nParsing config from <saved>\n"
		"failed to free memory for the domain\n"
		"migration target: Domain creation failed (code -3).\n",
		"failed to free memory for the domain / "
		"migration target: Domain creation failed (code -3).");
	expect_words("libxl: error: first\nlibxl: error: second\nlibxl: third\nlibxl: last\n",
		     "libxl: error: first / libxl: last");
}
END_TEST

START_TEST(what_a_peer_says_is_bounded_and_does_not_reach_the_terminal)
{
	char said[5000];
	_cleanup_free_ char *found = NULL;

	memset(said, 'x', sizeof(said));
	said[0] = '\033';
	said[1] = '\a';
	said[sizeof(said) - 1] = '\0';
	found = handshake_words(said);
	ck_assert_uint_lt(strlen(found), 500);
	ck_assert_ptr_null(strchr(found, '\033'));
	ck_assert_ptr_null(strchr(found, '\a'));
}
END_TEST

SUITE("handshake", each_answer_is_known_byte_by_byte,
      another_answer_is_found_at_its_first_wrong_byte, a_report_carries_a_status,
      the_permission_has_its_terminator, every_answer_has_a_name,
      of_what_a_peer_says_the_cause_is_kept,
      what_a_peer_says_is_bounded_and_does_not_reach_the_terminal);
