/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "unit.h"
#include "wire/json.h"

static struct json_object *parse(const char *text)
{
	struct json_object *o = NULL;

	ck_assert_msg(json_parse(text, strlen(text), &o) == 0, "refused: %s", text);
	return o;
}

START_TEST(an_object_is_taken_blanks_around_it_or_not)
{
	static const char *const good[] = {
		"{}", " {} ", "\n\t{\"a\":1}\r\n", "{\"a\":[1,{\"b\":null}]}", "{\"\":\"\"}",
	};

	for (size_t i = 0; i < ELEMENTSOF(good); i++)
		json_object_put(parse(good[i]));
}
END_TEST

START_TEST(what_is_not_one_object_is_refused)
{
	static const char *const bad[] = {
		"",
		" ",
		"null",
		"1",
		"\"text\"",
		"[]",
		"[{}]",
		"{",
		"{\"a\"",
		"{\"a\":1",
		"{\"a\":1,}",
		"{\"a\":01}",
		"{} {}",
		"{}x",
		"{}]",
		"{\"a\":tru}",
		"{/*}",
		"{\"a\":\"\xff\"}",
		"{\"a\":\"\xc3\"}",
		"{\"\xff\":1}",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		struct json_object *o = NULL;

		ck_assert_msg(json_parse(bad[i], strlen(bad[i]), &o) == -EBADMSG, "taken: %s",
			      bad[i]);
		ck_assert_ptr_null(o);
	}
}
END_TEST

START_TEST(a_nul_byte_behind_or_inside_is_refused)
{
	struct json_object *o = NULL;

	ck_assert_int_eq(json_parse("{}\0", 3, &o), -EBADMSG);
	ck_assert_int_eq(json_parse("{}\0{}", 5, &o), -EBADMSG);
	ck_assert_int_eq(json_parse("{\"a\0\":1}", 8, &o), -EBADMSG);
	ck_assert_ptr_null(o);
}
END_TEST

START_TEST(the_length_counts_and_not_a_terminator)
{
	struct json_object *o = NULL;

	ck_assert_int_eq(json_parse("{}garbage", 2, &o), 0);
	json_object_put(o);
}
END_TEST

/* So many objects inside each other. */
static void nest(char *text, size_t depth)
{
	for (size_t i = 0; i + 1 < depth; i++)
		text += sprintf(text, "{\"a\":");
	text += sprintf(text, "{}");
	for (size_t i = 0; i + 1 < depth; i++)
		text += sprintf(text, "}");
}

START_TEST(what_is_nested_too_deep_is_refused)
{
	struct json_object *o = NULL;
	char text[8192];

	nest(text, JSON_DEPTH_MAX - 1);
	json_object_put(parse(text));
	nest(text, JSON_DEPTH_MAX + 1);
	ck_assert_int_eq(json_parse(text, strlen(text), &o), -EBADMSG);
	nest(text, 1000);
	ck_assert_int_eq(json_parse(text, strlen(text), &o), -EBADMSG);
	ck_assert_ptr_null(o);
}
END_TEST

START_TEST(a_member_of_another_type_is_as_good_as_none)
{
	_cleanup_json_ struct json_object *o = parse(
		"{\"s\":\"x\",\"n\":1,\"b\":true,\"o\":{},\"a\":[],\"z\":null,\"d\":1.5}");
	static const char *const keys[] = {"s", "n", "b", "o", "a", "z", "d", "none"};
	struct uuid uuid;

	for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
		uint64_t number = 4711;

		ck_assert_int_eq(!!json_get_string(o, keys[i]), i == 0);
		ck_assert_int_eq(json_get_u64(o, keys[i], &number), i == 1 ? 0 : -ENOENT);
		ck_assert_uint_eq(number, i == 1 ? 1 : 4711);
		ck_assert_int_eq(json_get_bool(o, keys[i]), i == 2);
		ck_assert_int_eq(!!json_get(o, keys[i], json_type_object), i == 3);
		ck_assert_int_eq(!!json_get(o, keys[i], json_type_array), i == 4);
		ck_assert_int_eq(json_get_uuid(o, keys[i], &uuid), i == 0 ? -EINVAL : -ENOENT);
	}
}
END_TEST

START_TEST(nothing_is_found_in_nothing)
{
	_cleanup_json_ struct json_object *array = json_object_new_array();
	uint64_t number;

	ck_assert_ptr_null(json_get(NULL, "a", json_type_object));
	ck_assert_ptr_null(json_get_string(NULL, "a"));
	ck_assert(!json_get_bool(NULL, "a"));
	ck_assert_int_eq(json_get_u64(NULL, "a", &number), -ENOENT);
	ck_assert_ptr_null(json_get_string(array, "a"));
}
END_TEST

