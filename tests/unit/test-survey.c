/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/survey.h"
#include "unit.h"

static void add_config(struct survey *s, const char *path)
{
	struct survey_config c = {.path = strdup(path), .name = strdup("x")};

	ck_assert_int_eq(survey_add_config(s, &c), 0);
	/* It was taken over. */
	ck_assert_ptr_null(c.path);
}

static void add_image(struct survey *s, const char *path)
{
	struct survey_image i = {.path = strdup(path), .name = strdup("x")};

	ck_assert_int_eq(survey_add_image(s, &i), 0);
	ck_assert_ptr_null(i.path);
}

START_TEST(files_are_sorted_by_path)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	survey_sort(s);
	add_config(s, "/auto/b");
	add_config(s, "/auto/10");
	add_config(s, "/auto/a");
	add_image(s, "/save/z");
	add_image(s, "/save/y");
	survey_sort(s);
	ck_assert_str_eq(s->configs[0].path, "/auto/10");
	ck_assert_str_eq(s->configs[1].path, "/auto/a");
	ck_assert_str_eq(s->configs[2].path, "/auto/b");
	ck_assert_str_eq(s->images[0].path, "/save/y");
	ck_assert_str_eq(s->images[1].path, "/save/z");
}
END_TEST

START_TEST(a_file_is_found_by_its_path)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));

	ck_assert_ptr_null(survey_find_config(s, "/auto/a"));
	add_config(s, "/auto/b");
	add_config(s, "/auto/a");
	survey_sort(s);
	ck_assert_ptr_eq(survey_find_config(s, "/auto/a"), &s->configs[0]);
	ck_assert_ptr_eq(survey_find_config(s, "/auto/b"), &s->configs[1]);
	ck_assert_ptr_null(survey_find_config(s, "/auto"));
}
END_TEST

START_TEST(notes_are_copied_and_kept_in_order)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	char note[] = "first";

	ck_assert_int_eq(survey_add_note(s, note), 0);
	note[0] = 'x';
	ck_assert_int_eq(survey_add_note(s, "second"), 0);
	ck_assert_uint_eq(s->n_notes, 2);
	ck_assert_str_eq(s->notes[0], "first");
	ck_assert_str_eq(s->notes[1], "second");
	survey_free(NULL);
}
END_TEST

START_TEST(what_vanished_is_noted_once)
{
	_cleanup_(vanished_list_done) struct vanished_list l = {0};
	struct uuid a = {.bytes = {1}}, b = {.bytes = {2}};

	vanished_list_add(&l, &a, "web");
	vanished_list_add(&l, &a, "web");
	ck_assert_uint_eq(l.n, 1);
	vanished_list_add(&l, &b, "web");
	ck_assert_uint_eq(l.n, 2);
}
END_TEST

START_TEST(what_vanished_may_have_been_any_once_it_is_too_much)
{
	_cleanup_(vanished_list_done) struct vanished_list l = {0};
	struct uuid uuid = {0};

	for (unsigned i = 0; i < 2 * VANISHED_MAX; i++) {
		memcpy(&uuid, &i, sizeof(i));
		vanished_list_add(&l, &uuid, "web");
		ck_assert_uint_eq(l.n, i < VANISHED_MAX ? i + 1 : 0);
		ck_assert_int_eq(l.incomplete, i >= VANISHED_MAX);
	}
	/* The next survey begins a new one. */
	vanished_list_done(&l);
	vanished_list_add(&l, &uuid, "web");
	ck_assert_uint_eq(l.n, 1);
	ck_assert(!l.incomplete);
}
END_TEST

SUITE("survey", files_are_sorted_by_path, a_file_is_found_by_its_path,
      notes_are_copied_and_kept_in_order, what_vanished_is_noted_once,
      what_vanished_may_have_been_any_once_it_is_too_much);
