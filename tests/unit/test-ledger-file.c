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
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	ledger_file_set_failure(state, &web, "web", "no room");
	ledger_file_add_restart(state, &web, "web", 1000);
	ledger_file_add_restart(state, &mail, "mail", 2000);
	ledger_rig_close(state);

	state = ledger_rig_open(&f);
	h = ledger_file_get(state);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &web));
	ck_assert_str_eq(ledger_find(h, &web)->failure, "no room");
	ck_assert_uint_eq(ledger_find(h, &web)->n_restarts, 1);
	ck_assert_uint_eq(ledger_find(h, &mail)->restarts[0], 2000);
	ledger_file_set_failure(state, &web, "web", NULL);
	ledger_file_forgive(state, &mail, "mail");
	ledger_rig_close(state);

	state = ledger_rig_open(&f);
	h = ledger_file_get(state);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
	ck_assert_uint_eq(ledger_find(h, &mail)->n_restarts, 0);
	ledger_rig_close(state);
}
END_TEST

START_TEST(how_fast_guests_are_saved_is_known_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_uint_eq(ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].n, 0);
	/* So many that the file is written anew. */
	for (uint64_t i = 1; i <= 600; i++)
		ledger_file_add_pace(state, 1000 * i, 10 * i, COMPRESSION_NONE, NULL);
	for (int i = 0; i < 2; i++) {
		ledger_rig_close(state);
		state = ledger_rig_open(&f);
		ck_assert_uint_eq(ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].n,
				  PACES_MAX);
		ck_assert_uint_eq(ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].rates[0],
				  596000);
		ck_assert_uint_eq(
			ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].rates[PACES_MAX -
										       1],
			600000);
		ck_assert_uint_eq(
			ledger_file_get(state)->paced[0].paces[COMPRESSION_NONE].disk[PACES_MAX -
										      1],
			6000);
	}
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_folder_is_made_and_nobody_else_reads_it)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct stat st;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(stat(folder_path(&f, "state"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	ck_assert_str_eq(ledger_file_path(state), folder_path(&f, "state/ledger"));
	ledger_rig_close(state);
	ck_assert_ptr_null(ledger_file_free(NULL));
}
END_TEST

START_TEST(a_folder_that_cannot_be_costs_no_start)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state = NULL;

	folder_make(&f);
	ck_assert_int_eq(loop_new(&ledger_rig.loop), 0);
	ck_assert_int_eq(ledger_file_open(ledger_rig.loop, folder_path(&f, "no/state"), &state), 0);
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	/* It holds for as long as the daemon runs. */
	ledger_file_set_failure(state, &web, "web", "x");
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "x");
	ledger_rig_close(state);
	folder_write(&f, "file", "");
	ck_assert_int_eq(loop_new(&ledger_rig.loop), 0);
	ck_assert_int_eq(ledger_file_open(ledger_rig.loop, folder_path(&f, "file"), &state), 0);
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	ledger_rig_close(state);
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
	state = ledger_rig_open(&f);
	ledger_file_set_failure(state, &web, "web", "first");
	ledger_file_set_failure(state, &web, "web", "second");
	ledger_rig_close(state);
	ck_assert_int_eq(file_read(folder_path(&f, "state/ledger"), 10000, &whole, &size), 0);
	/* From the first byte of the second line to its last. */
	for (size_t cut = (size_t)(strstr(whole, "}\n") - whole) + 2; cut < size - 1; cut++) {
		const struct past *past;

		folder_write_bytes(&f, "state/ledger", whole, cut);
		state = ledger_rig_open(&f);
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "first");
		ledger_file_set_failure(state, &mail, "mail", "third");
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &mail)->failure, "third");
		ledger_rig_close(state);

		state = ledger_rig_open(&f);
		past = ledger_find(ledger_file_get(state), &mail);
		ck_assert_ptr_nonnull(past);
		ck_assert_str_eq(past->failure, "third");
		ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "first");
		ledger_rig_close(state);
	}
}
END_TEST

