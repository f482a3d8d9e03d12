/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger-rig.h"
#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/ledger-record.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}};
static const struct uuid image = {.bytes = {11}}, boot = {.bytes = {9}};

static enum image_standing judge(const struct ledger_file *state)
{
	return ledger_judge(ledger_file_get(state), &web, &image, NULL, 1);
}

/* A ledger of a newer version, with a record that this one cannot read. */
static size_t write_newer(const struct folder *f, char **ret)
{
	struct ledger_record kept = {
		.kind = LEDGER_KEPT, .format = LEDGER_FORMAT_READ + 1, .boot = boot};
	struct ledger_record saved = {
		.kind = LEDGER_SAVED, .uuid = web, .image = image, .boot = boot};
	_cleanup_free_ char *first = NULL, *last = NULL;

	ck_assert_int_eq(ledger_record_format(&kept, &first), 0);
	ck_assert_int_eq(ledger_record_format(&saved, &last), 0);
	ck_assert_int_eq(str_format(ret, "%s0 {\"entry\":\"new\"}\n%s", first, last), 0);
	folder_write(f, "state/newer", *ret);
	ck_assert_int_eq(rename(folder_path(f, "state/newer"), folder_path(f, "state/ledger")), 0);
	return strlen(*ret);
}

static void check_unchanged(const struct folder *f, const char *text, size_t size)
{
	_cleanup_free_ char *now = NULL;
	size_t size_now;

	ck_assert_int_eq(file_read(folder_path(f, "state/ledger"), 10000, &now, &size_now), 0);
	ck_assert_uint_eq(size_now, size);
	ck_assert_mem_eq(now, text, size);
	ck_assert(!folder_has(f, "state/ledger.new"));
}

START_TEST(a_ledger_of_a_newer_version_is_read_and_stays_as_it_is)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	struct ledger_file *state;
	const char *said;
	size_t size;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	size = write_newer(&f, &text);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_writer(state), LEDGER_OF_NEWER);
	ck_assert_int_eq(ledger_file_keep(state, true), 0);
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	ck_assert_int_eq(judge(state), IMAGE_NEWEST);
	ck_assert(!ledger_may_be_away(ledger_file_get(state), &mail, NULL));
	ck_assert_int_eq(ledger_file_set_drawn(state, "mail", &mail), 0);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "mail"), &mail));
	ledger_file_see_life(state, &web, "web", 3, false, 1);
	ledger_file_settle(state);
	/* So many that the file would be written anew. */
	for (uint64_t i = 1; i <= 600; i++)
		ledger_file_add_pace(state, i, 0, COMPRESSION_NONE, NULL);
	ledger_file_refresh(state);
	ledger_rig_settle();
	check_unchanged(&f, text, size);
	said = strstr(unit_log(), ledger_file_problem(state));
	ck_assert_ptr_nonnull(said);
	ck_assert_ptr_null(strstr(said + 1, ledger_file_problem(state)));
	ledger_rig_close(state);
	check_unchanged(&f, text, size);
}
END_TEST

START_TEST(a_ledger_of_a_newer_version_that_comes_under_the_daemon_stays_as_it_is)
{
	for (int refresh = 0; refresh < 2; refresh++) {
		_cleanup_folder_ struct folder f;
		_cleanup_free_ char *text = NULL;
		struct ledger_file *state;
		size_t size;

		folder_make(&f);
		state = ledger_rig_open(&f);
		ledger_file_set_failure(state, &mail, "mail", "x");
		ck_assert_int_eq(ledger_file_writer(state), LEDGER_OF_OURS);
		/* No helper is in the way of one that would write it anew. */
		ledger_rig_settle();
		size = write_newer(&f, &text);
		if (refresh)
			ledger_file_refresh(state);
		ledger_file_set_failure(state, &web, "web", "y");
		ck_assert_int_eq(ledger_file_writer(state), LEDGER_OF_NEWER);
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "y");
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &mail)->failure, "x");
		check_unchanged(&f, text, size);
		ledger_rig_close(state);
		check_unchanged(&f, text, size);
	}
}
END_TEST

START_TEST(a_newer_version_that_goes_on_in_the_ledger_has_it_from_then_on)
{
	struct ledger_record kept = {
		.kind = LEDGER_KEPT, .format = LEDGER_FORMAT_READ + 1, .boot = boot};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *text = NULL;
	struct ledger_file *state;
	size_t size;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_set_failure(state, &mail, "mail", "x");
	ledger_rig_settle();
	ck_assert_int_eq(ledger_append(folder_path(&f, "state/ledger"), &kept, false), 0);
	ck_assert_int_eq(file_read(folder_path(&f, "state/ledger"), 10000, &text, &size), 0);
	ledger_file_set_failure(state, &web, "web", "y");
	ck_assert_int_eq(ledger_file_writer(state), LEDGER_OF_NEWER);
	ledger_rig_close(state);
	check_unchanged(&f, text, size);
}
END_TEST

/* The format of what the file is when it is kept, and whether that has made it longer. */
static uint64_t keep(const struct folder *f, bool *ret_longer)
{
	_cleanup_close_ int fd = -1;
	struct stat before, after;
	struct ledger_file *state = ledger_rig_open(f);
	uint64_t format;

	ledger_rig_settle();
	ck_assert_int_eq(stat(ledger_file_path(state), &before), 0);
	ck_assert_int_eq(ledger_file_keep(state, true), 0);
	ck_assert_ptr_null(ledger_file_problem(state));
	ck_assert_int_eq(stat(ledger_file_path(state), &after), 0);
	fd = open(ledger_file_path(state), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(ledger_format_of(fd, 0, &format), 0);
	ledger_rig_close(state);
	*ret_longer = after.st_size > before.st_size;
	return format;
}

START_TEST(a_ledger_without_a_format_gets_one_and_keeps_it)
{
	struct ledger_record saved = {
		.kind = LEDGER_SAVED, .uuid = web, .image = image, .boot = boot};
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	bool longer;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	ck_assert_int_eq(ledger_append(folder_path(&f, "state/ledger"), &saved, false), 0);
	ck_assert_uint_eq(keep(&f, &longer), LEDGER_FORMAT);
	ck_assert(longer);
	ck_assert_uint_eq(keep(&f, &longer), LEDGER_FORMAT);
	ck_assert(!longer);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state), IMAGE_NEWEST);
	for (uint64_t i = 1; i <= 600; i++)
		ledger_file_add_pace(state, i, 0, COMPRESSION_NONE, NULL);
	ledger_rig_close(state);
	ck_assert_uint_eq(keep(&f, &longer), LEDGER_FORMAT);
	ck_assert(!longer);
}
END_TEST

SUITE("ledger-format", a_newer_version_that_goes_on_in_the_ledger_has_it_from_then_on,
      a_ledger_of_a_newer_version_is_read_and_stays_as_it_is,
      a_ledger_of_a_newer_version_that_comes_under_the_daemon_stays_as_it_is,
      a_ledger_without_a_format_gets_one_and_keeps_it);
