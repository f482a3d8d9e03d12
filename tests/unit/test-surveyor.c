/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

#include "hv/survey.h"
#include "unit.h"
#include "util/fd.h"
#include "util/str.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

/* What one message does to a survey. */

static int take(struct survey *s, const struct survey *known, const char *text)
{
	return survey_take_message(s, known, text, strlen(text));
}

START_TEST(a_configuration_is_taken_with_all_it_says)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	const struct survey_config *c;

	ck_assert_int_eq(take(s, NULL,
			      "{\"configuration\":{\"path\":\"/a\",\"stamp\":\"1\","
			      "\"name\":\"web\",\"config\":\"{}\",\"uuid\":\"" UUID "\","
			      "\"memory_kib\":42}}"),
			 0);
	ck_assert_int_eq(take(s, NULL, "{\"configuration\":{\"path\":\"/b\",\"error\":\"bad\"}}"),
			 0);
	ck_assert_uint_eq(s->n_configs, 2);
	c = &s->configs[0];
	ck_assert_str_eq(c->path, "/a");
	ck_assert_str_eq(c->stamp, "1");
	ck_assert_str_eq(c->name, "web");
	ck_assert_str_eq(c->config, "{}");
	ck_assert(c->has_uuid);
	ck_assert_str_eq(UUID_TEXT(&c->uuid), UUID);
	ck_assert_uint_eq(c->memory_kib, 42);
	ck_assert_ptr_null(c->error);
	ck_assert_str_eq(s->configs[1].error, "bad");
	ck_assert(!s->configs[1].has_uuid);
}
END_TEST

START_TEST(an_image_is_taken_with_all_it_says)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	const struct survey_image *i;

	ck_assert_int_eq(take(s, NULL,
			      "{\"image\":{\"path\":\"/s\",\"name\":\"web\",\"uuid\":\"" UUID
			      "\",\"id\":\"" UUID "\",\"size\":7,\"written_usec\":8}}"),
			 0);
	ck_assert_int_eq(take(s, NULL,
			      "{\"image\":{\"path\":\"/t\",\"name\":\"t\",\"error\":\"bad\","
			      "\"foreign\":true}}"),
			 0);
	ck_assert_uint_eq(s->n_images, 2);
	i = &s->images[0];
	ck_assert_str_eq(i->path, "/s");
	ck_assert_str_eq(i->name, "web");
	ck_assert_str_eq(UUID_TEXT(&i->uuid), UUID);
	ck_assert_str_eq(UUID_TEXT(&i->id), UUID);
	ck_assert_uint_eq(i->size, 7);
	ck_assert_uint_eq(i->written_wall, 8);
	ck_assert(!i->foreign && !i->error);
	ck_assert(s->images[1].foreign);
	ck_assert(uuid_is_null(&s->images[1].uuid));
}
END_TEST

START_TEST(notes_are_taken_and_the_end_is_told)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(take(s, NULL, "{\"note\":\"x\"}"), 0);
	ck_assert_uint_eq(s->n_notes, 1);
	ck_assert_int_eq(take(s, NULL, "{\"dangling\":\"/auto/a\"}"), 0);
	ck_assert_uint_eq(s->n_dangling, 1);
	ck_assert_str_eq(s->dangling[0], "/auto/a");
	ck_assert_int_eq(take(s, NULL, "{\"end\":true}"), 1);
}
END_TEST

START_TEST(a_folder_that_cannot_be_read_is_told_from_a_file)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(
		take(s, NULL, "{\"configuration\":{\"path\":\"/auto/a\",\"error\":\"x\"}}"), 0);
	ck_assert(!s->unlisted);
	ck_assert_int_eq(take(s, NULL,
			      "{\"configuration\":{\"path\":\"/auto\",\"error\":\"x\","
			      "\"folder\":true}}"),
			 0);
	ck_assert(s->unlisted);
	ck_assert_uint_eq(s->n_configs, 2);
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_not_known_to_be_empty)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(take(s, NULL, "{\"unlisted\":false}"), -EBADMSG);
	ck_assert(!s->unlisted);
	ck_assert_int_eq(take(s, NULL, "{\"unlisted\":true}"), 0);
	ck_assert(s->unlisted);
	ck_assert_uint_eq(s->n_configs, 0);
}
END_TEST

