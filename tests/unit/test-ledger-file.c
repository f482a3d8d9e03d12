/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger-file.h"
#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/ledger-record.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}};

static struct ledger_file *open_state(const struct folder *f)
{
	struct ledger_file *state = NULL;

	ck_assert_int_eq(ledger_file_open(folder_path(f, "state"), &state), 0);
	return state;
}

static void append(const struct folder *f, const char *text)
{
	int fd = open(folder_path(f, "state/ledger"), O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

START_TEST(what_was_noted_is_there_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	const struct ledger *h;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_file_set_failure(state, &web, "web", "no room");
	ledger_file_add_restart(state, &web, "web", 1000);
	ledger_file_add_restart(state, &mail, "mail", 2000);
	ledger_file_free(state);

	state = open_state(&f);
	h = ledger_file_get(state);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &web));
	ck_assert_str_eq(ledger_find(h, &web)->failure, "no room");
	ck_assert_uint_eq(ledger_find(h, &web)->n_restarts, 1);
	ck_assert_uint_eq(ledger_find(h, &mail)->restarts[0], 2000);
	ledger_file_set_failure(state, &web, "web", NULL);
	ledger_file_forgive(state, &mail, "mail");
	ledger_file_free(state);

	state = open_state(&f);
	h = ledger_file_get(state);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
	ck_assert_uint_eq(ledger_find(h, &mail)->n_restarts, 0);
	ledger_file_free(state);
}
END_TEST

START_TEST(how_fast_guests_are_saved_is_known_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_uint_eq(ledger_file_get(state)->save_rate, 0);
	ledger_file_set_pace(state, 1000);
	ledger_file_set_pace(state, 2000);
	ledger_file_free(state);
	state = open_state(&f);
	ck_assert_uint_eq(ledger_file_get(state)->save_rate, 2000);
	ledger_file_free(state);
}
END_TEST

START_TEST(a_folder_is_made_and_nobody_else_reads_it)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct stat st;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(stat(folder_path(&f, "state"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_str_eq(ledger_file_path(state), folder_path(&f, "state/ledger"));
	ledger_file_free(state);
	ck_assert_ptr_null(ledger_file_free(NULL));
}
END_TEST

START_TEST(a_folder_that_cannot_be_is_an_error)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state = NULL;

	folder_make(&f);
	ck_assert_int_eq(ledger_file_open(folder_path(&f, "no/state"), &state), -ENOENT);
	folder_write(&f, "file", "");
	ck_assert_int_lt(ledger_file_open(folder_path(&f, "file"), &state), 0);
	ck_assert_int_eq(mkdir(folder_path(&f, "state"), 0700), 0);
	ck_assert_int_eq(symlink("/etc/passwd", folder_path(&f, "state/ledger")), 0);
	ck_assert_int_eq(ledger_file_open(folder_path(&f, "state"), &state), -ELOOP);
	ck_assert_ptr_null(state);
}
END_TEST

/* A power cut tears the last line; what is written behind it must not be lost with it. */
START_TEST(a_line_torn_anywhere_costs_nothing_but_itself)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *whole = NULL;
	struct ledger_file *state;
	size_t size;

	folder_make(&f);
	state = open_state(&f);
	ledger_file_set_failure(state, &web, "web", "first");
	ledger_file_set_failure(state, &web, "web", "second");
	ledger_file_free(state);
	ck_assert_int_eq(file_read(folder_path(&f, "state/ledger"), 10000, &whole, &size), 0);
	/* From the first byte of the second line to its last. */
	for (size_t cut = (size_t)(strstr(whole, "}\n") - whole) + 3; cut < size - 1; cut++) {
		const struct past *past;

		folder_write_bytes(&f, "state/ledger", whole, cut);
		state = open_state(&f);
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "first");
		ledger_file_set_failure(state, &mail, "mail", "third");
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &mail)->failure, "third");
		ledger_file_free(state);

		state = open_state(&f);
		past = ledger_find(ledger_file_get(state), &mail);
		ck_assert_ptr_nonnull(past);
		ck_assert_str_eq(past->failure, "third");
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "first");
		ledger_file_free(state);
	}
}
END_TEST

START_TEST(a_line_that_cannot_be_read_is_skipped_and_told)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = open_state(&f);
	ledger_file_set_failure(state, &web, "web", "x");
	ledger_file_free(state);
	append(&f, "nonsense\n\n\n{\"entry\":\"from a later version\"}\n");
	state = open_state(&f);
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "x");
	ck_assert_ptr_nonnull(strstr(unit_log(), "a line cannot be read and is skipped"));
	ledger_file_free(state);
}
END_TEST

/* Workers append while the daemon runs. */
static void note_restored(const struct folder *f, const struct uuid *image)
{
	struct ledger_record entry = {.kind = LEDGER_RESTORED, .uuid = *image, .name = "web"};

	ck_assert_int_eq(ledger_boot_id(&entry.boot), 0);
	ck_assert_int_eq(ledger_append(folder_path(f, "state/ledger"), &entry), 0);
}

START_TEST(what_workers_noted_is_read_when_asked_for)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = open_state(&f);
	note_restored(&f, &web);
	ck_assert(!ledger_was_restored(ledger_file_get(state), &web));
	ledger_file_refresh(state);
	ck_assert(ledger_was_restored(ledger_file_get(state), &web));
	/* And with whatever the daemon writes itself. */
	note_restored(&f, &mail);
	ledger_file_add_restart(state, &web, "web", 5);
	ck_assert(ledger_was_restored(ledger_file_get(state), &mail));
	/* Nothing is read twice. */
	ledger_file_refresh(state);
	ck_assert_uint_eq(ledger_find(ledger_file_get(state), &web)->n_restarts, 1);
	ledger_file_free(state);
}
END_TEST

