/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger-rig.h"
#include "util/str.h"
#include "wire/ledger-record.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}};

/* A disk can take long, and the loop of the daemon has other things to do. */
START_TEST(the_daemon_itself_waits_for_no_disk)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_file_set_failure(state, &web, "web", "x");
	ledger_file_see_life(state, &web, "web", 1, false, 1);
	ledger_file_outlive(state, &web, "web", &mail);
	ledger_file_set_away(state, &web, "web", "other");
	ledger_file_set_returned(state, &web, "web");
	for (uint64_t i = 1; i <= 600; i++)
		ledger_file_add_pace(state, i, 0, COMPRESSION_NONE, NULL);
	ledger_rig_settle();
	ck_assert_uint_eq(ledger_rig.waits, 0);
	ledger_rig_close(state);
	ck_assert_uint_eq(ledger_rig.waits, 0);
}
END_TEST

/* In a helper, tells of it by a file beside the ledger. */
static void tell(const char *path)
{
	_cleanup_free_ char *mark = NULL;

	if (str_format(&mark, "%s.synced", path) >= 0)
		close(open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

START_TEST(what_a_power_cut_must_not_take_is_synced_also_when_the_daemon_ends_at_once)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_rig_settle();
	ledger_rig.meanwhile = tell;
	ledger_file_set_failure(state, &web, "web", "x");
	ledger_rig_settle();
	ck_assert(!folder_has(&f, "state/ledger.synced"));
	ledger_file_see_life(state, &web, "web", 1, false, 1);
	ledger_rig_settle();
	ck_assert(folder_has(&f, "state/ledger.synced"));
	unlink(folder_path(&f, "state/ledger.synced"));
	/* The second one comes while the first is synced. */
	ledger_file_see_life(state, &web, "web", 2, false, 1);
	ledger_file_see_life(state, &web, "web", 3, false, 1);
	ledger_rig_end(state);
	ck_assert(folder_has(&f, "state/ledger.synced"));
}
END_TEST

static struct ledger_record drawn(const struct uuid *uuid, const char *name)
{
	return (struct ledger_record){
		.kind = LEDGER_DRAWN, .uuid = *uuid, .name = name, .boot = {.bytes = {1}}};
}

/* The daemon has made the file, or another one has its name now, and its helper is not done yet. */
START_TEST(a_worker_syncs_its_record_and_the_name_of_the_file_also_where_it_is_not_the_first)
{
	struct ledger_record record = drawn(&mail, "mail");
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ck_assert_int_eq(ledger_append(ledger_file_path(state), &record, true), 0);
	ck_assert_uint_eq(ledger_rig.waits, 2);
	ledger_rig_close(state);
}
END_TEST

/* In a helper: a worker records something while the file is written anew. */
static void record_once(const char *path)
{
	struct ledger_record record = drawn(&mail, "mail");
	static bool done;

	if (!done)
		done = ledger_append(path, &record, false) == 0;
}

static void grow(struct ledger_file *state)
{
	for (uint64_t i = 1; i <= 600; i++)
		ledger_file_add_pace(state, i, 0, COMPRESSION_NONE, NULL);
}

static void check_drawn(const struct folder *f, const char *name, const struct uuid *uuid)
{
	struct ledger_file *state = ledger_rig_open(f);
	const struct uuid *known = ledger_drawn(ledger_file_get(state), name);

	ck_assert_ptr_nonnull(known);
	ck_assert(uuid_equal(known, uuid));
	ledger_rig_close(state);
}

START_TEST(a_record_that_is_appended_while_the_file_is_written_anew_is_in_the_new_one)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct stat st;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_rig_settle();
	ledger_rig.meanwhile = record_once;
	grow(state);
	ledger_rig_settle();
	ck_assert_int_eq(stat(ledger_file_path(state), &st), 0);
	ck_assert_int_lt(st.st_size, 60000);
	ck_assert_ptr_nonnull(ledger_drawn(ledger_file_get(state), "mail"));
	/* And the daemon goes on where it was: nothing was taken for lost, or counted twice. */
	ck_assert_str_eq(unit_log(), "");
	ck_assert_uint_eq(
		ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].rates[PACES_MAX - 1], 600);
	ledger_rig_close(state);
	ledger_rig.meanwhile = NULL;
	check_drawn(&f, "web", &web);
	check_drawn(&f, "mail", &mail);
}
END_TEST

