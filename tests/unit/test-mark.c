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
	ck_assert_int_eq(mark_format(&uuid, "/etc/xen/auto/web.cfg", config, NULL, &text), 0);
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

	ck_assert_int_eq(mark_format(&uuid, NULL, "{}", NULL, &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert_ptr_null(mark.source);
	ck_assert_ptr_null(mark.on_poweroff);
	mark_done(&mark);
}
END_TEST

START_TEST(all_ways_to_end_are_in_it)
{
	static const char config[] =
		"{\"on_poweroff\":\"preserve\",\"on_reboot\":\"restart\","
		"\"on_watchdog\":\"coredump_restart\",\"on_crash\":\"restart_rename\","
		"\"on_soft_reset\":\"soft_reset\"}";
	_cleanup_free_ char *text = NULL;
	struct uuid uuid = {.bytes = {1}};
	struct mark mark;

	ck_assert_int_eq(mark_format(&uuid, NULL, config, NULL, &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert_str_eq(mark.on_poweroff, "preserve");
	ck_assert_str_eq(mark.on_reboot, "restart");
	ck_assert_str_eq(mark.on_watchdog, "coredump_restart");
	ck_assert_str_eq(mark.on_crash, "restart_rename");
	ck_assert_str_eq(mark.on_soft_reset, "soft_reset");
	mark_done(&mark);
}
END_TEST

START_TEST(a_preserved_domain_stays_however_it_has_ended)
{
	_cleanup_free_ char *text = NULL;
	struct uuid uuid = {.bytes = {7}};
	struct mark mark;

	ck_assert_int_eq(mark_format_preserved(&uuid, "/a", &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert(uuid_equal(&mark.uuid, &uuid));
	ck_assert_str_eq(mark.source, "/a");
	ck_assert_str_eq(mark.on_poweroff, "preserve");
	ck_assert_str_eq(mark.on_reboot, "preserve");
	ck_assert_str_eq(mark.on_watchdog, "preserve");
	ck_assert_str_eq(mark.on_crash, "preserve");
	ck_assert_str_eq(mark.on_soft_reset, "preserve");
	mark_done(&mark);
}
END_TEST

START_TEST(disks_that_can_be_ejected_are_in_it_with_their_numbers)
{
	static const char list[] = "{\"l\":[{\"vdev\":\"hdc\",\"devid\":5632},{\"vdev\":\"hdd\"},"
				   "{\"vdev\":\"x\",\"devid\":4294967296}]}";
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_free_ char *text = NULL;
	struct uuid uuid = {.bytes = {1}};
	const char *vdev = NULL;
	uint32_t devid = 0;
	struct mark mark;

	ck_assert_int_eq(json_parse(list, strlen(list), &o), 0);
	ck_assert_int_eq(mark_format(&uuid, NULL, "{}", json_get(o, "l", json_type_array), &text),
			 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert_int_eq(mark_removable(&mark, 0, &vdev, &devid), 0);
	ck_assert_str_eq(vdev, "hdc");
	ck_assert_uint_eq(devid, 5632);
	ck_assert_int_eq(mark_removable(&mark, 1, &vdev, &devid), -EBADMSG);
	ck_assert_int_eq(mark_removable(&mark, 2, &vdev, &devid), -EBADMSG);
	ck_assert_int_eq(mark_removable(&mark, 3, &vdev, &devid), -ENOENT);
	mark_done(&mark);
}
END_TEST

START_TEST(a_configuration_that_is_none_makes_no_mark)
{
	struct uuid uuid = UUID_NULL;
	char *text = NULL;

	ck_assert_int_eq(mark_format(&uuid, NULL, "nonsense", NULL, &text), -EBADMSG);
	ck_assert_int_eq(mark_format(&uuid, NULL, "", NULL, &text), -EBADMSG);
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

START_TEST(what_is_left_of_a_saved_guest_names_its_image)
{
	struct uuid uuid = {.bytes = {1}}, image = {.bytes = {2}};
	_cleanup_free_ char *text = NULL;
	struct mark mark;

	ck_assert_int_eq(mark_format_saved(&uuid, &image, &text), 0);
	ck_assert_int_eq(parse(text, &mark), 0);
	ck_assert(uuid_equal(&mark.uuid, &uuid));
	ck_assert(uuid_equal(&mark.saved, &image));
	mark_done(&mark);
	ck_assert_int_eq(
		parse("{\"uuid\":\"01000000-0000-0000-0000-000000000000\",\"saved\":\"x\"}", &mark),
		0);
	ck_assert(uuid_is_null(&mark.saved));
	mark_done(&mark);
}
END_TEST

SUITE("mark", what_is_left_of_a_saved_guest_names_its_image, a_mark_is_read_as_it_was_written,
      a_mark_needs_no_source_and_no_actions, all_ways_to_end_are_in_it,
      a_preserved_domain_stays_however_it_has_ended,
      disks_that_can_be_ejected_are_in_it_with_their_numbers,
      a_configuration_that_is_none_makes_no_mark, what_is_no_mark_of_ours_is_refused);