START_TEST(what_is_unchanged_comes_from_what_is_known)
{
	_cleanup_(survey_freep) struct survey *known = calloc(1, sizeof(*known));
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(take(known, NULL,
			      "{\"configuration\":{\"path\":\"/a\",\"stamp\":\"1\","
			      "\"name\":\"web\",\"config\":\"{}\",\"uuid\":\"" UUID "\","
			      "\"memory_kib\":42}}"),
			 0);
	ck_assert_int_eq(
		take(known, NULL, "{\"configuration\":{\"path\":\"/b\",\"error\":\"bad\"}}"), 0);
	ck_assert_int_eq(take(s, known,
			      "{\"configuration\":{\"path\":\"/a\",\"stamp\":\"1\","
			      "\"unchanged\":true}}"),
			 0);
	ck_assert_int_eq(take(s, known, "{\"configuration\":{\"path\":\"/b\",\"unchanged\":true}}"),
			 0);
	ck_assert_str_eq(s->configs[0].name, "web");
	ck_assert_str_eq(s->configs[0].config, "{}");
	ck_assert(s->configs[0].has_uuid);
	ck_assert_str_eq(UUID_TEXT(&s->configs[0].uuid), UUID);
	ck_assert_uint_eq(s->configs[0].memory_kib, 42);
	ck_assert_str_eq(s->configs[1].error, "bad");
	/* What is not known cannot be unchanged. */
	ck_assert_int_eq(take(s, known, "{\"configuration\":{\"path\":\"/c\",\"unchanged\":true}}"),
			 -EBADMSG);
	ck_assert_int_eq(take(s, NULL, "{\"configuration\":{\"path\":\"/a\",\"unchanged\":true}}"),
			 -EBADMSG);
	ck_assert_uint_eq(s->n_configs, 2);
}
END_TEST

START_TEST(what_is_pending_is_replaced_by_what_comes)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(take(s, NULL,
			      "{\"configuration\":{\"path\":\"/a\",\"error\":\"x\","
			      "\"pending\":true}}"),
			 0);
	ck_assert_int_eq(take(s, NULL,
			      "{\"image\":{\"path\":\"/i\",\"name\":\"i\",\"error\":\"x\","
			      "\"pending\":true}}"),
			 0);
	ck_assert_int_eq(take(s, NULL, "{\"told\":\"configurations\"}"), 0);
	ck_assert(s->configs_told && !s->images_told);
	ck_assert_int_eq(take(s, NULL, "{\"told\":\"images\"}"), 0);
	ck_assert(s->images_told);
	ck_assert(s->configs[0].pending && s->images[0].pending);
	ck_assert_int_eq(take(s, NULL,
			      "{\"configuration\":{\"path\":\"/a\",\"name\":\"web\","
			      "\"config\":\"{}\"}}"),
			 0);
	ck_assert_int_eq(take(s, NULL,
			      "{\"image\":{\"path\":\"/i\",\"name\":\"web\",\"uuid\":\"" UUID
			      "\"}}"),
			 0);
	ck_assert_uint_eq(s->n_configs, 1);
	ck_assert_uint_eq(s->n_images, 1);
	ck_assert_str_eq(s->configs[0].name, "web");
	ck_assert_str_eq(s->images[0].name, "web");
	ck_assert(!s->configs[0].pending && !s->images[0].pending);
}
END_TEST

START_TEST(a_reader_that_hangs_is_remembered)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_int_eq(take(s, NULL, "{\"stuck\":{\"path\":\"/a\",\"reader\":\"1 2\"}}"), 0);
	ck_assert_uint_eq(s->n_stuck, 1);
	ck_assert_str_eq(s->stuck[0].path, "/a");
	ck_assert_str_eq(s->stuck[0].reader, "1 2");
}
END_TEST

START_TEST(a_message_that_says_too_little_is_refused)
{
	static const char *const bad[] = {
		"",
		"{}",
		"{\"end\":false}",
		"{\"note\":1}",
		"{\"told\":\"x\"}",
		"{\"stuck\":{\"path\":\"/a\"}}",
		"{\"stuck\":{\"reader\":\"1 2\"}}",
		"{\"configuration\":1}",
		"{\"configuration\":{}}",
		"{\"configuration\":{\"path\":\"/a\"}}",
		"{\"configuration\":{\"path\":\"/a\",\"name\":\"x\"}}",
		"{\"configuration\":{\"path\":\"/a\",\"config\":\"{}\"}}",
		"{\"image\":{}}",
		"{\"image\":{\"path\":\"/a\",\"name\":\"x\"}}",
		"{\"image\":{\"path\":\"/a\",\"uuid\":\"" UUID "\"}}",
		"{\"image\":{\"name\":\"x\",\"error\":\"y\"}}",
	};
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ck_assert_msg(take(s, NULL, bad[i]) == -EBADMSG, "taken: %s", bad[i]);
	ck_assert_uint_eq(s->n_configs + s->n_images + s->n_notes, 0);
}
END_TEST

/* Surveys with a worker that is a script. */

static struct {
	struct folder folder;
	struct loop *loop;
	struct program worker;
	struct surveyor *surveyor;
	struct survey *survey;
	char reason[200];
	unsigned answers, wanted;
	bool again;
	int begun; /* what the one that began in the callback came to */
} f;

