/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "status-select.h"
#include "unit.h"
#include "util/str.h"

#define UUID "00000000-0000-4000-8000-00000000000"

static struct json_object *reply;

static void setup_reply(void)
{
	static const char text[] =
		"{\"guests\":["
		"{\"name\":\"web2\",\"uuid\":\"" UUID "2\",\"state\":\"running\",\"wanted\":true,"
		"\"domid\":7,\"memory_kib\":10,\"cpu_time_usec\":3,\"since_usec\":5},"
		"{\"name\":\"7\",\"uuid\":\"" UUID "3\",\"state\":\"saved\",\"wanted\":false,"
		"\"configuration\":\"/etc/xen/auto/mail.cfg\",\"image\":\"/save/seven\"},"
		"{\"name\":\"web1\",\"uuid\":\"" UUID "1\",\"state\":\"failed\",\"wanted\":true},"
		"{\"name\":\"web*\",\"uuid\":\"" UUID "4\",\"state\":\"running\",\"wanted\":false,"
		"\"domid\":12,\"memory_kib\":20,\"cpu_time_usec\":2,\"since_usec\":6},"
		"{\"name\":\"old\",\"uuid\":\"" UUID "5\",\"state\":\"stopped\",\"wanted\":true,"
		"\"restart_in_usec\":5},"
		"{\"name\":\"gone\",\"uuid\":\"" UUID "6\",\"state\":\"stopped\",\"wanted\":true,"
		"\"migrated_to\":\"b\"}]}";

	ck_assert_int_eq(json_parse(text, sizeof(text) - 1, &reply), 0);
}

/* The names of the guests that are left, and frees the reply. */
static const char *left(void)
{
	static char text[200];
	struct json_object *list = json_get(reply, "guests", json_type_array);

	text[0] = '\0';
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 g.name);
	}
	json_object_put(reply);
	return text;
}

static const char *named(const char *a, const char *b)
{
	char *names[] = {(char *)(uintptr_t)a, (char *)(uintptr_t)b, NULL};
	const char *unknown = NULL;

	setup_reply();
	if (status_keep_named(reply, names, &unknown) < 0) {
		json_object_put(reply);
		return unknown;
	}
	return left();
}

START_TEST(name_that_is_there_wins)
{
	ck_assert_str_eq(named("web*", NULL), "web*");
	ck_assert_str_eq(named("7", NULL), "7");
	ck_assert_str_eq(named("web1", "web2"), "web2 web1");
}
END_TEST

START_TEST(uuid_domid_and_pattern_are_understood)
{
	ck_assert_str_eq(named(UUID "5", NULL), "old");
	ck_assert_str_eq(named("12", NULL), "web*");
	ck_assert_str_eq(named("web?", NULL), "web2 web1 web*");
	ck_assert_str_eq(named("w*", "12"), "web2 web1 web*");
	ck_assert_str_eq(named("[og]*", NULL), "old gone");
}
END_TEST

START_TEST(name_of_no_guest_is_told)
{
	ck_assert_str_eq(named("web1", "wbe1"), "wbe1");
	ck_assert_str_eq(named("13", NULL), "13");
	ck_assert_str_eq(named("x*", NULL), "x*");
	setup_reply();
	ck_assert_str_eq(status_nearest(reply, "wbe1"), "web1");
	ck_assert_str_eq(status_nearest(reply, "mail.cfg"), "7");
	ck_assert_str_eq(status_nearest(reply, "./seven"), "7");
	ck_assert_ptr_null(status_nearest(reply, "mail"));
	json_object_put(reply);
}
END_TEST

static const char *in_states(const char *value)
{
	struct status_states states = {0};

	setup_reply();
	ck_assert_int_eq(status_states_parse(value, &states), 0);
	ck_assert_int_eq(status_keep_states(reply, &states), 0);
	return left();
}

START_TEST(states_and_groups_are_understood)
{
	struct status_states states;

	ck_assert_str_eq(in_states("failed"), "web1");
	ck_assert_str_eq(in_states("failed,saved,failed"), "7 web1");
	ck_assert_str_eq(in_states("wanted"), "web2 web1 old");
	/* A guest that waits for its restart is not down: "check" calls it under way. */
	ck_assert_str_eq(in_states("down"), "web1");
	ck_assert_str_eq(in_states("waiting"), "old");
	ck_assert_str_eq(in_states("paused"), "");
	ck_assert_int_eq(status_states_parse("failed,", &states), -EINVAL);
	ck_assert_int_eq(status_states_parse("fialed", &states), -EINVAL);
}
END_TEST

static const char *sorted(const char *value)
{
	enum status_sort sort = STATUS_SORT_NONE;

	setup_reply();
	if (value)
		ck_assert_int_eq(status_sort_parse(value, &sort), 0);
	ck_assert_int_eq(status_sort(reply, sort), 0);
	return left();
}

START_TEST(guests_are_sorted)
{
	ck_assert_str_eq(sorted(NULL), "web2 7 web1 web* old gone");
	ck_assert_str_eq(sorted("state"), "web1 old web* web2 7 gone");
	ck_assert_str_eq(sorted("name"), "7 gone old web* web1 web2");
	ck_assert_str_eq(sorted("memory"), "web* web2 7 gone old web1");
	ck_assert_str_eq(sorted("cpu"), "web2 web* 7 gone old web1");
	ck_assert_str_eq(sorted("since"), "web* web2 7 gone old web1");
	ck_assert_str_eq(sorted("domid"), "web2 web* 7 gone old web1");
}
END_TEST

SUITE("status-select", name_that_is_there_wins, uuid_domid_and_pattern_are_understood,
      name_of_no_guest_is_told, states_and_groups_are_understood, guests_are_sorted);
