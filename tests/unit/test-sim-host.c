/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/read.h"
#include "unit.h"
#include "util/str.h"

static struct sim_host *read_host(const char *text)
{
	struct sim_host *host = NULL;
	char *reason = NULL;
	int r = sim_host_read(text, strlen(text), &host, &reason);

	ck_assert_msg(r == 0, "%s: %s", text, reason);
	return host;
}

START_TEST(what_a_guest_does_not_say_is_plain)
{
	_cleanup_(sim_host_freep) struct sim_host *h = read_host(
		"{\"guests\":[{\"name\":\"a\"},{\"name\":\"b\"}]}");
	const struct sim_guest *g;

	ck_assert_uint_eq(h->speed, 1);
	ck_assert_uint_eq(h->n_guests, 2);
	g = &h->guests[0];
	ck_assert_str_eq(g->name, "a");
	ck_assert(!g->has_uuid && !g->saved && !g->running);
	ck_assert(!uuid_is_null(&g->uuid));
	ck_assert(!uuid_equal(&g->uuid, &h->guests[1].uuid));
	ck_assert_ptr_null(g->config);
	ck_assert_uint_gt(g->memory_kib, 0);
	ck_assert_uint_eq(g->vcpus, 1);
	ck_assert_int_eq(g->manager, DOMAIN_MANAGER_XENDOMAINSD);
	ck_assert_int_eq(g->on_poweroff, DEATH_DESTROY);
	ck_assert_uint_eq(g->create.duration, USEC_PER_SEC);
	ck_assert(!g->create.hangs && !g->create.error);
	ck_assert_uint_eq(g->ends_after, 0);
}
END_TEST

START_TEST(all_that_a_guest_says_is_read)
{
	_cleanup_(sim_host_freep) struct sim_host *h = read_host(
		"{\"speed\":20,\"guests\":[{\"name\":\"a\","
		"\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\",\"memory_mib\":2,\"vcpus\":4,"
		"\"config\":\"/auto/a\",\"config_error\":\"ce\",\"saved\":true,"
		"\"image_error\":\"ie\",\"running\":true,\"manager\":\"xl\","
		"\"on_watchdog\":\"rename-restart\",\"on_soft_reset\":\"soft-reset\",\"ejects\":\"hdc\","
		"\"on_poweroff\":\"preserve\",\"on_reboot\":\"restart\",\"on_crash\":\"restart\","
		"\"create\":{\"ms\":7,\"error\":\"no\"},\"restore\":{\"ms\":8},"
		"\"save\":{\"hangs\":true},\"destroy\":{\"ms\":9},\"shutdown\":{\"hangs\":true},"
		"\"up_ms\":5,\"ends\":{\"after_ms\":6,\"reason\":\"crash\"}}]}");
	const struct sim_guest *g = &h->guests[0];

	ck_assert_uint_eq(h->speed, 20);
	ck_assert(g->has_uuid);
	ck_assert_str_eq(UUID_TEXT(&g->uuid), "00112233-4455-6677-8899-aabbccddeeff");
	ck_assert_uint_eq(g->memory_kib, 2048);
	ck_assert_uint_eq(g->vcpus, 4);
	ck_assert_str_eq(g->config, "/auto/a");
	ck_assert_str_eq(g->config_error, "ce");
	ck_assert_str_eq(g->image_error, "ie");
	ck_assert(g->saved && g->running);
	ck_assert_int_eq(g->manager, DOMAIN_MANAGER_XL);
	ck_assert_int_eq(g->on_poweroff, DEATH_PRESERVE);
	ck_assert_int_eq(g->on_reboot, DEATH_RESTART);
	ck_assert_int_eq(g->on_crash, DEATH_RESTART);
	ck_assert_int_eq(g->on_watchdog, DEATH_RENAME_RESTART);
	ck_assert_int_eq(g->on_soft_reset, DEATH_SOFT_RESET);
	ck_assert_str_eq(g->ejects, "hdc");
	ck_assert_uint_eq(g->create.duration, 7 * USEC_PER_MSEC);
	ck_assert_str_eq(g->create.error, "no");
	ck_assert_uint_eq(g->restore.duration, 8 * USEC_PER_MSEC);
	ck_assert(g->save.hangs);
	ck_assert_uint_eq(g->destroy.duration, 9 * USEC_PER_MSEC);
	ck_assert(g->shutdown.hangs);
	ck_assert_uint_eq(g->up_after, 5 * USEC_PER_MSEC);
	ck_assert_uint_eq(g->ends_after, 6 * USEC_PER_MSEC);
	ck_assert_int_eq(g->ends_with, SHUTDOWN_REASON_CRASH);
}
END_TEST