static void save(const struct folder *f, const struct uuid *guest, const struct uuid *image)
{
	struct ledger_record record = {
		.kind = LEDGER_SAVED,
		.uuid = *guest,
		.image = *image,
		.name = "web",
		.path = "/save/web",
		.directory = "fs:1",
		.time = usec_now(),
	};

	ck_assert_int_eq(ledger_boot_id(&record.boot), 0);
	ck_assert_int_eq(ledger_append(folder_path(f, "state/ledger"), &record, true), 0);
}

static enum image_standing judge(const struct ledger_file *state, const struct uuid *image)
{
	return ledger_judge(ledger_file_get(state), &web, image, NULL, 1);
}

static const struct uuid first = {.bytes = {11}}, second = {.bytes = {12}};

START_TEST(what_workers_recorded_is_read_when_asked_for)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	save(&f, &web, &first);
	ck_assert_int_eq(judge(state, &first), IMAGE_UNKNOWN);
	ledger_file_refresh(state);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	/* And with whatever the daemon writes itself. */
	save(&f, &web, &second);
	ledger_file_add_restart(state, &web, "web", 5);
	ck_assert_int_eq(judge(state, &first), IMAGE_OUTLIVED);
	ck_assert_int_eq(judge(state, &second), IMAGE_NEWEST);
	/* Nothing is read twice. */
	ledger_file_refresh(state);
	ck_assert_uint_eq(ledger_find(ledger_file_get(state), &web)->n_restarts, 1);
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_damaged_record_costs_certainty_of_what_came_before)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	save(&f, &web, &first);
	append(&f, "0123456789abcdef {\"entry\":\"began\"}\n");
	save(&f, &mail, &second);
	for (int opened = 0; opened < 2; opened++) {
		/* The second time it is read from a file that was written anew. */
		state = ledger_rig_open(&f);
		ck_assert_int_eq(judge(state, &first), IMAGE_FORGOTTEN);
		ck_assert_int_eq(ledger_judge(ledger_file_get(state), &mail, &second, NULL, 1),
				 IMAGE_NEWEST);
		ledger_rig_close(state);
	}
	save(&f, &web, &first);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_loss_is_told_and_stays_in_the_file_until_it_does_not_matter)
{
	static const char *const damages[] = {
		"0 {\"entry\":\"migrated\"}\n",
		"0 {}\n",
	};

	for (size_t i = 0; i < ELEMENTSOF(damages); i++) {
		_cleanup_folder_ struct folder f;
		struct ledger_file *state;

		folder_make(&f);
		state = ledger_rig_open(&f);
		ck_assert_int_eq(ledger_file_keep(state, false), 0);
		ck_assert_ptr_null(ledger_file_problem(state));
		ledger_rig_close(state);
		append(&f, damages[i]);
		for (int opened = 0; opened < 2; opened++) {
			state = ledger_rig_open(&f);
			ck_assert_int_eq(ledger_file_keep(state, true), 0);
			ck_assert_ptr_nonnull(ledger_file_problem(state));
			ck_assert(ledger_may_be_away(ledger_file_get(state), &web, NULL));
			ck_assert_int_eq(ledger_file_get(state)->migrates, i == 0);
			if (opened == 0)
				ledger_rig_close(state);
		}
		ledger_file_see_life(state, &web, "web", 1, false, 1);
		ck_assert(!ledger_may_be_away(ledger_file_get(state), &web, NULL));
		ck_assert(ledger_may_be_away(ledger_file_get(state), &mail, NULL));
		ledger_file_settle(state);
		ck_assert(!ledger_may_be_away(ledger_file_get(state), &mail, NULL));
		ck_assert_ptr_nonnull(ledger_file_problem(state));
		ledger_rig_close(state);
		state = ledger_rig_open(&f);
		ck_assert_ptr_null(ledger_file_problem(state));
		ck_assert_int_eq(ledger_file_get(state)->migrates, i == 0);
		ledger_rig_close(state);
	}
}
END_TEST

START_TEST(a_ledger_that_was_there_before_and_is_not_is_a_loss)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	for (int expected = 0; expected < 2; expected++) {
		state = ledger_rig_open(&f);
		ck_assert_int_eq(ledger_file_keep(state, expected), 0);
		ck_assert_int_eq(!ledger_file_problem(state), !expected);
		ledger_rig_close(state);
		ck_assert_int_eq(unlink(folder_path(&f, "state/ledger")), 0);
	}
}
END_TEST

