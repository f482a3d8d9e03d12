/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "wire/varlink.h"

static int parse_call(const char *text, struct varlink_call *ret)
{
	return varlink_call_parse(text, strlen(text), ret);
}

static int parse_reply(const char *text, struct varlink_reply *ret)
{
	return varlink_reply_parse(text, strlen(text), ret);
}

START_TEST(a_call_is_read_with_its_flags)
{
	struct varlink_call call;

	ck_assert_int_eq(parse_call("{\"method\":\"a.B\"}", &call), 0);
	ck_assert_str_eq(call.method, "a.B");
	ck_assert_ptr_null(call.parameters);
	ck_assert(!call.more);
	ck_assert(!call.oneway);
	varlink_call_done(&call);
	ck_assert_ptr_null(call.message);

	ck_assert_int_eq(parse_call("{\"method\":\"a.B\",\"more\":true,\"oneway\":true,"
				    "\"parameters\":{\"x\":\"y\"},\"upgrade\":true}",
				    &call),
			 0);
	ck_assert(call.more);
	ck_assert(call.oneway);
	ck_assert_str_eq(json_get_string(call.parameters, "x"), "y");
	varlink_call_done(&call);
}
END_TEST

START_TEST(parameters_may_be_null)
{
	struct varlink_call call;

	ck_assert_int_eq(parse_call("{\"method\":\"a.B\",\"parameters\":null}", &call), 0);
	ck_assert_ptr_null(call.parameters);
	varlink_call_done(&call);
}
END_TEST

START_TEST(what_is_no_call_is_refused)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"method\":null}",
		"{\"method\":1}",
		"{\"method\":[\"a.B\"]}",
		"{\"method\":\"a\\u0000b\"}",
		"{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"parameters\":\"x\"}",
		"{\"method\":\"a.B\"} {}",
		"{\"parameters\":{}}",
	};
	struct varlink_call call = {0};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ck_assert_msg(parse_call(bad[i], &call) == -EBADMSG, "taken: %s", bad[i]);
	ck_assert_ptr_null(call.message);
}
END_TEST

/* A call with n times the item among its parameters. */
static int parse_many(const char *item, size_t n)
{
	static const char begin[] = "{\"method\":\"a.B\",\"parameters\":{\"x\":[";
	size_t length = strlen(item), size = sizeof(begin) - 1;
	_cleanup_free_ char *text = malloc(size + n * (length + 1) + 3);
	struct varlink_call call;
	int r;

	memcpy(text, begin, size);
	for (size_t i = 0; i < n; i++) {
		memcpy(text + size, item, length);
		size += length;
		text[size++] = ',';
	}
	memcpy(text + size - 1, "]}}", 3);
	r = varlink_call_parse(text, size + 2, &call);
	if (r >= 0)
		varlink_call_done(&call);
	return r;
}

START_TEST(a_call_that_would_take_much_memory_is_refused)
{
	ck_assert_int_eq(parse_many("{}", 90), 0);
	ck_assert_int_eq(parse_many("{}", 300000), -E2BIG);
	ck_assert_int_eq(parse_many("[]", 300000), -E2BIG);
	ck_assert_int_eq(parse_many("1", 500000), -E2BIG);
	/* More names than a call may have are refused in words. */
	ck_assert_int_eq(parse_many("\"guest\"", 40000), 0);
	/* What stands in a string is none. */
	ck_assert_int_eq(parse_many("\"[[{{,,\\\",,[[\"", 30000), 0);
	ck_assert_int_eq(parse_many("\"\\\\\",{}", 1000), -E2BIG);
}
END_TEST

START_TEST(a_reply_is_read_and_an_error_is_one)
{
	struct varlink_reply reply;

	ck_assert_int_eq(parse_reply("{}", &reply), 0);
	ck_assert_ptr_null(reply.error);
	ck_assert_ptr_null(reply.parameters);
	ck_assert(!reply.continues);
	varlink_reply_done(&reply);

	ck_assert_int_eq(parse_reply("{\"continues\":true,\"parameters\":{\"n\":1}}", &reply), 0);
	ck_assert(reply.continues);
	ck_assert_ptr_nonnull(reply.parameters);
	varlink_reply_done(&reply);

	ck_assert_int_eq(parse_reply("{\"error\":\"a.Bad\",\"parameters\":{}}", &reply), 0);
	ck_assert_str_eq(reply.error, "a.Bad");
	varlink_reply_done(&reply);

	ck_assert_int_eq(parse_reply("{\"parameters\":7}", &reply), -EBADMSG);
	ck_assert_int_eq(parse_reply("", &reply), -EBADMSG);
}
END_TEST

static struct json_object *some_parameters(void)
{
	struct json_object *o = json_object_new_object();

	ck_assert_int_eq(json_add_string(o, "name", "web"), 0);
	return o;
}

static void check_call(struct json_object *message_taken, bool more, bool parameters)
{
	_cleanup_json_ struct json_object *message = message_taken;
	struct varlink_call call;

	ck_assert_int_eq(parse_call(json_text(message, NULL), &call), 0);
	ck_assert_str_eq(call.method, "a.B");
	ck_assert_int_eq(call.more, more);
	ck_assert_ptr_nonnull(call.parameters);
	ck_assert_int_eq(!!json_get_string(call.parameters, "name"), parameters);
	varlink_call_done(&call);
}

static void check_reply(struct json_object *message_taken, const char *error, bool continues)
{
	_cleanup_json_ struct json_object *message = message_taken;
	struct varlink_reply reply;

	ck_assert_int_eq(parse_reply(json_text(message, NULL), &reply), 0);
	ck_assert_pstr_eq(reply.error, error);
	ck_assert_int_eq(reply.continues, continues);
	ck_assert_ptr_nonnull(reply.parameters);
	varlink_reply_done(&reply);
}

START_TEST(both_ends_understand_each_other)
{
	check_call(varlink_call_new("a.B", NULL, false), false, false);
	check_call(varlink_call_new("a.B", some_parameters(), true), true, true);
	check_reply(varlink_reply_new(NULL, false), NULL, false);
	check_reply(varlink_reply_new(some_parameters(), true), NULL, true);
	check_reply(varlink_error_new("a.Bad", NULL), "a.Bad", false);
	check_reply(varlink_error_new("a.Bad", some_parameters()), "a.Bad", false);
}
END_TEST

SUITE("varlink", a_call_is_read_with_its_flags, parameters_may_be_null, what_is_no_call_is_refused,
      a_call_that_would_take_much_memory_is_refused, a_reply_is_read_and_an_error_is_one,
      both_ends_understand_each_other);
