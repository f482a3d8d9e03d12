/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "util/log.h"

/* What the last message was. */
static struct {
	unsigned messages;
	int level;
	char text[8192];
	struct log_fields fields;
	bool has_fields;
} heard;

static void hear(int level, const struct log_fields *fields, const char *message)
{
	heard.messages++;
	heard.level = level;
	heard.has_fields = fields;
	if (fields)
		heard.fields = *fields;
	ck_assert_uint_lt(strlen(message), sizeof(heard.text));
	strcpy(heard.text, message);
}

START_TEST(a_message_reaches_the_sink_with_its_fields)
{
	struct log_fields fields = {.domain = "web", LOG_FIELDS_NONE};

	log_set_sink(hear);
	log_message(LOG_ERR, &fields, "%d of %s", 3, "four");
	ck_assert_uint_eq(heard.messages, 1);
	ck_assert_int_eq(heard.level, LOG_ERR);
	ck_assert_str_eq(heard.text, "web: 3 of four");
	ck_assert_str_eq(heard.fields.domain, "web");
	ck_assert_uint_eq(heard.fields.domid, DOMID_NONE);
	ck_assert_uint_eq(heard.fields.elapsed, USEC_INFINITY);
	ck_assert_ptr_null(heard.fields.result);
}
END_TEST

START_TEST(less_urgent_messages_are_dropped)
{
	heard.messages = 0;
	log_set_sink(hear);
	log_set_max_level(LOG_WARNING);
	log_info("not this");
	log_notice("nor this");
	log_debug("nor this");
	ck_assert_int_eq(log_errno(LOG_INFO, -EIO, "nor this"), -EIO);
	ck_assert_uint_eq(heard.messages, 0);
	log_warning("but this");
	ck_assert_uint_eq(heard.messages, 1);
	log_set_max_level(LOG_DEBUG);
	log_debug("and this");
	ck_assert_uint_eq(heard.messages, 2);
}
END_TEST

START_TEST(an_error_is_told_in_words_and_returned)
{
	log_set_sink(hear);
	ck_assert_int_eq(log_error_errno(-ENOENT, "Cannot read %s", "it"), -ENOENT);
	ck_assert_str_eq(heard.text, "Cannot read it: No such file or directory");
	ck_assert_int_eq(heard.level, LOG_ERR);
	ck_assert_int_eq(log_warning_errno(-EIO, "x"), -EIO);
	ck_assert_int_eq(heard.level, LOG_WARNING);
}
END_TEST

START_TEST(nothing_in_a_message_acts_on_a_screen)
{
	struct log_fields fields = {.domain = "\033[2J\nweb", LOG_FIELDS_NONE};

	log_set_sink(hear);
	log_error("guest %s", "\033[2J\n<0>forged");
	ck_assert_str_eq(heard.text, "guest ?[2J?<0>forged");
	log_message(LOG_ERR, &fields, "ends");
	ck_assert_str_eq(heard.text, "?[2J?web: ends");
}
END_TEST

START_TEST(a_message_without_end_is_cut)
{
	_cleanup_free_ char *text = calloc(1, 10001);

	memset(text, 'a', 10000);
	log_set_sink(hear);
	log_error("%s", text);
	ck_assert_uint_eq(strlen(heard.text), 4096 + strlen("..."));
}
END_TEST

static char standard_error[200];

/* Before main(), which sets a sink of its own: what is written until then. */
static void __attribute__((constructor)) log_to_standard_error(void)
{
	struct log_fields fields = {.domain = "web", LOG_FIELDS_NONE};
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	if (saved < 0 || pipe2(ends, O_CLOEXEC) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return;
	log_notice("plain");
	log_message(LOG_ERR, &fields, "of a guest");
	log_debug("not wanted");
	log_set_prefix(true);
	log_warning("for systemd");
	log_set_prefix(false);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	n = read(ends[0], standard_error, sizeof(standard_error) - 1);
	standard_error[MAX(n, 0)] = '\0';
	close(ends[0]);
}

START_TEST(standard_error_gets_a_line_for_each_message)
{
	ck_assert_str_eq(standard_error, "plain\nweb: of a guest\n<4>for systemd\n");
}
END_TEST

SUITE("log", standard_error_gets_a_line_for_each_message,
      a_message_reaches_the_sink_with_its_fields, less_urgent_messages_are_dropped,
      an_error_is_told_in_words_and_returned, nothing_in_a_message_acts_on_a_screen,
      a_message_without_end_is_cut);
