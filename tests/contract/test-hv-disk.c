/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sys/stat.h>
#include <unistd.h>

#include "rig-hv.h"
#include "util/fd.h"
#include "util/str.h"

/* The clauses of hv.h about surveys and images. */

/* More than any side takes at a time. */
#define MANY 20

START_TEST(survey_reads_the_directory_of_configurations)
{
	const struct survey_config *c = find_config();

	ck_assert_ptr_nonnull(c);
	ck_assert_ptr_null(c->error);
	ck_assert_ptr_nonnull(c->config);
	ck_assert(!c->has_uuid);
}
END_TEST

START_TEST(survey_reads_the_directory_of_images)
{
	ck_assert_ptr_null(find_image());
	boot_guest();
	ck_assert_int_eq(operate_on_guest(OPERATION_SAVE), 0);
	ck_assert_ptr_nonnull(find_image());
	ck_assert_str_eq(find_image()->name, GUEST);
	ck_assert_ptr_null(find_image()->error);
	ck_assert_uint_gt(find_image()->size, 0);
}
END_TEST

START_TEST(survey_takes_null_for_either_directory)
{
	ck_assert_int_eq(begin_survey(NULL, fx.save, NULL), 0);
	wait_until(has_survey);
	ck_assert_ptr_nonnull(fx.survey);
	ck_assert_uint_eq(fx.survey->n_configs, 0);
	ck_assert_int_eq(begin_survey(fx.autostart, NULL, NULL), 0);
	wait_until(has_survey);
	ck_assert_ptr_nonnull(fx.survey);
	ck_assert_uint_gt(fx.survey->n_configs, 0);
	ck_assert_uint_eq(fx.survey->n_images, 0);
}
END_TEST

/* What was not parsed again has what it was known to have. */
START_TEST(survey_does_not_parse_what_is_known_with_the_same_stamp)
{
	struct survey *known;
	struct survey_config *c;

	ck_assert_ptr_nonnull(find_config());
	known = TAKE_PTR(fx.survey);
	c = &known->configs[0];
	for (size_t i = 0; i < known->n_configs; i++)
		if (str_equal(known->configs[i].name, GUEST))
			c = &known->configs[i];
	/* What is simulated has no file that could be parsed. */
	if (c->stamp) {
		c->memory_kib = 4711;
		ck_assert_int_eq(begin_survey(fx.autostart, fx.save, known), 0);
		wait_until(has_survey);
		ck_assert_uint_eq(survey_find_config(fx.survey, c->path)->memory_kib, 4711);
		ck_assert_int_eq(str_replace(&c->stamp, "another"), 0);
		ck_assert_int_eq(begin_survey(fx.autostart, fx.save, known), 0);
		wait_until(has_survey);
		ck_assert_uint_ne(survey_find_config(fx.survey, c->path)->memory_kib, 4711);
	}
	survey_free(known);
}
END_TEST