START_TEST(a_torn_end_costs_no_certainty)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	save(&f, &web, &first);
	append(&f, "0123456789abcdef {\"entry\":\"beg");
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ledger_rig_close(state);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_record_in_the_writing_is_left_until_it_is_whole)
{
	struct ledger_record record = {
		.kind = LEDGER_SAVED,
		.uuid = web,
		.image = first,
	};
	_cleanup_free_ char *line = NULL;
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	char half[60] = "";

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_set_failure(state, &mail, "mail", "x");
	ck_assert_int_eq(ledger_record_format(&record, &line), 0);
	memcpy(half, line, sizeof(half) - 1);
	append(&f, half);
	ledger_file_refresh(state);
	ck_assert_int_eq(judge(state, &first), IMAGE_UNKNOWN);
	append(&f, line + sizeof(half) - 1);
	ledger_file_refresh(state);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ledger_rig_close(state);
}
END_TEST

/* A record of an earlier boot of the host. */
static void append_old(const struct folder *f, struct ledger_record record)
{
	_cleanup_free_ char *line = NULL;

	record.uuid = web;
	record.boot = (struct uuid){.bytes = {0x99}};
	record.time = 1;
	ck_assert_int_eq(ledger_record_format(&record, &line), 0);
	append(f, line);
}

START_TEST(a_boot_forgets_failures_and_restarts_and_nothing_else)
{
	_cleanup_folder_ struct folder f;
	const struct ledger *h;
	struct ledger_file *state;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	folder_write(&f, "state/ledger", "");
	append_old(&f, (struct ledger_record){.kind = LEDGER_DRAWN, .name = "web"});
	append_old(&f, (struct ledger_record){.kind = LEDGER_SAVED, .image = first});
	append_old(&f, (struct ledger_record){.kind = LEDGER_FAILURE, .reason = "x"});
	append_old(&f, (struct ledger_record){.kind = LEDGER_RESTART});
	state = ledger_rig_open(&f);
	h = ledger_file_get(state);
	ck_assert(uuid_equal(ledger_drawn(h, "web"), &web));
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ck_assert_ptr_null(ledger_find(h, &web)->failure);
	ck_assert_uint_eq(ledger_find(h, &web)->n_restarts, 0);
	/* What an earlier boot forgave says nothing about this one. */
	ledger_file_set_failure(state, &web, "web", "now");
	append_old(&f, (struct ledger_record){.kind = LEDGER_FORGIVEN});
	ledger_file_refresh(state);
	ck_assert_str_eq(ledger_find(h, &web)->failure, "now");
	ledger_rig_close(state);
}
END_TEST

/* Whatever stands in the place of the file. */
static void check_replaced(const struct folder *f)
{
	struct ledger_file *state = ledger_rig_open(f);
	struct stat st;

	ck_assert_ptr_nonnull(ledger_file_problem(state));
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	/* That something is lost is said for as long as the daemon runs. */
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	ledger_rig_close(state);
	ck_assert_int_eq(lstat(folder_path(f, "state/ledger"), &st), 0);
	ck_assert(S_ISREG(st.st_mode));
	state = ledger_rig_open(f);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "web"), &web));
	ledger_rig_close(state);
}

START_TEST(what_is_no_ledger_is_put_aside_and_costs_no_start)
{
	_cleanup_folder_ struct folder f;
	int fd;

	folder_make(&f);
	ledger_rig_close(ledger_rig_open(&f));
	unlink(folder_path(&f, "state/ledger"));
	ck_assert_int_eq(symlink("/etc/passwd", folder_path(&f, "state/ledger")), 0);
	check_replaced(&f);
	unlink(folder_path(&f, "state/ledger"));
	ck_assert_int_eq(mkdir(folder_path(&f, "state/ledger"), 0700), 0);
	check_replaced(&f);
	fd = open(folder_path(&f, "state/ledger"), O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(ftruncate(fd, (off_t)LEDGER_MAX + 1), 0);
	close(fd);
	check_replaced(&f);
}
END_TEST

START_TEST(a_file_that_is_cut_under_the_daemon_is_written_again)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct uuid third = {.bytes = {13}};

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(ledger_file_set_drawn(state, "web", &web), 0);
	save(&f, &web, &first);
	ledger_file_refresh(state);
	ck_assert_int_eq(truncate(folder_path(&f, "state/ledger"), 0), 0);
	save(&f, &mail, &second);
	ck_assert_int_eq(ledger_file_set_drawn(state, "mail", &third), 0);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "mail"), &third));
	ledger_rig_close(state);

	state = ledger_rig_open(&f);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "web"), &web));
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "mail"), &third));
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ck_assert_int_eq(ledger_judge(ledger_file_get(state), &mail, &second, NULL, 1),
			 IMAGE_NEWEST);
	unlink(folder_path(&f, "state/ledger"));
	ledger_file_refresh(state);
	ledger_rig_close(state);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state, &first), IMAGE_NEWEST);
	ledger_rig_close(state);
}
END_TEST