START_TEST(a_string_with_a_nul_in_it_is_not_cut)
{
	_cleanup_json_ struct json_object *o = parse("{\"a\":\"x\\u0000y\"}");

	ck_assert_ptr_null(json_get_string(o, "a"));
}
END_TEST

START_TEST(a_negative_number_is_refused_and_a_large_one_taken)
{
	_cleanup_json_ struct json_object *o = parse(
		"{\"m\":-1,\"z\":0,\"l\":18446744073709551615,\"v\":-99999999999999999999}");
	uint64_t number = 0;

	ck_assert_int_eq(json_get_u64(o, "m", &number), -EINVAL);
	ck_assert_int_eq(json_get_u64(o, "v", &number), -EINVAL);
	ck_assert_int_eq(json_get_u64(o, "z", &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(json_get_u64(o, "l", &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

START_TEST(what_was_added_is_read_again)
{
	_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;
	struct uuid uuid, read;
	uint64_t number;
	size_t length;
	const char *text;

	ck_assert_int_eq(uuid_random(&uuid), 0);
	ck_assert_int_eq(json_add_string(o, "s", "quote \" slash / back \\ line \n"), 0);
	ck_assert_int_eq(json_add_string(o, "none", NULL), 0);
	ck_assert_int_eq(json_add_u64(o, "n", UINT64_MAX), 0);
	ck_assert_int_eq(json_add_bool(o, "b", true), 0);
	ck_assert_int_eq(json_add_uuid(o, "u", &uuid), 0);
	text = json_text(o, &length);
	ck_assert_uint_eq(strlen(text), length);
	ck_assert_ptr_null(strchr(text, '\n'));
	back = parse(text);
	ck_assert_str_eq(json_get_string(back, "s"), "quote \" slash / back \\ line \n");
	ck_assert(!json_object_object_get_ex(back, "none", NULL));
	ck_assert_int_eq(json_get_u64(back, "n", &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
	ck_assert(json_get_bool(back, "b"));
	ck_assert_int_eq(json_get_uuid(back, "u", &read), 0);
	ck_assert(uuid_equal(&uuid, &read));
}
END_TEST

START_TEST(bytes_that_are_no_utf8_are_replaced)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"plain", "plain"},
		{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\xff", "\xef\xbf\xbd"},
		{"a\xc3z", "a\xef\xbf\xbdz"},
		{"a\xc3", "a\xef\xbf\xbd"},
		{"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\x80", "\xef\xbf\xbd"},
		/* Overlong, a surrogate, beyond Unicode. */
		{"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf0\x80\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
		{"\xf5\x80\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;

		ck_assert_int_eq(json_add_string(o, "s", cases[i].in), 0);
		ck_assert_str_eq(json_get_string(o, "s"), cases[i].out);
		back = parse(json_text(o, NULL));
		ck_assert_str_eq(json_get_string(back, "s"), cases[i].out);
	}
}
END_TEST

/* Whatever we write, we can read: names can hold any bytes. */
START_TEST(any_bytes_make_a_text_that_parses)
{
	struct dice dice = {2};

	for (int round = 0; round < 3000; round++) {
		_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;
		char value[24] = "";
		size_t length = dice_pick(&dice, sizeof(value));

		for (size_t i = 0; i < length; i++)
			value[i] = dice_once_in(&dice, 2)
					   ? "\xc3\xe2\xf0\xed\x80\xbf\x9f"[dice_pick(&dice, 7)]
					   : (char)(1 + dice_pick(&dice, 255));
		ck_assert_int_eq(json_add_string(o, "s", value), 0);
		back = parse(json_text(o, NULL));
		ck_assert_str_eq(json_get_string(back, "s"), json_get_string(o, "s"));
	}
}
END_TEST

START_TEST(a_missing_value_is_want_of_memory)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_json_ struct json_object *array = json_object_new_array();

	ck_assert_int_eq(json_add(o, "a", NULL), -ENOMEM);
	ck_assert_int_eq(json_append(array, NULL), -ENOMEM);
	ck_assert_uint_eq(json_object_array_length(array), 0);
	ck_assert_int_eq(json_append(array, json_object_new_object()), 0);
	ck_assert_uint_eq(json_object_array_length(array), 1);
}
END_TEST

SUITE("json", an_object_is_taken_blanks_around_it_or_not, what_is_not_one_object_is_refused,
      a_nul_byte_behind_or_inside_is_refused, the_length_counts_and_not_a_terminator,
      what_is_nested_too_deep_is_refused, a_member_of_another_type_is_as_good_as_none,
      nothing_is_found_in_nothing, a_string_with_a_nul_in_it_is_not_cut,
      a_negative_number_is_refused_and_a_large_one_taken, what_was_added_is_read_again,
      bytes_that_are_no_utf8_are_replaced, any_bytes_make_a_text_that_parses,
      a_missing_value_is_want_of_memory);
