/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"
#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/journal.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}};

static struct state *open_state(const struct folder *f)
{
	struct state *state = NULL;

	ck_assert_int_eq(state_open(folder_path(f, "state"), &state), 0);
	return state;
}

static void append(const struct folder *f, const char *text)
{
	int fd = open(folder_path(f, "state/journal"), O_WRONLY | O_APPEND | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

START_TEST(what_was_noted_is_there_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct state *state;
	const struct history *h;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(state_set_drawn(state, "web", &web), 0);
	state_set_failure(state, &web, "web", "no room");
	state_add_restart(state, &web, "web", 1000);
	state_add_restart(state, &mail, "mail", 2000);
	state_free(state);

	state = open_state(&f);
	h = state_history(state);
	ck_assert(uuid_equal(history_drawn(h, "web"), &web));
	ck_assert_str_eq(history_find(h, &web)->failure, "no room");
	ck_assert_uint_eq(history_find(h, &web)->n_restarts, 1);
	ck_assert_uint_eq(history_find(h, &mail)->restarts[0], 2000);
	state_set_failure(state, &web, "web", NULL);
	state_forgive(state, &mail, "mail");
	state_free(state);

	state = open_state(&f);
	h = state_history(state);
	ck_assert_ptr_null(history_find(h, &web)->failure);
	ck_assert_uint_eq(history_find(h, &mail)->n_restarts, 0);
	state_free(state);
}
END_TEST

START_TEST(how_fast_guests_are_saved_is_known_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct state *state;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_uint_eq(state_history(state)->save_rate, 0);
	state_set_pace(state, 1000);
	state_set_pace(state, 2000);
	state_free(state);
	state = open_state(&f);
	ck_assert_uint_eq(state_history(state)->save_rate, 2000);
	state_free(state);
}
END_TEST

START_TEST(a_folder_is_made_and_nobody_else_reads_it)
{
	_cleanup_folder_ struct folder f;
	struct state *state;
	struct stat st;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(stat(folder_path(&f, "state"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_str_eq(state_journal(state), folder_path(&f, "state/journal"));
	state_free(state);
	ck_assert_ptr_null(state_free(NULL));
}
END_TEST

START_TEST(a_folder_that_cannot_be_is_an_error)
{
	_cleanup_folder_ struct folder f;
	struct state *state = NULL;

	folder_make(&f);
	ck_assert_int_eq(state_open(folder_path(&f, "no/state"), &state), -ENOENT);
	folder_write(&f, "file", "");
	ck_assert_int_lt(state_open(folder_path(&f, "file"), &state), 0);
	ck_assert_int_eq(mkdir(folder_path(&f, "state"), 0700), 0);
	ck_assert_int_eq(symlink("/etc/passwd", folder_path(&f, "state/journal")), 0);
	ck_assert_int_eq(state_open(folder_path(&f, "state"), &state), -ELOOP);
	ck_assert_ptr_null(state);
}
END_TEST

/* A power cut tears the last line; what is written behind it must not be lost with it. */
START_TEST(a_line_torn_anywhere_costs_nothing_but_itself)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *whole = NULL;
	struct state *state;
	size_t size;

	folder_make(&f);
	state = open_state(&f);
	state_set_failure(state, &web, "web", "first");
	state_set_failure(state, &web, "web", "second");
	state_free(state);
	ck_assert_int_eq(file_read(folder_path(&f, "state/journal"), 10000, &whole, &size), 0);
	/* From the first byte of the second line to its last. */
	for (size_t cut = (size_t)(strstr(whole, "}\n") - whole) + 3; cut < size - 1; cut++) {
		const struct past *past;

		folder_write_bytes(&f, "state/journal", whole, cut);
		state = open_state(&f);
		ck_assert_str_eq(history_find(state_history(state), &web)->failure, "first");
		state_set_failure(state, &mail, "mail", "third");
		ck_assert_str_eq(history_find(state_history(state), &mail)->failure, "third");
		state_free(state);

		state = open_state(&f);
		past = history_find(state_history(state), &mail);
		ck_assert_ptr_nonnull(past);
		ck_assert_str_eq(past->failure, "third");
		ck_assert_str_eq(history_find(state_history(state), &web)->failure, "first");
		state_free(state);
	}
}
END_TEST

START_TEST(a_line_that_cannot_be_read_is_skipped_and_told)
{
	_cleanup_folder_ struct folder f;
	struct state *state;

	folder_make(&f);
	state = open_state(&f);
	state_set_failure(state, &web, "web", "x");
	state_free(state);
	append(&f, "nonsense\n\n\n{\"entry\":\"from a later version\"}\n");
	state = open_state(&f);
	ck_assert_str_eq(history_find(state_history(state), &web)->failure, "x");
	ck_assert_ptr_nonnull(strstr(unit_log(), "a line cannot be read and is skipped"));
	state_free(state);
}
END_TEST

/* Workers append while the daemon runs. */
static void note_restored(const struct folder *f, const struct uuid *image)
{
	struct journal_entry entry = {.kind = JOURNAL_RESTORED, .uuid = *image, .name = "web"};

	ck_assert_int_eq(journal_boot_id(&entry.boot), 0);
	ck_assert_int_eq(journal_append(folder_path(f, "state/journal"), &entry), 0);
}

START_TEST(what_workers_noted_is_read_when_asked_for)
{
	_cleanup_folder_ struct folder f;
	struct state *state;

	folder_make(&f);
	state = open_state(&f);
	note_restored(&f, &web);
	ck_assert(!history_was_restored(state_history(state), &web));
	state_refresh(state);
	ck_assert(history_was_restored(state_history(state), &web));
	/* And with whatever the daemon writes itself. */
	note_restored(&f, &mail);
	state_add_restart(state, &web, "web", 5);
	ck_assert(history_was_restored(state_history(state), &mail));
	/* Nothing is read twice. */
	state_refresh(state);
	ck_assert_uint_eq(history_find(state_history(state), &web)->n_restarts, 1);
	state_free(state);
}
END_TEST

START_TEST(a_line_in_the_writing_is_left_until_it_is_whole)
{
	static const char line[] =
		"{\"entry\":\"restored\",\"uuid\":\"01000000-0000-0000-0000-000000000000\","
		"\"boot\":\"00000000-0000-0000-0000-000000000000\",\"monotonic_usec\":1}\n";
	_cleanup_folder_ struct folder f;
	struct state *state;
	char half[60] = "";

	folder_make(&f);
	state = open_state(&f);
	state_set_failure(state, &mail, "mail", "x");
	memcpy(half, line, sizeof(half) - 1);
	append(&f, half);
	state_refresh(state);
	ck_assert(!history_was_restored(state_history(state), &web));
	append(&f, line + sizeof(half) - 1);
	state_refresh(state);
	ck_assert(history_was_restored(state_history(state), &web));
	ck_assert_ptr_null(strstr(unit_log(), "skipped"));
	state_free(state);
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
	const struct history *h;
	struct state *state;

	folder_make(&f);
	state_free(open_state(&f));
	folder_write(&f, "state/journal", "\n");
	for (size_t i = 0; i < ELEMENTSOF(entries); i++) {
		append(&f, entries[i]);
		append(&f, boot);
	}
	state = open_state(&f);
	h = state_history(state);
	ck_assert(uuid_equal(history_drawn(h, "web"), &web));
	ck_assert(history_was_restored(h, &web));
	ck_assert_ptr_null(history_find(h, &web));
	/* What an earlier boot forgave says nothing about this one. */
	state_set_failure(state, &web, "web", "now");
	append(&f, "{\"entry\":\"forgiven\",");
	append(&f, boot);
	state_refresh(state);
	ck_assert_str_eq(history_find(h, &web)->failure, "now");
	state_free(state);
}
END_TEST

START_TEST(what_is_no_news_is_not_written)
{
	_cleanup_folder_ struct folder f;
	struct stat before, after;
	struct state *state;

	folder_make(&f);
	state = open_state(&f);
	state_set_failure(state, &web, "web", "x");
	ck_assert_int_eq(stat(folder_path(&f, "state/journal"), &before), 0);
	state_set_failure(state, &web, "web", "x");
	state_set_failure(state, &mail, "mail", NULL);
	state_set_failure(state, &UUID_NULL, "broken.cfg", "y");
	state_forgive(state, &mail, "mail");
	ck_assert_int_eq(stat(folder_path(&f, "state/journal"), &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
	state_free(state);
}
END_TEST

START_TEST(a_disk_that_takes_nothing_is_told_and_lived_with)
{
	_cleanup_folder_ struct folder f;
	struct state *state;

	folder_make(&f);
	state = open_state(&f);
	ck_assert_int_eq(mkdir(folder_path(&f, "state/journal"), 0700), 0);
	state_set_failure(state, &web, "web", "x");
	ck_assert_str_eq(history_find(state_history(state), &web)->failure, "x");
	ck_assert_ptr_nonnull(strstr(unit_log(), "Cannot write"));
	/* A UUID that would be another one next time is an error. */
	ck_assert_int_lt(state_set_drawn(state, "web", &web), 0);
	ck_assert(uuid_equal(history_drawn(state_history(state), "web"), &web));
	state_refresh(state);
	ck_assert_ptr_nonnull(strstr(unit_log(), "Cannot read"));
	state_free(state);
}
END_TEST

START_TEST(who_is_away_stays_away_when_the_host_is_restarted)
{
	_cleanup_folder_ struct folder f;
	struct state *state;
	const struct past *past;

	folder_make(&f);
	state = open_state(&f);
	state_set_away(state, &mail, "mail", "other");
	/* Said before, and not written again. */
	state_set_away(state, &mail, "mail", "other");
	append(&f, "{\"entry\":\"leaving\",\"uuid\":\"01000000-0000-0000-0000-000000000000\","
		   "\"name\":\"web\",\"target\":\"third\","
		   "\"boot\":\"00000000-0000-0000-0000-000000000009\",\"monotonic_usec\":1}\n");
	state_refresh(state);
	state_free(state);

	state = open_state(&f);
	past = history_find(state_history(state), &web);
	ck_assert_str_eq(past->away, "third");
	ck_assert(past->away_unknown);
	past = history_find(state_history(state), &mail);
	ck_assert_str_eq(past->away, "other");
	ck_assert(!past->away_unknown);
	state_set_home(state, &mail, "mail");
	state_free(state);

	state = open_state(&f);
	ck_assert_ptr_null(history_find(state_history(state), &mail)->away);
	ck_assert_str_eq(history_find(state_history(state), &web)->away, "third");
	state_free(state);
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