/* Its size is bounded by the guests, and not by the time. */
START_TEST(a_ledger_of_one_guest_stays_small_for_ever)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	struct stat st;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_set_away(state, &mail, "mail", "other");
	for (unsigned i = 0; i < 2000; i++) {
		struct ledger_record record = {
			.kind = i % 2 ? LEDGER_BEGAN : LEDGER_SAVED,
			.uuid = web,
			.image = {.bytes = {[14] = (uint8_t)(i / 512), [15] = (uint8_t)(i / 2)}},
			.name = "web",
			.time = usec_now(),
		};

		ck_assert_int_eq(ledger_boot_id(&record.boot), 0);
		ck_assert_int_eq(ledger_append(folder_path(&f, "state/ledger"), &record, false), 0);
		if (i % 100 == 99) {
			ledger_file_refresh(state);
			ledger_rig_settle();
		}
	}
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &st), 0);
	ck_assert_int_lt(st.st_size, 400000);
	ledger_rig_close(state);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(judge(state, &(struct uuid){.bytes = {[14] = 3, [15] = (uint8_t)999}}),
			 IMAGE_USED_UP);
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &mail)->away, "other");
	ledger_rig_close(state);
}
END_TEST

/* The clock was ahead, and has been set back: a restart of the daemon does not make that right. */
START_TEST(a_time_that_was_doubted_is_so_after_a_restart_until_the_next_is_known)
{
	_cleanup_folder_ struct folder f;
	usec_t now = usec_now_wall();
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_see_life(state, &web, "web", 3, false, now);
	ledger_file_end_life(state, &web, "web",
			     &(struct life_end){.how = LIFE_ENDED, .wall = now});
	ledger_file_doubt_times(state, &web);
	ledger_rig_close(state);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(
		ledger_judge(ledger_file_get(state), &web, &first, "web", now - USEC_PER_SEC),
		IMAGE_SUSPECT);
	ledger_file_see_life(state, &web, "web", 4, false, now);
	ledger_rig_close(state);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(
		ledger_judge(ledger_file_get(state), &web, &first, "web", now - USEC_PER_SEC),
		IMAGE_OUTLIVED);
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_domain_of_before_any_life_of_its_uuid_is_not_later_after_a_restart)
{
	_cleanup_folder_ struct folder f;
	struct domain clone = {.uuid = web, .domid = 7}, next = {.uuid = web, .domid = 8};
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_see_life(state, &web, "clone", 7, false, 1);
	/* The clone has ended: the life of the other one goes on. */
	ledger_file_see_life(state, &web, "web", 6, false, 2);
	for (int i = 0; i < 2; i++) {
		ck_assert(!ledger_file_is_later(state, &clone, "clone"));
		ck_assert(ledger_file_is_later(state, &next, "clone"));
		ck_assert(ledger_file_knows_life(state, &web, 6));
		ledger_rig_close(state);
		state = ledger_rig_open(&f);
	}
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_life_that_is_known_is_not_written_again)
{
	_cleanup_folder_ struct folder f;
	struct stat before, after;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	save(&f, &web, &first);
	ledger_file_see_life(state, &web, "web", 3, false, usec_now_wall());
	ck_assert_int_eq(judge(state, &first), IMAGE_OUTLIVED);
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &before), 0);
	ledger_file_see_life(state, &web, "web", 3, false, usec_now_wall());
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
	ledger_file_see_life(state, &web, "web", 4, false, usec_now_wall());
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &after), 0);
	ck_assert_int_gt(after.st_size, before.st_size);
	ledger_rig_close(state);
}
END_TEST