START_TEST(a_host_may_be_empty_and_its_clock_virtual)
{
	_cleanup_(sim_host_freep) struct sim_host *h = read_host("{\"speed\":0,\"guests\":[]}");
	_cleanup_(sim_host_freep) struct sim_host *fast = read_host(
		"{\"speed\":99999999,\"guests\":[]}");

	ck_assert_uint_eq(h->speed, 0);
	ck_assert_uint_eq(h->n_guests, 0);
	ck_assert_uint_le(fast->speed, 1000);
	ck_assert_ptr_null(sim_host_free(NULL));
}
END_TEST

START_TEST(what_guests_share_is_read)
{
	_cleanup_(sim_host_freep) struct sim_host *none = read_host("{\"guests\":[]}");
	_cleanup_(sim_host_freep) struct sim_host *h = read_host(
		"{\"disk\":{\"mib_s\":150,\"stream_mib_s\":90,\"loss_percent\":7},\"cpus\":3,"
		"\"room_mib\":100,\"guests\":["
		"{\"name\":\"a\",\"memory_mib\":10,\"saved\":true},{\"name\":\"b\"}]}");
	_cleanup_(survey_freep) struct survey *survey = NULL, *unknown = NULL;

	ck_assert_uint_eq(none->disk.kib_s, 0);
	ck_assert_uint_eq(none->cpus, 0);
	ck_assert_int_eq(sim_host_survey(none, true, true, &unknown), 0);
	ck_assert(!unknown->room_known);
	ck_assert_uint_eq(h->disk.kib_s, 150 * 1024);
	ck_assert_uint_eq(h->disk.stream_kib_s, 90 * 1024);
	ck_assert_uint_eq(h->disk.loss, 7);
	ck_assert_uint_eq(h->cpus, 3);
	ck_assert_int_eq(sim_host_survey(h, true, true, &survey), 0);
	ck_assert(survey->room_known);
	ck_assert_uint_eq(survey->room, 90ULL << 20);
}
END_TEST

START_TEST(each_of_many_guests_has_a_uuid_of_its_own)
{
	enum { GUESTS = 70000 };
	static const char guest[] = "{\"name\":\"a\"},";
	_cleanup_free_ char *text = malloc(GUESTS * sizeof(guest) + 100);
	_cleanup_(sim_host_freep) struct sim_host *h = NULL;
	char *end = stpcpy(text, "{\"guests\":[");

	for (size_t i = 0; i < GUESTS; i++)
		end = stpcpy(end, guest);
	strcpy(end - 1, "]}");
	h = read_host(text);
	ck_assert_uint_eq(h->n_guests, GUESTS);
	/* 16 bits of the place would be those of another guest. */
	for (size_t i = 0; i + 65536 < GUESTS; i++)
		ck_assert(!uuid_equal(&h->guests[i].uuid, &h->guests[i + 65536].uuid));
}
END_TEST

START_TEST(what_is_no_host_is_refused)
{
	static const char *const bad[] = {
		"", "[]", "{}", "{\"guests\":{}}", "{\"guests\":[}", "nonsense"};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_free_ char *reason = NULL;
		struct sim_host *host = NULL;

		ck_assert_int_eq(sim_host_read(bad[i], strlen(bad[i]), &host, &reason), -EINVAL);
		ck_assert_ptr_nonnull(strstr(reason, "\"guests\""));
		ck_assert_ptr_null(host);
	}
}
END_TEST

START_TEST(a_guest_that_is_none_is_refused_with_its_place)
{
	static const char *const bad[] = {
		"{}",
		"{\"name\":\"\"}",
		"{\"name\":1}",
		"\"a\"",
		"null",
		"[]",
		"{\"name\":\"a\",\"uuid\":\"x\"}",
		"{\"name\":\"a\",\"manager\":\"nobody\"}",
		"{\"name\":\"a\",\"on_poweroff\":\"fly\"}",
		"{\"name\":\"a\",\"on_reboot\":\"fly\"}",
		"{\"name\":\"a\",\"on_crash\":\"fly\"}",
		"{\"name\":\"a\",\"ends\":{}}",
		"{\"name\":\"a\",\"ends\":{\"reason\":\"boredom\"}}",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_free_ char *reason = NULL;
		struct sim_host *host = NULL;
		char text[200] = "{\"guests\":[{\"name\":\"good\"},";

		strcat(text, bad[i]);
		strcat(text, "]}");
		ck_assert_msg(sim_host_read(text, strlen(text), &host, &reason) == -EINVAL,
			      "taken: %s", bad[i]);
		ck_assert_ptr_nonnull(strstr(reason, "guest 2"));
		ck_assert_ptr_null(host);
	}
}
END_TEST