static void on_surveyed(void *data, struct survey *survey, const char *reason)
{
	ck_assert_ptr_eq(data, &f);
	survey_free(f.survey);
	f.survey = survey;
	ck_assert_int_eq(!survey, !!reason);
	snprintf(f.reason, sizeof(f.reason), "%s", reason ? reason : "");
	f.answers++;
	if (f.again) {
		f.again = false;
		f.begun = surveyor_begin(f.surveyor, "/auto", NULL, f.survey);
	}
	if (f.answers == f.wanted)
		loop_exit(f.loop, 0);
}

static void on_limit(void *data _unused_)
{
	loop_exit(f.loop, -ETIMEDOUT);
}

/* The worker keeps its request in a file; what it prints to descriptor 4 is its answer. */
static void open_surveyor(const char *script)
{
	char text[1000];

	memset(&f, 0, sizeof(f));
	folder_make(&f.folder);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\ndd bs=10000 count=1 <&4 >\"${0%%worker}request\" 2>/dev/null\n%s\n",
		 script);
	folder_write(&f.folder, "worker", text);
	ck_assert_int_eq(chmod(folder_path(&f.folder, "worker"), 0700), 0);
	ck_assert_int_eq(loop_new(&f.loop), 0);
	/* By its name, which the script makes use of. */
	f.worker = (struct program){.path = (char *)folder_path(&f.folder, "worker"), .fd = -1};
	ck_assert_int_eq(
		surveyor_new(f.loop, &f.worker,
			     &(struct surveyor_callbacks){.surveyed = on_surveyed, .data = &f},
			     &f.surveyor),
		0);
}

static void close_surveyor(void)
{
	surveyor_free(f.surveyor);
	survey_free(f.survey);
	loop_free(f.loop);
	folder_remove(&f.folder);
}

static void wait_for_answers(unsigned wanted)
{
	_cleanup_(timer_freep) struct timer *limit = NULL;

	f.wanted = wanted;
	ck_assert_int_eq(timer_new(f.loop, on_limit, NULL, &limit), 0);
	timer_set_after(limit, 60 * USEC_PER_SEC);
	ck_assert_int_eq(loop_run(f.loop), 0);
}

#define END "printf '{\"end\":true}\\0' >&4"

START_TEST(what_the_worker_says_is_sorted_and_handed_over)
{
	open_surveyor(
		"printf '{\"configuration\":{\"path\":\"/b\",\"error\":\"x\"}}\\0' >&4\n"
		"printf '{\"configuration\":{\"path\":\"/a\",\"error\":\"x\"}}\\0' >&4\n" END);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", "/save", NULL), 0);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", "/save", NULL), -EBUSY);
	wait_for_answers(1);
	ck_assert_uint_eq(f.survey->n_configs, 2);
	ck_assert_str_eq(f.survey->configs[0].path, "/a");
	close_surveyor();
}
END_TEST

START_TEST(the_worker_is_told_the_folders_and_what_is_known)
{
	_cleanup_(survey_freep) struct survey *known = calloc(1, sizeof(*known));
	struct survey_config c = {.path = strdup("/auto/a"), .stamp = strdup("s1")};
	struct survey_config failed = {
		.path = strdup("/auto/b"), .stamp = strdup("s2"), .error = strdup("x")};
	static const char asked[] = "{\"known\":\"/auto/a\",\"stamp\":\"s1\"}\0"
				    "{\"stuck\":\"/auto/c\",\"reader\":\"7 8\"}\0"
				    "{\"autostart\":\"/auto\",\"save\":\"/save\"}\0";
	_cleanup_free_ char *request = NULL;
	size_t size;

	ck_assert_int_eq(survey_add_config(known, &c), 0);
	ck_assert_int_eq(survey_add_config(known, &failed), 0);
	ck_assert_int_eq(survey_add_stuck(known, "/auto/c", "7 8"), 0);
	open_surveyor(END);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", "/save", known), 0);
	wait_for_answers(1);
	ck_assert_int_eq(file_read(folder_path(&f.folder, "request"), 10000, &request, &size), 0);
	ck_assert_uint_eq(size, sizeof(asked) - 1);
	ck_assert_mem_eq(request, asked, size);
	close_surveyor();
}
END_TEST

START_TEST(the_next_survey_can_begin_in_the_callback_of_the_last)
{
	open_surveyor(END);
	f.again = true;
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), 0);
	wait_for_answers(2);
	ck_assert_int_eq(f.begun, 0);
	ck_assert_ptr_nonnull(f.survey);
	close_surveyor();
}
END_TEST

/* A stamp and a configuration are so long each. */
#define LENGTH 9000

/* How much memory is held when a survey is over. */
static size_t survey_again(const struct survey *known)
{
	unsigned answers = f.answers;

	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, known), 0);
	wait_for_answers(answers + 1);
	ck_assert_uint_eq(strlen(f.survey->configs[0].config), LENGTH);
	return mallinfo2().uordblks;
}