START_TEST(survey_is_current_until_something_that_it_has_read_changes)
{
	_cleanup_free_ char *path = NULL;

	ck_assert(!hv_survey_is_current(fx.hv));
	ck_assert_ptr_nonnull(find_config());
	ck_assert(hv_survey_is_current(fx.hv));
	/* It has no directories but for images, which come and go with operations. */
	if (is_on("sim"))
		return;
	ck_assert_int_eq(str_format(&path, "%s/new", fx.save), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert(!hv_survey_is_current(fx.hv));
	ck_assert_ptr_nonnull(find_config());
	ck_assert(hv_survey_is_current(fx.hv));
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert(!hv_survey_is_current(fx.hv));
}
END_TEST

static bool has_changed(struct fixture *f)
{
	return f->changes > 0;
}

START_TEST(changed_comes_when_a_watched_survey_is_not_current_any_more)
{
	_cleanup_free_ char *path = NULL;

	/* Its directories change with operations only, of which it is told. */
	if (is_on("sim"))
		return;
	hv_watch_survey(fx.hv);
	ck_assert_ptr_nonnull(find_config());
	hv_watch_survey(fx.hv);
	hv_watch_survey(fx.hv);
	fx.changes = 0;
	ck_assert_int_eq(str_format(&path, "%s/new", fx.save), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	wait_until(has_changed);
	ck_assert(!hv_survey_is_current(fx.hv));
	ck_assert_int_eq(rmdir(path), 0);
}
END_TEST

START_TEST(survey_is_current_until_an_image_comes_or_goes)
{
	boot_guest();
	ck_assert_ptr_null(find_image());
	ck_assert(hv_survey_is_current(fx.hv));
	ck_assert_int_eq(operate_on_guest(OPERATION_SAVE), 0);
	ck_assert(!hv_survey_is_current(fx.hv));
	ck_assert_ptr_nonnull(find_image());
	ck_assert(hv_survey_is_current(fx.hv));
	ask_image(IMAGE_DELETE, GUEST);
	ck_assert(!hv_survey_is_current(fx.hv));
}
END_TEST

START_TEST(survey_is_ebusy_while_one_is_under_way)
{
	ck_assert_int_eq(begin_survey(fx.autostart, fx.save, NULL), 0);
	ck_assert_int_eq(begin_survey(fx.autostart, fx.save, NULL), -EBUSY);
	wait_until(has_survey);
	ck_assert_uint_eq(fx.surveys, 1);
}
END_TEST

START_TEST(a_survey_that_fails_is_null_with_its_reason)
{
	if (!has_broken_worker())
		return;
	ck_assert_int_eq(begin_survey(fx.autostart, fx.save, NULL), 0);
	wait_until(has_survey);
	ck_assert_ptr_null(fx.survey);
	ck_assert_ptr_nonnull(fx.reason);
}
END_TEST

START_TEST(surveyed_is_null_unless_a_survey_is_under_way)
{
	ck_assert_ptr_null(hv_surveyed(fx.hv));
	ck_assert_ptr_nonnull(find_config());
	ck_assert_ptr_null(hv_surveyed(fx.hv));
	if (!has_broken_worker())
		return;
	ck_assert_int_eq(begin_survey(fx.autostart, fx.save, NULL), 0);
	wait_until(has_survey);
	ck_assert_ptr_null(hv_surveyed(fx.hv));
}
END_TEST

/* Images. */

static void save_guest(void)
{
	boot_guest();
	ck_assert_int_eq(operate_on_guest(OPERATION_SAVE), 0);
}

START_TEST(ask_images_tells_objects_as_the_api_has_them)
{
	const char *said;

	save_guest();
	said = ask_image(IMAGE_LIST, NULL);
	ck_assert_msg(strstr(said, "\"kind\":\"image\"") &&
			      strstr(said, "\"name\":\"" GUEST "\"") && !strstr(said, "problem"),
		      "%s", said);
}
END_TEST

START_TEST(ask_images_verifies_one)
{
	const char *said;

	save_guest();
	said = ask_image(IMAGE_VERIFY, GUEST);
	ck_assert_msg(strstr(said, "\"verified\":true"), "%s", said);
}
END_TEST

START_TEST(ask_images_tells_the_progress_of_one_that_is_read_to_who_wants_it)
{
	struct image_query query = {.action = IMAGE_VERIFY, .save = fx.save, .file = GUEST};
	struct hv_asker asker = {.answered = on_images, .data = &fx};
	uint64_t id;

	save_guest();
	ask_image(IMAGE_LIST, NULL);
	ask_image(IMAGE_VERIFY, "none");
	ck_assert_uint_eq(fx.readings, 0);
	ask_image(IMAGE_VERIFY, GUEST);
	ck_assert_uint_gt(fx.readings, 0);
	fx.answers = 0;
	ck_assert_int_eq(hv_ask_images(fx.hv, &query, &asker, &id), 0);
	wait_until(is_answered);
}
END_TEST

START_TEST(ask_images_deletes_one)
{
	const char *said;

	save_guest();
	said = ask_image(IMAGE_DELETE, "none");
	ck_assert_msg(strstr(said, "problem") && strstr(said, "\"missing\":true") &&
			      !strstr(said, "deleted"),
		      "%s", said);
	ck_assert_ptr_nonnull(find_image());
	said = ask_image(IMAGE_DELETE, GUEST);
	ck_assert_msg(strstr(said, "\"deleted\":true"), "%s", said);
	ck_assert_ptr_null(find_image());
}
END_TEST

START_TEST(ask_images_copies_the_query)
{
	char file[] = "none";
	uint64_t id;

	ck_assert_int_eq(begin_question(IMAGE_VERIFY, file, &id), 0);
	memset(file, 'x', strlen(file));
	wait_until(is_answered);
	ck_assert_msg(fx.said && strstr(fx.said, "\"file\":\"none\""), "%s", fx.said);
}
END_TEST

START_TEST(an_answer_that_fails_is_null_with_its_reason)
{
	uint64_t id;

	if (!has_broken_worker())
		return;
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	wait_until(is_answered);
	ck_assert_ptr_null(fx.said);
}
END_TEST

static unsigned asked;

static bool all_answered(struct fixture *f)
{
	return f->answers == asked;
}

START_TEST(ask_images_is_eusers_where_too_much_is_being_asked_and_answers_the_others)
{
	int r = 0;

	for (uint64_t id; r == 0 && asked < MANY; asked += r == 0)
		r = begin_question(IMAGE_VERIFY, "none", &id);
	/* A simulation never has too much to do. */
	ck_assert_int_eq(r, is_on("sim") ? 0 : -EUSERS);
	ck_assert_uint_gt(asked, 0);
	wait_until(all_answered);
}
END_TEST

/* Asks as often as that is taken. */
static void fill_places(enum image_action action)
{
	int r = 0;

	for (uint64_t id; r == 0 && asked < MANY; asked += r == 0)
		r = begin_question(action, action == IMAGE_LIST ? NULL : "none", &id);
}

START_TEST(ask_images_has_places_for_each_action_and_for_root)
{
	uint64_t id;

	asked = 0;
	fill_places(IMAGE_VERIFY);
	ck_assert_int_eq(begin_question(IMAGE_DELETE, "none", &id), 0);
	asked++;
	fill_places(IMAGE_DELETE);
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	fx.is_root = true;
	ck_assert_int_eq(begin_question(IMAGE_VERIFY, "none", &id), 0);
	ck_assert_int_eq(begin_question(IMAGE_DELETE, "none", &id), 0);
	asked += 3;
	wait_until(all_answered);
}
END_TEST

/* Of ours: those that have not been reaped count as well. */
static unsigned count_children(void)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	unsigned n = 0;

	ck_assert_int_eq(str_format(&path, "/proc/self/task/%d/children", (int)getpid()), 0);
	ck_assert_int_eq(file_read(path, 1U << 16, &text, NULL), 0);
	for (const char *c = text; *c; c++)
		n += *c == ' ';
	return n;
}

START_TEST(ask_images_has_one_list_made_for_all_who_ask_and_leaves_others_their_places)
{
	unsigned before = count_children();
	uint64_t id;

	for (asked = 0; asked < MANY; asked++)
		ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	ck_assert_uint_le(count_children(), before + 1);
	ck_assert_int_eq(begin_question(IMAGE_VERIFY, "none", &id), 0);
	asked++;
	wait_until(all_answered);
}
END_TEST

START_TEST(forget_images_leaves_others_who_asked_for_the_same_their_answer)
{
	uint64_t id;

	for (asked = 0; asked < 3; asked++)
		ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	hv_forget_images(fx.hv, id);
	asked--;
	wait_until(all_answered);
	/* Where all are gone that have waited, the next one is none of them. */
	fx.answers = 0;
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	hv_forget_images(fx.hv, id);
	asked = 1;
	wait_until(all_answered);
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &id), 0);
	asked = 2;
	wait_until(all_answered);
}
END_TEST

