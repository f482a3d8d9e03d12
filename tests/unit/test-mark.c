/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "wire/mark.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static int parse(const char *text, struct mark *ret)
{
	return mark_parse(text, strlen(text), ret);
}

START_TEST(a_mark_is_read_as_it_was_written)
{
	static const char config[] = "{\"c_info\":{\"name\":\"web\"},\"on_reboot\":\"restart\","
				     "\"on_crash\":\"preserve\"}";
	_cleanup_free_ char *text = NULL;
	struct uuid uuid;
	struct mark mark;

	ck_assert_int_eq(uuid_parse(UUID, &uuid), 0);
	ck_assert_int_eq(mark_format(&uuid, "/etc/xen/auto/web.cfg", config, &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert(uuid_equal(&mark.uuid, &uuid));
	ck_assert_str_eq(mark.source, "/etc/xen/auto/web.cfg");
	ck_assert_ptr_null(mark.on_poweroff);
	ck_assert_str_eq(mark.on_reboot, "restart");
	ck_assert_str_eq(mark.on_crash, "preserve");
	mark_done(&mark);
	ck_assert_ptr_null(mark.text);
	ck_assert_ptr_null(mark.source);
}
END_TEST

START_TEST(a_mark_needs_no_source_and_no_actions)
{
	_cleanup_free_ char *text = NULL;
	struct uuid uuid = {.bytes = {1}};
	struct mark mark;

	ck_assert_int_eq(mark_format(&uuid, NULL, "{}", &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert_ptr_null(mark.source);
	ck_assert_ptr_null(mark.on_poweroff);
	mark_done(&mark);
}
END_TEST

START_TEST(a_configuration_that_is_none_makes_no_mark)
{
	struct uuid uuid = UUID_NULL;
	char *text = NULL;

	ck_assert_int_eq(mark_format(&uuid, NULL, "nonsense", &text), -EBADMSG);
	ck_assert_int_eq(mark_format(&uuid, NULL, "", &text), -EBADMSG);
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(what_is_no_mark_of_ours_is_refused)
{
	static const char *const bad[] = {
		"",
		"1",
		"{}",
		"{\"uuid\":1}",
		"{\"uuid\":\"web\"}",
		"{\"uuid\":\"" UUID "\"",
		"{\"source\":\"/x\"}",
	};
	struct mark mark = {0};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ck_assert_msg(parse(bad[i], &mark) == -EBADMSG, "taken: %s", bad[i]);
	ck_assert_ptr_null(mark.text);
}
END_TEST

SUITE("mark", a_mark_is_read_as_it_was_written, a_mark_needs_no_source_and_no_actions,
      a_configuration_that_is_none_makes_no_mark, what_is_no_mark_of_ours_is_refused);