/* Sanitizers have an allocator of their own, which tells of nothing here. */
START_TEST(between_surveys_all_is_in_memory_once)
{
	size_t before, after;

	open_surveyor("printf '{\"configuration\":{\"path\":\"/auto/a\",\"stamp\":\"%09000d\","
		      "\"name\":\"web\",\"config\":\"%09000d\"}}\\0' 0 0 >&4\n" END);
	/* Some of what the first one takes is taken once. */
	survey_again(NULL);
	before = survey_again(NULL);
	survey_again(f.survey);
	after = survey_again(f.survey);
	ck_assert_uint_lt(after, before + LENGTH / 2);
	close_surveyor();
}
END_TEST

START_TEST(a_worker_that_dies_or_talks_nonsense_is_an_error)
{
	static const char *const scripts[] = {
		"exit 0",
		"printf '{\"note\":\"x\"}\\0' >&4; kill -9 $$",
		"printf '{\"end\":true}' >&4",
		("printf 'nonsense\\0' >&4; " END),
	};

	for (size_t i = 0; i < ELEMENTSOF(scripts); i++) {
		open_surveyor(scripts[i]);
		ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), 0);
		wait_for_answers(1);
		ck_assert_ptr_null(f.survey);
		ck_assert(!str_empty(f.reason));
		close_surveyor();
	}
}
END_TEST

START_TEST(a_program_that_is_not_there_is_an_error_at_once)
{
	open_surveyor(END);
	ck_assert_int_eq(remove(folder_path(&f.folder, "worker")), 0);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), -ENOENT);
	close_surveyor();
}
END_TEST

START_TEST(a_folder_that_does_not_answer_is_given_up)
{
	open_surveyor("exec sleep 600");
	loop_set_speed(f.loop, 1000);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), 0);
	f.wanted = 1;
	ck_assert_int_eq(loop_run(f.loop), 0);
	ck_assert_str_ne(f.reason, "");
	close_surveyor();
}
END_TEST

START_TEST(a_worker_that_goes_on_telling_is_not_given_up)
{
	open_surveyor("for i in 1 2 3; do sleep 0.4; printf '{\"note\":\"x\"}\\0' >&4; done\n" END);
	/* The 90 s that it may be silent are 0.9 s then. */
	loop_set_speed(f.loop, 100);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), 0);
	f.wanted = 1;
	ck_assert_int_eq(loop_run(f.loop), 0);
	ck_assert_str_eq(f.reason, "");
	ck_assert_uint_eq(f.survey->n_notes, 3);
	close_surveyor();
}
END_TEST

/* More than a socket takes at once. */
START_TEST(a_long_question_is_asked_to_its_end)
{
	_cleanup_(survey_freep) struct survey *known = calloc(1, sizeof(*known));
	char path[5000] = "/";

	memset(path + 1, 'x', sizeof(path) - 2);
	for (int i = 0; i < 200; i++) {
		struct survey_config c = {.path = strdup(path), .stamp = strdup("s")};

		ck_assert_int_eq(survey_add_config(known, &c), 0);
	}
	open_surveyor("head -c 900000 <&4 >/dev/null\n" END);
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, known), 0);
	wait_for_answers(1);
	ck_assert_str_eq(f.reason, "");
	close_surveyor();
}
END_TEST

START_TEST(a_surveyor_that_is_freed_takes_its_worker_along)
{
	open_surveyor("exec sleep 600");
	ck_assert_int_eq(surveyor_begin(f.surveyor, "/auto", NULL, NULL), 0);
	close_surveyor();
	ck_assert_uint_eq(f.answers, 0);
}
END_TEST

SUITE("surveyor", a_configuration_is_taken_with_all_it_says, an_image_is_taken_with_all_it_says,
      notes_are_taken_and_the_end_is_told, a_folder_that_cannot_be_read_is_told_from_a_file,
      a_folder_that_is_not_there_is_not_known_to_be_empty,
      what_is_unchanged_comes_from_what_is_known, what_is_pending_is_replaced_by_what_comes,
      a_reader_that_hangs_is_remembered, a_message_that_says_too_little_is_refused,
      what_the_worker_says_is_sorted_and_handed_over,
      the_worker_is_told_the_folders_and_what_is_known,
      the_next_survey_can_begin_in_the_callback_of_the_last, between_surveys_all_is_in_memory_once,
      a_worker_that_dies_or_talks_nonsense_is_an_error,
      a_program_that_is_not_there_is_an_error_at_once, a_folder_that_does_not_answer_is_given_up,
      a_worker_that_goes_on_telling_is_not_given_up, a_long_question_is_asked_to_its_end,
      a_surveyor_that_is_freed_takes_its_worker_along);