static void on_forgotten(void *data _unused_, struct json_object *entries _unused_,
			 const char *reason _unused_)
{
	ck_abort_msg("an answer that was not wanted any more");
}

START_TEST(forget_images_has_the_answer_not_come)
{
	struct image_query query = {.action = IMAGE_LIST, .save = fx.save};
	struct hv_asker asker = {.answered = on_forgotten};
	uint64_t id, other;

	ck_assert_int_eq(hv_ask_images(fx.hv, &query, &asker, &id), 0);
	hv_forget_images(fx.hv, id);
	/* Others are answered. */
	ck_assert_int_eq(begin_question(IMAGE_LIST, NULL, &other), 0);
	ck_assert_uint_ne(other, id);
	wait_until(is_answered);
	ck_assert_ptr_nonnull(find_config());
}
END_TEST

void add_disk_clauses(TCase *tests)
{
	tcase_add_test(tests, survey_reads_the_directory_of_configurations);
	tcase_add_test(tests, survey_reads_the_directory_of_images);
	tcase_add_test(tests, survey_takes_null_for_either_directory);
	tcase_add_test(tests, survey_does_not_parse_what_is_known_with_the_same_stamp);
	tcase_add_test(tests, survey_is_current_until_something_that_it_has_read_changes);
	tcase_add_test(tests, changed_comes_when_a_watched_survey_is_not_current_any_more);
	tcase_add_test(tests, survey_is_current_until_an_image_comes_or_goes);
	tcase_add_test(tests, survey_is_ebusy_while_one_is_under_way);
	tcase_add_test(tests, a_survey_that_fails_is_null_with_its_reason);
	tcase_add_test(tests, surveyed_is_null_unless_a_survey_is_under_way);
	tcase_add_test(tests, ask_images_tells_objects_as_the_api_has_them);
	tcase_add_test(tests, ask_images_verifies_one);
	tcase_add_test(tests, ask_images_tells_the_progress_of_one_that_is_read_to_who_wants_it);
	tcase_add_test(tests, ask_images_deletes_one);
	tcase_add_test(tests, ask_images_copies_the_query);
	tcase_add_test(tests, an_answer_that_fails_is_null_with_its_reason);
	tcase_add_test(tests,
		       ask_images_is_eusers_where_too_much_is_being_asked_and_answers_the_others);
	tcase_add_test(tests, ask_images_has_places_for_each_action_and_for_root);
	tcase_add_test(tests,
		       ask_images_has_one_list_made_for_all_who_ask_and_leaves_others_their_places);
	tcase_add_test(tests, forget_images_has_the_answer_not_come);
	tcase_add_test(tests, forget_images_leaves_others_who_asked_for_the_same_their_answer);
}
