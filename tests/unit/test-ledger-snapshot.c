/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "unit.h"
#include "world/ledger-apply.h"
#include "world/ledger-snapshot.h"

static const struct uuid web = {.bytes = {1}}, mail = {.bytes = {2}}, first = {.bytes = {11}};

static int apply_to(void *ledger, const struct ledger_record *record)
{
	return ledger_apply(ledger, &record->boot, record);
}

START_TEST(what_outlives_an_image_does_so_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record records[] = {
		{.kind = LEDGER_SAVED, .image = first, .time_wall = 10 * USEC_PER_SEC},
		{.kind = LEDGER_BEGAN, .image = first, .time_wall = 20 * USEC_PER_SEC},
		{.kind = LEDGER_ENDED, .life = "vanished", .time_wall = 30 * USEC_PER_SEC},
	};

	for (size_t i = 0; i < ELEMENTSOF(records); i++) {
		records[i].uuid = web;
		records[i].name = "web";
		records[i].path = records[i].directory = "x";
		ck_assert_int_eq(apply_to(old, &records[i]), 0);
	}
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	ck_assert_int_eq(lives_judge(ledger_lives(new, &web), &mail, NULL, 19 * USEC_PER_SEC),
			 IMAGE_OUTLIVED);
	ck_assert_int_eq(lives_judge(ledger_lives(new, &web), &mail, NULL, 21 * USEC_PER_SEC),
			 IMAGE_SUSPECT);
	ck_assert_int_eq(lives_judge(ledger_lives(new, &web), &first, NULL, 21), IMAGE_USED_UP);
}
END_TEST

START_TEST(a_guest_that_was_found_suspended_is_so_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record records[] = {
		{.kind = LEDGER_BEGAN, .time_wall = 10 * USEC_PER_SEC},
		{.kind = LEDGER_ENDED,
		 .life = "suspended",
		 .doubtful = true,
		 .time_wall = 60 * USEC_PER_SEC,
		 .gone_wall = 61 * USEC_PER_SEC},
	};

	for (size_t i = 0; i < ELEMENTSOF(records); i++) {
		records[i].uuid = web;
		records[i].name = "web";
		ck_assert_int_eq(apply_to(old, &records[i]), 0);
	}
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	ck_assert_int_eq(lives_judge(ledger_lives(new, &web), &mail, NULL, 20 * USEC_PER_SEC),
			 IMAGE_SUSPECT);
	ck_assert_int_eq(lives_judge(ledger_lives(new, &web), &mail, NULL, 60 * USEC_PER_SEC),
			 IMAGE_NEWEST);
	ck_assert_uint_eq(ledger_lives(new, &web)->gone, 61 * USEC_PER_SEC);
}
END_TEST

START_TEST(a_life_of_another_uuid_follows_what_was_saved_before_it_and_nothing_else)
{
	static const struct {
		enum ledger_kind kinds[2];
		enum image_standing expected;
	} cases[] = {
		{{LEDGER_SAVED, LEDGER_BEGAN}, IMAGE_OUTLIVED},
		{{LEDGER_BEGAN, LEDGER_SAVED}, IMAGE_NEWEST},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();

		for (size_t j = 0; j < ELEMENTSOF(cases[i].kinds); j++) {
			bool saved = cases[i].kinds[j] == LEDGER_SAVED;
			const struct ledger_record record = {
				.kind = cases[i].kinds[j],
				.uuid = saved ? web : mail,
				.image = saved ? first : UUID_NULL,
				.name = "web",
				.time_wall = j + 1,
			};

			ck_assert_int_eq(apply_to(old, &record), 0);
		}
		/* A file that is written anew has no order of the two any more. */
		ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
		ck_assert_int_eq(ledger_judge_by_name(old, &web, "web", &first, 1),
				 cases[i].expected);
		ck_assert_int_eq(ledger_judge_by_name(new, &web, "web", &first, 1),
				 cases[i].expected);
		ck_assert_int_eq(ledger_judge(new, &web, &first, NULL, 1), IMAGE_NEWEST);
	}
}
END_TEST

START_TEST(a_life_of_another_uuid_follows_an_image_of_a_name_that_its_guest_had_before)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record records[] = {
		{.kind = LEDGER_SAVED, .uuid = web, .image = first, .name = "old"},
		{.kind = LEDGER_OUTLIVED, .uuid = web, .image = mail, .name = "new"},
	};
	struct ledger_record began = {.kind = LEDGER_BEGAN, .uuid = mail, .name = "old"};

	for (size_t i = 0; i < ELEMENTSOF(records); i++)
		ck_assert_int_eq(apply_to(old, &records[i]), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	ck_assert_int_eq(ledger_judge_by_name(new, &web, "old", &first, 1), IMAGE_NEWEST);
	ck_assert_int_eq(apply_to(new, &began), 0);
	ck_assert_int_eq(ledger_judge_by_name(new, &web, "old", &first, 1), IMAGE_OUTLIVED);
}
END_TEST