START_TEST(what_is_no_news_is_not_written)
{
	_cleanup_folder_ struct folder f;
	struct stat before, after;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_set_failure(state, &web, "web", "x");
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &before), 0);
	ledger_file_set_failure(state, &web, "web", "x");
	ledger_file_set_failure(state, &mail, "mail", NULL);
	ledger_file_set_failure(state, &UUID_NULL, "broken.cfg", "y");
	ledger_file_forgive(state, &mail, "mail");
	ck_assert_int_eq(stat(folder_path(&f, "state/ledger"), &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
	ledger_rig_close(state);
}
END_TEST

START_TEST(a_disk_that_takes_nothing_is_told_and_lived_with)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ck_assert_int_eq(mkdir(folder_path(&f, "state/ledger"), 0700), 0);
	ledger_file_set_failure(state, &web, "web", "x");
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->failure, "x");
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	/* A UUID that would be another one next time is an error. */
	ck_assert_int_lt(ledger_file_set_drawn(state, "web", &web), 0);
	ck_assert(uuid_equal(ledger_drawn(ledger_file_get(state), "web"), &web));
	ledger_file_refresh(state);
	ck_assert_ptr_nonnull(ledger_file_problem(state));
	ledger_rig_close(state);
}
END_TEST

START_TEST(who_is_away_stays_away_when_the_host_is_restarted)
{
	_cleanup_folder_ struct folder f;
	struct ledger_file *state;
	const struct past *past;

	folder_make(&f);
	state = ledger_rig_open(&f);
	ledger_file_set_away(state, &mail, "mail", "other");
	/* Said before, and not written again. */
	ledger_file_set_away(state, &mail, "mail", "other");
	append_old(&f, (struct ledger_record){
			       .kind = LEDGER_LEAVING, .name = "web", .target = "third"});
	ledger_file_refresh(state);
	ledger_rig_close(state);

	state = ledger_rig_open(&f);
	past = ledger_find(ledger_file_get(state), &web);
	ck_assert_str_eq(past->away, "third");
	ck_assert(past->away_unknown);
	past = ledger_find(ledger_file_get(state), &mail);
	ck_assert_str_eq(past->away, "other");
	ck_assert(!past->away_unknown);
	ledger_file_set_returned(state, &mail, "mail");
	ledger_rig_close(state);

	state = ledger_rig_open(&f);
	ck_assert_ptr_null(ledger_find(ledger_file_get(state), &mail)->away);
	ck_assert_str_eq(ledger_find(ledger_file_get(state), &web)->away, "third");
	ledger_rig_close(state);
}
END_TEST

SUITE("ledger-file", what_was_noted_is_there_after_a_restart,
      how_fast_guests_are_saved_is_known_after_a_restart, a_folder_is_made_and_nobody_else_reads_it,
      a_folder_that_cannot_be_costs_no_start, a_line_torn_anywhere_costs_nothing_but_itself,
      what_workers_recorded_is_read_when_asked_for,
      a_loss_is_told_and_stays_in_the_file_until_it_does_not_matter,
      a_ledger_that_was_there_before_and_is_not_is_a_loss,
      a_damaged_record_costs_certainty_of_what_came_before, a_torn_end_costs_no_certainty,
      a_record_in_the_writing_is_left_until_it_is_whole,
      a_boot_forgets_failures_and_restarts_and_nothing_else,
      what_is_no_ledger_is_put_aside_and_costs_no_start,
      a_file_that_is_cut_under_the_daemon_is_written_again,
      a_ledger_of_one_guest_stays_small_for_ever, a_life_that_is_known_is_not_written_again,
      a_time_that_was_doubted_is_so_after_a_restart_until_the_next_is_known,
      a_domain_of_before_any_life_of_its_uuid_is_not_later_after_a_restart,
      what_is_no_news_is_not_written, a_disk_that_takes_nothing_is_told_and_lived_with,
      who_is_away_stays_away_when_the_host_is_restarted);
