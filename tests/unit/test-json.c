/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "util/utf8.h"
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
		"{\"a\":\"\xed\xa0\x80\"}",
		/* Characters of more than a byte have no place outside of strings, or behind a
		   '\\'. */
		"{\xc3\xbc}",
		"{\"a\":\xc3\xbc}",
		"{}\xc3\xbc",
		"{\"a\":\"\\\xc3\xbc\"}",
		"{\"a\":\"\\u00\xc3\xbc\"}",
		"{\"a\":\"\xc3\xbc\",}",
		"{\"a\":\"\\ud83d\\ude00\",/**/\"b\":1}",
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
		"{\"m\":-1,\"z\":0,\"l\":18446744073709551615}");
	uint64_t number = 0;

	ck_assert_int_eq(json_get_u64(o, "m", &number), -EINVAL);
	ck_assert_int_eq(json_get_u64(o, "z", &number), 0);
	ck_assert_uint_eq(number, 0);
	ck_assert_int_eq(json_get_u64(o, "l", &number), 0);
	ck_assert_uint_eq(number, UINT64_MAX);
}
END_TEST

/* Json-c 0.18 refuses it, and versions before make it the smallest number that there is. */
START_TEST(a_number_that_is_too_small_is_never_taken)
{
	static const char text[] = "{\"v\":-99999999999999999999}";
	_cleanup_json_ struct json_object *o = NULL;
	uint64_t number = 4711;

	if (json_parse(text, strlen(text), &o) == 0)
		ck_assert_int_eq(json_get_u64(o, "v", &number), -EINVAL);
	ck_assert_uint_eq(number, 4711);
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

START_TEST(a_message_is_written_with_the_byte_that_ends_it)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	char data[16] = "xxxxxxxxxxxxxxx";
	size_t size = 0;
	int ends[2];

	ck_assert_int_eq(json_add_u64(o, "n", 1), 0);
	ck_assert_str_eq(json_message(o, &size), "{\"n\":1}");
	ck_assert_uint_eq(size, sizeof("{\"n\":1}"));
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(json_write(ends[1], TAKE_PTR(o)), 0);
	ck_assert_int_eq(read(ends[0], data, sizeof(data)), size);
	ck_assert_str_eq(data, "{\"n\":1}");
	ck_assert_ptr_null(json_message(NULL, &size));
	ck_assert_int_eq(json_write(ends[1], NULL), -ENOMEM);
	close(ends[0]);
	ck_assert_int_eq(json_write(-1, json_object_new_object()), -EBADF);
	close(ends[1]);
}
END_TEST

static void check_ascii(const char *text)
{
	for (const char *p = text; *p; p++)
		ck_assert_msg((unsigned char)*p < 0x80, "not ASCII: %s", text);
}