/* In a helper, with the ledger's lock: others wait now, and the daemon does not. */
static void record_in_rename(const char *path)
{
	struct ledger_record record = drawn(&mail, "mail");

	if (ledger_rig.renames && ledger_append(path, &record, false) == -EBUSY)
		tell(path);
}

START_TEST(nobody_appends_to_a_file_that_loses_its_name)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_rig_settle();
	ledger_rig.meanwhile = record_in_rename;
	grow(state);
	ledger_rig_settle();
	ck_assert(folder_has(&f, "state/ledger.synced"));
	ledger_rig_close(state);
}
END_TEST

START_TEST(what_cannot_be_appended_because_of_the_lock_is_written_anew_behind_it)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	int fd;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_rig_settle();
	fd = open(folder_path(&f, "state/ledger"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(ledger_file_set_drawn(state, "mail", &mail), 0);
	ledger_file_add_restart(state, &mail, "mail", 7);
	ck_assert_ptr_null(ledger_file_problem(state));
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "mail"), &mail));
	close(fd);
	ledger_file_refresh(state);
	ledger_rig_settle();
	ck_assert_uint_eq(ledger_find(ledger_file_get(state), &mail)->n_restarts, 1);
	ledger_rig_close(state);
	check_drawn(&f, "mail", &mail);
}
END_TEST

START_TEST(what_could_not_be_appended_is_written_also_when_the_daemon_ends_at_once)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	int fd;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_rig_settle();
	fd = open(folder_path(&f, "state/ledger"), O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(ledger_file_set_drawn(state, "mail", &mail), 0);
	close(fd);
	ledger_rig_end(state);
	check_drawn(&f, "web", &web);
	check_drawn(&f, "mail", &mail);
}
END_TEST

/* In a helper: another daemon begins the same, for this one was killed. */
static void begin_too(const char *path)
{
	_cleanup_free_ char *new = NULL;
	int fd;

	if (str_format(&new, "%s.new", path) < 0)
		return;
	unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, "half", 4) == 4)
		close(fd);
}

START_TEST(a_helper_of_a_daemon_that_was_killed_brings_up_no_half_file_of_the_next_one)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_rig_settle();
	ledger_rig.meanwhile = begin_too;
	grow(state);
	ledger_rig_settle();
	/* And does not remove what the next one has begun. */
	ck_assert(folder_has(&f, "state/ledger.new"));
	ledger_rig.meanwhile = NULL;
	ledger_rig_close(state);
	check_drawn(&f, "web", &web);
}
END_TEST

/* In a helper: a newer version's file is copied into this one. */
static void make_newer(const char *path)
{
	struct ledger_record record = {
		.kind = LEDGER_KEPT, .format = LEDGER_FORMAT_READ + 1, .boot = {.bytes = {1}}};
	static bool done;

	if (!done)
		done = ledger_append(path, &record, false) == 0;
}

START_TEST(a_ledger_that_a_newer_version_writes_meanwhile_is_not_replaced)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct stat before, after;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_rig_settle();
	ledger_rig.meanwhile = make_newer;
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ck_assert_int_eq(stat(ledger_file_path(state), &before), 0);
	grow(state);
	ledger_rig_settle();
	ck_assert_int_eq(stat(ledger_file_path(state), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_int_eq(ledger_file_writer(state), LEDGER_OF_NEWER);
	ck_assert(!folder_has(&f, "state/ledger.new"));
	ledger_rig_close(state);
}
END_TEST

SUITE("ledger-disk", the_daemon_itself_waits_for_no_disk,
      a_worker_syncs_its_record_and_the_name_of_the_file_also_where_it_is_not_the_first,
      what_a_power_cut_must_not_take_is_synced_also_when_the_daemon_ends_at_once,
      a_record_that_is_appended_while_the_file_is_written_anew_is_in_the_new_one,
      nobody_appends_to_a_file_that_loses_its_name,
      what_cannot_be_appended_because_of_the_lock_is_written_anew_behind_it,
      what_could_not_be_appended_is_written_also_when_the_daemon_ends_at_once,
      a_helper_of_a_daemon_that_was_killed_brings_up_no_half_file_of_the_next_one,
      a_ledger_that_a_newer_version_writes_meanwhile_is_not_replaced);