START_TEST(a_life_of_another_uuid_ends_a_departure_and_goes_on_doing_so)
{
	static const struct {
		enum ledger_kind kinds[2];
		bool back;
	} cases[] = {
		{{LEDGER_MIGRATED, LEDGER_BEGAN}, true},
		{{LEDGER_LEAVING, LEDGER_BEGAN}, true},
		{{LEDGER_BEGAN, LEDGER_MIGRATED}, false},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();

		for (size_t j = 0; j < ELEMENTSOF(cases[i].kinds); j++) {
			bool began = cases[i].kinds[j] == LEDGER_BEGAN;
			const struct ledger_record record = {
				.kind = cases[i].kinds[j],
				.uuid = began ? mail : web,
				.name = "web",
				.target = began ? NULL : "other",
				.time_wall = j + 1,
			};

			ck_assert_int_eq(apply_to(old, &record), 0);
		}
		ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
		ck_assert(!ledger_find_away(old, "web") == cases[i].back);
		ck_assert(!ledger_find_away(new, "web") == cases[i].back);
	}
}
END_TEST

START_TEST(what_was_seen_of_a_clone_places_no_guest_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	const struct ledger_record records[] = {
		{.kind = LEDGER_BEGAN, .uuid = web, .name = "web", .life = "seen", .time_wall = 1},
		{.kind = LEDGER_BEGAN,
		 .uuid = web,
		 .name = "clone",
		 .life = "seen",
		 .time_wall = 2},
		/* It is renamed while it runs. */
		{.kind = LEDGER_OUTLIVED, .uuid = web, .name = "web", .image = first},
	};

	ck_assert_int_eq(apply_to(old, &records[0]), 0);
	ck_assert_int_eq(ledger_doubt(old, "lost"), 0);
	ck_assert_int_eq(apply_to(old, &records[1]), 0);
	ck_assert_int_eq(apply_to(old, &records[2]), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	for (size_t i = 0; i < 2; i++) {
		const struct ledger *h = i == 0 ? old : new;

		ck_assert(ledger_may_be_away(h, &web, "web"));
		ck_assert(!ledger_may_be_away(h, &web, "clone"));
	}
}
END_TEST

START_TEST(what_is_doubted_and_the_latest_domain_are_so_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	const struct ledger_record records[] = {
		{.kind = LEDGER_BEGAN, .uuid = web, .name = "clone", .domid = 7, .time_wall = 1},
		{.kind = LEDGER_BEGAN, .uuid = web, .name = "web", .domid = 6, .time_wall = 2},
		{.kind = LEDGER_ENDED,
		 .uuid = web,
		 .life = "suspended",
		 .doubtful = true,
		 .time_wall = 3},
		{.kind = LEDGER_LIFE,
		 .uuid = web,
		 .life = "suspended",
		 .ahead = true,
		 .domid = 6,
		 .time_wall = 3},
	};
	const struct lives *lives;

	for (size_t i = 0; i < ELEMENTSOF(records); i++)
		ck_assert_int_eq(apply_to(old, &records[i]), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	lives = ledger_lives(new, &web);
	ck_assert_uint_eq(lives->latest, 7);
	ck_assert_uint_eq(lives->domid, 6);
	ck_assert(lives->ahead);
	ck_assert(lives->found);
}
END_TEST

START_TEST(a_start_that_was_refused_is_forgotten_when_the_guest_runs)
{
	_cleanup_(ledger_freep) struct ledger *ledger = ledger_new();
	struct ledger_record record = {.kind = LEDGER_ENDED, .uuid = web, .life = "ended"};

	ck_assert_int_eq(ledger_set_refusal(ledger, &web, "held"), 0);
	ck_assert_int_eq(apply_to(ledger, &record), 0);
	ck_assert_str_eq(ledger_find(ledger, &web)->refusal, "held");
	record.kind = LEDGER_BEGAN;
	ck_assert_int_eq(apply_to(ledger, &record), 0);
	ck_assert_ptr_null(ledger_find(ledger, &web)->refusal);
}
END_TEST

START_TEST(that_nobody_asked_it_to_shut_down_is_so_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record record = {
		.kind = LEDGER_ENDED, .uuid = web, .name = "web", .life = "ended", .time_wall = 3};

	for (int alone = 1; alone >= 0; alone--) {
		record.alone = alone;
		ck_assert_int_eq(apply_to(old, &record), 0);
		ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
		ck_assert_int_eq(ledger_lives(new, &web)->alone, alone);
	}
}
END_TEST

START_TEST(the_time_of_a_failure_is_so_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	const struct ledger_record record = {.kind = LEDGER_FAILURE,
					     .uuid = web,
					     .boot = web,
					     .reason = "x",
					     .domid = DOMID_NONE,
					     .time_wall = 7};

	ck_assert_int_eq(apply_to(old, &record), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	ck_assert_str_eq(ledger_find(new, &web)->failure, "x");
	ck_assert_uint_eq(ledger_find(new, &web)->noted, 7);
	ck_assert_uint_eq(ledger_find(new, &web)->unended, DOMID_NONE);
}
END_TEST

START_TEST(the_domain_that_a_stop_left_is_known_when_the_file_is_written_anew)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	_cleanup_free_ char *line = NULL;
	_cleanup_json_ struct json_object *text = NULL;
	struct ledger_record record = {
		.kind = LEDGER_FAILURE, .uuid = web, .boot = web, .reason = "x", .domid = 7};
	struct ledger_record read;

	ck_assert_int_eq(ledger_record_format(&record, &line), 0);
	ck_assert_int_eq(ledger_record_parse(line, strlen(line) - 1, &read, &text), 0);
	ck_assert_int_eq(apply_to(old, &read), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	ck_assert_uint_eq(ledger_find(new, &web)->unended, 7);
}
END_TEST

/* How fast memory is compressed says nothing of how fast a disk takes it as it is. */
START_TEST(the_pace_of_each_kind_of_image_is_kept_for_itself)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record records[] = {
		{.kind = LEDGER_PACE, .rate = 100},
		{.kind = LEDGER_PACE, .rate = 400, .compression = COMPRESSION_ZSTD},
	};

	for (size_t i = 0; i < ELEMENTSOF(records); i++) {
		_cleanup_free_ char *line = NULL;
		_cleanup_json_ struct json_object *text = NULL;
		struct ledger_record read;

		records[i].boot = web;
		ck_assert_int_eq(ledger_record_format(&records[i], &line), 0);
		ck_assert_int_eq(ledger_record_parse(line, strlen(line) - 1, &read, &text), 0);
		ck_assert_int_eq(apply_to(old, &read), 0);
	}
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	for (enum compression c = 0; c < _COMPRESSION_MAX; c++)
		ck_assert_uint_eq(new->paced[0].paces[c].n, 1);
	ck_assert_uint_eq(new->paced[0].paces[COMPRESSION_NONE].rates[0], 100);
	ck_assert_uint_eq(new->paced[0].paces[COMPRESSION_ZSTD].rates[0], 400);
}
END_TEST

START_TEST(how_fast_another_disk_is_tells_nothing_of_this_one)
{
	_cleanup_(ledger_freep) struct ledger *old = ledger_new(), *new = ledger_new();
	struct ledger_record record = {.kind = LEDGER_PACE, .rate = 100};
	char directory[16];

	/* Earlier versions did not record where it was. */
	ck_assert_int_eq(apply_to(old, &record), 0);
	ck_assert_uint_eq(ledger_paces(old, COMPRESSION_NONE, "slow:1")->n, 1);
	record.directory = "slow:1";
	ck_assert_int_eq(apply_to(old, &record), 0);
	record.directory = "fast:1";
	record.compression = COMPRESSION_ZSTD;
	record.rate = 900;
	ck_assert_int_eq(apply_to(old, &record), 0);
	ck_assert_int_eq(ledger_snapshot(old, &web, apply_to, new), 0);
	/* One stop elsewhere does not undo what was learned. */
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_NONE, "slow:1")->n, 2);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_ZSTD, "slow:1")->n, 0);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_NONE, "fast:1")->n, 0);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_ZSTD, "fast:1")->rates[0], 900);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_ZSTD, NULL)->rates[0], 900);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_NONE, "new:1")->n, 0);
	/* Those that were used last are kept. */
	record.directory = directory;
	for (int i = 0; i < PACED_MAX - 1; i++) {
		snprintf(directory, sizeof(directory), "other:%d", i);
		ck_assert_int_eq(apply_to(new, &record), 0);
	}
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_ZSTD, "other:0")->n, 1);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_ZSTD, "fast:1")->n, 1);
	ck_assert_uint_eq(ledger_paces(new, COMPRESSION_NONE, "slow:1")->n, 0);
}
END_TEST

SUITE("ledger-snapshot", what_is_doubted_and_the_latest_domain_are_so_when_the_file_is_written_anew,
      what_was_seen_of_a_clone_places_no_guest_when_the_file_is_written_anew,
      a_life_of_another_uuid_follows_an_image_of_a_name_that_its_guest_had_before,
      a_life_of_another_uuid_ends_a_departure_and_goes_on_doing_so,
      a_guest_that_was_found_suspended_is_so_when_the_file_is_written_anew,
      what_outlives_an_image_does_so_when_the_file_is_written_anew,
      a_life_of_another_uuid_follows_what_was_saved_before_it_and_nothing_else,
      the_domain_that_a_stop_left_is_known_when_the_file_is_written_anew,
      the_time_of_a_failure_is_so_when_the_file_is_written_anew,
      a_start_that_was_refused_is_forgotten_when_the_guest_runs,
      that_nobody_asked_it_to_shut_down_is_so_when_the_file_is_written_anew,
      the_pace_of_each_kind_of_image_is_kept_for_itself,
      how_fast_another_disk_is_tells_nothing_of_this_one);