START_TEST(characters_are_written_in_ascii_and_bytes_that_are_no_utf8_as_hexadecimals)
{
	static const struct {
		const char *in, *out, *text;
	} cases[] = {
		{"plain", "plain", "plain"},
		{"\x7f", "\x7f", "\x7f"},
		{"b\xc3\xbcro", "b\xc3\xbcro", "b\\u00fcro"},
		{"\xe2\x82\xac", "\xe2\x82\xac", "\\u20ac"},
		{"\xef\xbf\xbf", "\xef\xbf\xbf", "\\uffff"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\\ud83d\\ude00"},
		{"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\\udbff\\udfff"},
		/* Json-c before 0.19 reads these as no character at all. */
		{"\xf0\x9d\xa0\x80", "\xf0\x9d\xa0\x80", "\\ud836\\udc00"},
		{"\xf0\xad\xbf\xbf", "\xf0\xad\xbf\xbf", "\\ud877\\udfff"},
		{"\\\xc3\xbc", "\\\xc3\xbc", "\\\\\\u00fc"},
		{"b\xfcro", "b\\xfcro", "b\\\\xfcro"},
		{"a\xc3z", "a\\xc3z", "a\\\\xc3z"},
		{"a\xc3", "a\\xc3", "a\\\\xc3"},
		{"\xe2\x82", "\\xe2\\x82", "\\\\xe2\\\\x82"},
		/* Overlong, and a surrogate. */
		{"\xc0\xaf", "\\xc0\\xaf", "\\\\xc0\\\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\\\xed\\\\xa0\\\\x80"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;
		_cleanup_free_ char *wanted = NULL;
		size_t length;

		ck_assert_int_eq(json_add_string(o, "s", cases[i].in), 0);
		ck_assert_int_ge(asprintf(&wanted, "{\"s\":\"%s\"}", cases[i].text), 0);
		ck_assert_str_eq(json_text(o, &length), wanted);
		ck_assert_uint_eq(length, strlen(wanted));
		back = parse(json_text(o, NULL));
		ck_assert_str_eq(json_get_string(back, "s"), cases[i].out);
	}
}
END_TEST

START_TEST(keys_and_elements_are_written_in_ascii_too)
{
	_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;
	struct json_object *array = json_object_new_array();

	ck_assert_int_eq(json_add_string(o, "b\xfcro", "b\xc3\xbcro"), 0);
	ck_assert_int_eq(json_append(array, json_object_new_string("\xff")), 0);
	ck_assert_int_eq(json_add(o, "\xc3\xbc", array), 0);
	ck_assert_str_eq(json_text(o, NULL),
			 "{\"b\\\\xfcro\":\"b\\u00fcro\",\"\\u00fc\":[\"\\\\xff\"]}");
	back = parse(json_text(o, NULL));
	ck_assert_str_eq(json_get_string(back, "b\\xfcro"), "b\xc3\xbcro");
	ck_assert_ptr_nonnull(json_get(back, "\xc3\xbc", json_type_array));
}
END_TEST

START_TEST(a_text_follows_its_object)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	ck_assert_int_eq(json_add_string(o, "s", "\xc3\xbc"), 0);
	ck_assert_str_eq(json_text(o, NULL), "{\"s\":\"\\u00fc\"}");
	ck_assert_int_eq(json_add_string(o, "s", "\xc3\xb6"), 0);
	ck_assert_str_eq(json_text(o, NULL), "{\"s\":\"\\u00f6\"}");
	ck_assert_int_eq(json_add_string(o, "s", "o"), 0);
	ck_assert_str_eq(json_text(o, NULL), "{\"s\":\"o\"}");
}
END_TEST

/* Other writers escape nothing. */
START_TEST(raw_utf8_is_read)
{
	_cleanup_json_ struct json_object *o = parse(
		"{\"s\":\"b\xc3\xbcro \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbf\",\"\xc3\xbc\":\"k\","
		"\"m\":\"\\u00fc\xc3\xbc\",\"b\":\"\\\\\xc3\xbc\\\\\"}");

	ck_assert_str_eq(json_get_string(o, "s"),
			 "b\xc3\xbcro \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbf");
	ck_assert_str_eq(json_get_string(o, "\xc3\xbc"), "k");
	ck_assert_str_eq(json_get_string(o, "m"), "\xc3\xbc\xc3\xbc");
	ck_assert_str_eq(json_get_string(o, "b"), "\\\xc3\xbc\\");
}
END_TEST

START_TEST(escaped_surrogates_are_read_in_pairs)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"\\uD83D\\uDE00", "\xf0\x9f\x98\x80"},
		{"a\\ud836\\udc00z", "a\xf0\x9d\xa0\x80z"},
		{"\xc3\xbc\\ud836\\udc00", "\xc3\xbc\xf0\x9d\xa0\x80"},
		/* No pairs: a backslash before letters, and what lacks its other half. */
		{"\\\\ud836\\\\udc00", "\\ud836\\udc00"},
		{"\\ud836", "\xef\xbf\xbd"},
		{"\\udc00\\ud836", "\xef\xbf\xbd\xef\xbf\xbd"},
		{"\\ud836x", "\xef\xbf\xbdx"},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		_cleanup_json_ struct json_object *o = NULL;
		_cleanup_free_ char *text = NULL;

		ck_assert_int_ge(asprintf(&text, "{\"s\":\"%s\"}", cases[i].text), 0);
		o = parse(text);
		ck_assert_str_eq(json_get_string(o, "s"), cases[i].value);
	}
}
END_TEST

/* Whatever we write, we can read: names can hold any bytes. */
START_TEST(any_bytes_make_a_text_that_parses)
{
	struct dice dice = {2};

	for (int round = 0; round < 3000; round++) {
		_cleanup_json_ struct json_object *o = json_object_new_object(), *back = NULL;
		_cleanup_free_ char *text = NULL;
		char value[24] = "";
		size_t length = dice_pick(&dice, sizeof(value));

		for (size_t i = 0; i < length; i++)
			value[i] = dice_once_in(&dice, 2)
					   ? "\xc3\xe2\xf0\xed\x80\xbf\x9f\\\""[dice_pick(&dice, 9)]
					   : (char)(1 + dice_pick(&dice, 255));
		ck_assert_int_eq(json_add_string(o, "s", value), 0);
		text = strdup(json_text(o, NULL));
		check_ascii(text);
		back = parse(text);
		ck_assert_str_eq(json_text(back, NULL), text);
		if (utf8_is_valid(value, strlen(value)))
			ck_assert_str_eq(json_get_string(back, "s"), value);
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
      a_negative_number_is_refused_and_a_large_one_taken, a_number_that_is_too_small_is_never_taken,
      what_was_added_is_read_again,
      characters_are_written_in_ascii_and_bytes_that_are_no_utf8_as_hexadecimals,
      keys_and_elements_are_written_in_ascii_too, a_text_follows_its_object, raw_utf8_is_read,
      escaped_surrogates_are_read_in_pairs, any_bytes_make_a_text_that_parses,
      a_message_is_written_with_the_byte_that_ends_it, a_missing_value_is_want_of_memory);
