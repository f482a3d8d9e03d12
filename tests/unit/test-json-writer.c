/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "wire/json-writer.h"

/* The text of {"w": VALUE}. */
static const char *text_of(struct json_writer *w, struct json_object *in)
{
	ck_assert_int_eq(json_add(in, "w", json_writer_take(w)), 0);
	return json_text(in, NULL);
}

START_TEST(members_and_elements_are_separated)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct uuid uuid = {.bytes = {[15] = 7}};
	struct json_writer w = {0};

	json_writer_begin_array(&w);
	json_writer_begin_object(&w);
	json_writer_end_object(&w);
	json_writer_begin_object(&w);
	json_writer_string(&w, "missing", NULL);
	json_writer_string(&w, "name", "web[");
	json_writer_bool(&w, "yes", true);
	json_writer_bool(&w, "no", false);
	json_writer_u64(&w, "number", UINT64_MAX);
	json_writer_uuid(&w, "uuid", &uuid);
	json_writer_begin_list(&w, "texts");
	json_writer_element(&w, "a[");
	json_writer_element(&w, "b");
	json_writer_end_array(&w);
	json_writer_begin_member(&w, "inner");
	json_writer_bool(&w, "yes", true);
	json_writer_end_object(&w);
	json_writer_end_object(&w);
	json_writer_begin_array(&w);
	json_writer_end_array(&w);
	json_writer_end_array(&w);
	ck_assert_str_eq(text_of(&w, o), "{\"w\":[{},{\"name\":\"web[\",\"yes\":true,\"no\":false,"
					 "\"number\":18446744073709551615,"
					 "\"uuid\":\"00000000-0000-0000-0000-000000000007\","
					 "\"texts\":[\"a[\",\"b\"],\"inner\":{\"yes\":true}},[]]}");
}
END_TEST

/* What the text of an object is read from can be of either. */
START_TEST(each_byte_is_written_as_in_the_text_of_an_object)
{
	for (unsigned i = 1; i < 256; i++) {
		_cleanup_json_ struct json_object *written = json_object_new_object();
		_cleanup_json_ struct json_object *o = json_object_new_object();
		_cleanup_json_ struct json_object *inner = json_object_new_object();
		char text[] = {'a', (char)i, 'b', '\0'};
		struct json_writer w = {0};

		json_writer_begin_object(&w);
		json_writer_string(&w, text, text);
		json_writer_end_object(&w);
		ck_assert_int_eq(json_add_string(inner, text, text), 0);
		ck_assert_int_eq(json_add(o, "w", TAKE_PTR(inner)), 0);
		ck_assert_str_eq(text_of(&w, written), json_text(o, NULL));
	}
}
END_TEST

START_TEST(a_long_list_is_whole)
{
	_cleanup_json_ struct json_object *o = json_object_new_object(), *read = NULL;
	struct json_writer w = {0};
	struct json_object *list;
	const char *text;
	size_t length;

	json_writer_begin_array(&w);
	for (unsigned i = 0; i < 10000; i++) {
		json_writer_begin_object(&w);
		json_writer_u64(&w, "n", i);
		json_writer_string(&w, "text", "\x01\x02\x03 \"quoted\" \n");
		json_writer_end_object(&w);
	}
	json_writer_end_array(&w);
	text_of(&w, o);
	text = json_text(o, &length);
	ck_assert_int_eq(json_parse(text, length, &read), 0);
	list = json_get(read, "w", json_type_array);
	ck_assert_ptr_nonnull(list);
	ck_assert_uint_eq(json_object_array_length(list), 10000);
	for (unsigned i = 0; i < 10000; i++) {
		struct json_object *element = json_object_array_get_idx(list, i);
		uint64_t n;

		ck_assert_int_eq(json_get_u64(element, "n", &n), 0);
		ck_assert_uint_eq(n, i);
		ck_assert_str_eq(json_get_string(element, "text"), "\x01\x02\x03 \"quoted\" \n");
	}
}
END_TEST

START_TEST(a_writer_is_empty_once_its_value_is_taken)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct json_writer w = {0};

	json_writer_begin_array(&w);
	json_writer_end_array(&w);
	ck_assert_str_eq(text_of(&w, o), "{\"w\":[]}");
	ck_assert_uint_eq(w.size, 0);
	ck_assert_ptr_null(w.text);
	json_writer_begin_object(&w);
	json_writer_done(&w);
	ck_assert_ptr_null(w.text);
}
END_TEST

SUITE("json-writer", members_and_elements_are_separated,
      each_byte_is_written_as_in_the_text_of_an_object, a_long_list_is_whole,
      a_writer_is_empty_once_its_value_is_taken);