/* The reason for which a guest is refused that is the second one. */
static char *refusal(const char *guest)
{
	_cleanup_free_ char *text = NULL;
	struct sim_host *host = NULL;
	char *reason = NULL;

	ck_assert_int_eq(str_format(&text, "{\"guests\":[{\"name\":\"a\"},%s]}", guest), 0);
	ck_assert_msg(sim_host_read(text, strlen(text), &host, &reason) == -EINVAL, "taken: %s",
		      guest);
	return reason;
}

START_TEST(a_slip_is_refused_with_its_place_and_the_nearest_member)
{
	static const struct {
		const char *guest, *place, *hint;
	} slips[] = {
		{"{\"name\":\"b\",\"memory\":1}", "guest 2 (\"b\"): unknown member \"memory\"",
		 "\"memory_mib\"?"},
		{"{\"nmae\":\"b\"}", "guest 2: unknown member \"nmae\"", "\"name\"?"},
		{"{\"name\":\"b\",\"save\":{\"hang\":true}}",
		 "guest 2 (\"b\"), \"save\": unknown member \"hang\"", "\"hangs\"?"},
		{"{\"name\":\"b\",\"shutdown\":{\"colour\":1}}",
		 "guest 2 (\"b\"), \"shutdown\": unknown member \"colour\"", "ms, hangs, reboots"},
		{"{\"name\":\"b\",\"ends\":{\"reason\":\"crash\",\"after\":1}}",
		 "guest 2 (\"b\"), \"ends\": unknown member \"after\"", "\"after_ms\"?"},
		{"{\"name\":\"b\",\"on_crash\":\"restart_rename\"}",
		 "guest 2 (\"b\"): \"on_crash\" must be one of", "rename-restart"},
		{"{\"name\":\"b\",\"ends\":{\"reason\":\"boredom\"}}",
		 "guest 2 (\"b\"), \"ends\": \"reason\" must be one of", "poweroff, reboot"},
		{"{\"name\":\"b\",\"saved\":\"yes\"}", "guest 2 (\"b\"): \"saved\" must be",
		 "true or false"},
		{"{\"name\":\"b\",\"memory_mib\":-1}", "guest 2 (\"b\"): \"memory_mib\" must be",
		 "0 or more"},
		{"{\"name\":\"b\",\"save\":100}", "guest 2 (\"b\"): \"save\" must be", "{...}"},
		{"{\"name\":\"b\",\"config\":null}", "guest 2 (\"b\"): \"config\" must be", "text"},
	};

	for (size_t i = 0; i < ELEMENTSOF(slips); i++) {
		_cleanup_free_ char *reason = refusal(slips[i].guest);

		ck_assert_msg(str_starts_with(reason, slips[i].place), "%s", reason);
		ck_assert_msg(strstr(reason + strlen(slips[i].place), slips[i].hint), "%s", reason);
	}
}
END_TEST

START_TEST(a_slip_in_what_guests_share_is_refused)
{
	static const struct {
		const char *text, *said;
	} slips[] = {
		{"{\"sped\":1,\"guests\":[]}",
		 "the host: unknown member \"sped\". Did you mean \"speed\"?"},
		{"{\"speed\":1.5,\"guests\":[]}", "the host: \"speed\" must be"},
		{"{\"disk\":{\"mib\":1},\"guests\":[]}",
		 "the host, \"disk\": unknown member \"mib\". Did you mean \"mib_s\"?"},
	};

	for (size_t i = 0; i < ELEMENTSOF(slips); i++) {
		_cleanup_free_ char *reason = NULL;
		struct sim_host *host = NULL;

		ck_assert_int_eq(
			sim_host_read(slips[i].text, strlen(slips[i].text), &host, &reason),
			-EINVAL);
		ck_assert_msg(str_starts_with(reason, slips[i].said), "%s", reason);
	}
}
END_TEST

SUITE("sim-host", what_a_guest_does_not_say_is_plain, all_that_a_guest_says_is_read,
      a_host_may_be_empty_and_its_clock_virtual, what_guests_share_is_read,
      each_of_many_guests_has_a_uuid_of_its_own, what_is_no_host_is_refused,
      a_guest_that_is_none_is_refused_with_its_place,
      a_slip_is_refused_with_its_place_and_the_nearest_member,
      a_slip_in_what_guests_share_is_refused);