START_TEST(a_line_in_the_writing_is_left_until_it_is_whole)
{
	static const char line[] =
		"{\"entry\":\"restored\",\"uuid\":\"01000000-0000-0000-0000-000000000000\","
		"\"boot\":\"00000000-0000-0000-0000-000000000000\",\"monotonic_usec\":1}\n";
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	char half[60] = "";

	folder_make(&f);
	state = open_state(&f);
	ledger_file_set_failure(state, &mail, "mail", "x");
	memcpy(half, line, sizeof(half) - 1);
	append(&f, half);
	ledger_file_refresh(state);
	ck_assert(!ledger_was_restored(ledger_file_get(state), &web));
	append(&f, line + sizeof(half) - 1);
	ledger_file_refresh(state);
	ck_assert(ledger_was_restored(ledger_file_get(state), &web));
	ck_assert_ptr_null(strstr(unit_log(), "skipped"));
	ledger_file_free(state);
}
END_TEST

/* Lines of an earlier boot of the host. */
START_TEST(a_boot_forgets_failures_and_restarts_and_nothing_else)
{
	static const char boot[] = "\"boot\":\"99999999-0000-0000-0000-000000000000\","
				   "\"uuid\":\"01000000-0000-0000-0000-000000000000\","
				   "\"monotonic_usec\":1}\n";
	static const char *const entries[] = {
		"{\"entry\":\"drawn\",\"name\":\"web\",", "{\"entry\":\"restored\",",
		"{\"entry\":\"failure\",\"reason\":\"x\",", "{\"entry\":\"restart\","};
	_cleanup_folder_ struct folder f;
	const struct ledger *h;
	struct ledger_file *state;

	folder_make(&f);
	ledger_file_free(open_state(&f));
	folder_write(&f, "state/ledger", "\n");
	for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
		append(&f, entries[i]);
		append(&f, boot);
	}
	state = open_state(&f);
	h = ledger_file_get(state);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &web));
	ck_assert(ledger_was_restored(h, &web));
	ck_assert_ptr_null(ledger_find(h, &web));
	/* What an earlier boot forgave says nothing about this one. */
	ledger_file_set_failure(state, &web, "web", "now");
	append(&f, "{\"entry\":\"forgiven\",");
	append(&f, boot);
	ledger_file_refresh(state);
	ck_assert_str_eq(ledger_find(h, &web)->failure, "now");
	ledger_file_free(state);
}
END_TEST

START_TEST(what_is_no_news_is_not_written)
{
	_cleanup_folder_ struct folder f;
	struct stat before, after;
	struct ledger_file *state;

	folder_make(&f);
	state = open_state(&f);
	ledger_file_set_failure(state, &web, "web", "x");
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &before), 0);
	ledger_file_set_failure(state, &web, "web", "x");
	ledger_file_set_failure(state, &mail, "mail", NULL);
	ledger_file_set_failure(state, &UUID_NULL, "broken.cfg", "y");
	ledger_file_forgive(state, &mail, "mail");
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
	ledger_file_free(state);
}
END_TEST

START_TEST(a_disk_that_takes_nothing_is_told_and_lived_with)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(mkdir(folder_path(&f, "state/ledger"), 0700), 0);
	ledger_file_set_failure(state, &web, "web", "x");
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "x");
	ck_assert_ptr_nonnull(strstr(unit_log(), "Cannot write"));
	/* A UUID that would be another one next time is an error. */
	ck_assert_int_lt(ledger_file_set_drawn(state, "web", &web), 0);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "web"), &web));
	ledger_file_refresh(state);
	ck_assert_ptr_nonnull(strstr(unit_log(), "Cannot read"));
	ledger_file_free(state);
}
END_TEST

START_TEST(who_is_away_stays_away_when_the_host_is_restarted)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	const struct past *past;

	folder_make(&f);
	state = open_state(&f);
	ledger_file_set_away(state, &mail, "mail", "other");
	/* Said before, and not written again. */
	ledger_file_set_away(state, &mail, "mail", "other");
	append(&f, "{\"entry\":\"leaving\",\"uuid\":\"01000000-0000-0000-0000-000000000000\","
		   "\"name\":\"web\",\"target\":\"third\","
		   "\"boot\":\"00000000-0000-0000-0000-000000000009\",\"monotonic_usec\":1}\n");
	ledger_file_refresh(state);
	ledger_file_free(state);

	state = open_state(&f);
	past = ledger_find(ledger_file_get(state), &web);
	ck_assert_str_eq(past->away, "third");
	ck_assert(past->away_unknown);
	past = ledger_find(ledger_file_get(state), &mail);
	ck_assert_str_eq(past->away, "other");
	ck_assert(!past->away_unknown);
	ledger_file_set_home(state, &mail, "mail");
	ledger_file_free(state);

	state = open_state(&f);
	ck_assert_ptr_null(ledger_find(ledger_file_get(state), &mail)->away);
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->away, "third");
	ledger_file_free(state);
}
END_TEST

SUITE("state", what_was_noted_is_there_after_a_restart,
      how_fast_guests_are_saved_is_known_after_a_restart, a_folder_is_made_and_nobody_else_reads_it,
      a_folder_that_cannot_be_is_an_error, a_line_torn_anywhere_costs_nothing_but_itself,
      a_line_that_cannot_be_read_is_skipped_and_told, what_workers_noted_is_read_when_asked_for,
      a_line_in_the_writing_is_left_until_it_is_whole,
      a_boot_forgets_failures_and_restarts_and_nothing_else, what_is_no_news_is_not_written,
      a_disk_that_takes_nothing_is_told_and_lived_with,
      who_is_away_stays_away_when_the_host_is_restarted);
