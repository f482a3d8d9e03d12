/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig-xl.h"
#include "util/fd.h"
#include "util/str.h"
#include "worker/xl/conf.h"

/* The clauses of xl.h about all calls, memory and configurations. */

START_TEST(stop_does_not_cut_off_the_other_calls)
{
	_cleanup_free_ char *config = NULL;
	uint32_t domid = create();

	ask_to_stop();
	ck_assert_int_eq(xl_get_config(fx.xl, domid, &config), 0);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "x"), 0);
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
	ck_assert(is_gone());
}
END_TEST

START_TEST(interrupted_is_0_until_the_operation_is_to_end_early)
{
	ck_assert_int_eq(xl_interrupted(fx.xl), 0);
	ask_to_stop();
	ck_assert_int_eq(xl_interrupted(fx.xl), -ECANCELED);
}
END_TEST

START_TEST(interrupted_is_etime_once_the_deadline_is_past)
{
	reopen(usec_add(usec_now(), 3600 * USEC_PER_SEC));
	ck_assert_int_eq(xl_interrupted(fx.xl), 0);
	reopen(usec_now());
	ck_assert_int_eq(xl_interrupted(fx.xl), -ETIME);
}
END_TEST

START_TEST(reason_is_the_first_error_since_a_success)
{
	_cleanup_close_ int null = open_null();
	_cleanup_free_ char *first = NULL;

	ck_assert_ptr_null(xl_reason(fx.xl));
	ck_assert_int_lt(xl_resume(fx.xl, NO_DOMAIN), 0);
	ck_assert_ptr_nonnull(xl_reason(fx.xl));
	ck_assert_int_eq(str_replace(&first, xl_reason(fx.xl)), 0);
	ck_assert_int_lt(xl_save(fx.xl, NO_DOMAIN, null), 0);
	ck_assert_str_eq(xl_reason(fx.xl), first);
	destroy(create());
	ck_assert_ptr_null(xl_reason(fx.xl));
}
END_TEST

START_TEST(timed_out_is_not_told_of_another_error)
{
	ck_assert(!xl_timed_out(fx.xl));
	ck_assert_int_lt(xl_resume(fx.xl, NO_DOMAIN), 0);
	ck_assert(!xl_timed_out(fx.xl));
}
END_TEST

START_TEST(timed_out_is_told_of_libxls_own_limit)
{
	_cleanup_free_ char *slow = NULL, *file = NULL;
	_cleanup_close_ int fd = -1;
	uint32_t domid;

	/* That would take real libxl a broken script, and many seconds. */
	if (!is_fake())
		return;
	ck_assert_int_eq(str_format(&file, "%s/slow/1", getenv("FAKE_WORLD")), 0);
	ck_assert_int_eq(make_directory_of(file, 0700), 0);
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(str_format(&slow, "\"%s/slow\"", getenv("FAKE_WORLD")), 0);
	change_config("fake", "slow_builds", slow);
	ck_assert_int_lt(xl_create(fx.xl, fx.config, &fx.uuid, &domid), 0);
	ck_assert(xl_timed_out(fx.xl));
	destroy(create());
	ck_assert(!xl_timed_out(fx.xl));
}
END_TEST

START_TEST(version_has_numbers_with_points)
{
	_cleanup_free_ char *version = NULL;
	unsigned major, minor, patch;

	ck_assert_int_eq(xl_version(fx.xl, &version), 0);
	ck_assert_int_eq(sscanf(version, "%u.%u.%u", &major, &minor, &patch), 3);
	ck_assert_uint_ge(major, 4);
}
END_TEST

START_TEST(a_call_for_a_domain_that_is_not_there_is_a_negative_errno)
{
	char *text;

	ck_assert_int_lt(xl_get_config(fx.xl, NO_DOMAIN, &text), 0);
	ck_assert_int_lt(xl_resume(fx.xl, NO_DOMAIN), 0);
	ck_assert_int_lt(xl_unpause(fx.xl, NO_DOMAIN), 0);
	ck_assert_int_lt(xl_rename(fx.xl, NO_DOMAIN, GUEST, GUEST "x"), 0);
}
END_TEST

/* Memory. */

START_TEST(make_room_is_0_if_there_is_room)
{
	char *reason = NULL;

	ck_assert_int_eq(xl_make_room(fx.xl, fx.config, &reason), 0);
	ck_assert_ptr_null(reason);
	destroy(create());
}
END_TEST

START_TEST(make_room_is_enomem_with_its_reason_if_there_is_too_little)
{
	_cleanup_free_ char *reason = NULL;

	if (is_fake())
		change_world(DOMID_NONE, "free_kib", "1000000");
	change_config("b_info", "max_memkb", "1099511627776");
	change_config("b_info", "target_memkb", "1099511627776");
	ck_assert_int_eq(xl_make_room(fx.xl, fx.config, &reason), -ENOMEM);
	ck_assert(!str_empty(reason));
}
END_TEST

/* Whether xl would is in xl.conf, and in Xen's command line. */
START_TEST(make_room_takes_memory_from_dom0_where_xl_would)
{
	char *reason = NULL;

	if (!is_fake())
		return;
	change_world(DOMID_NONE, "free_kib", "24");
	change_world(DOMID_NONE, "dom0_spare_kib", "1000");
	ck_assert_int_eq(xl_make_room(fx.xl, fx.config, &reason), 0);
	destroy(create());
}
END_TEST

static void ignore_tick(void *data _unused_)
{
}

/* Another worker, with this deadline: how its call ends. */
static int make_room_elsewhere(usec_t deadline)
{
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct xl_options options = {
			.stop = fx.stop, .deadline = deadline, .tick = ignore_tick};
		_cleanup_free_ char *reason = NULL;
		struct xl *xl;
		int r = xl_open(&options, &xl);

		/* One that waits on and on must not keep the test waiting. */
		alarm(60);
		_exit(-(r < 0 ? r : xl_make_room(xl, fx.config, &reason)));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return -WEXITSTATUS(status);
}

START_TEST(make_room_promises_no_other_worker_the_same_memory_until_the_guest_is_built)
{
	char *reason = NULL;

	/* How much memory a real host has left only Xen knows. */
	if (!is_fake())
		return;
	change_world(DOMID_NONE, "free_kib", "3000");
	change_config("b_info", "max_memkb", "1600");
	ck_assert_int_eq(xl_make_room(fx.xl, fx.config, &reason), 0);
	ck_assert_int_eq(make_room_elsewhere(usec_now()), -ETIME);
	create();
	ck_assert_int_eq(make_room_elsewhere(usec_now()), -ENOMEM);
	change_world(DOMID_NONE, "free_kib", "1600");
	ck_assert_int_eq(make_room_elsewhere(usec_now()), 0);
}
END_TEST

/* So that another worker waits for memory that is promised. */
static void promise_all_memory(void)
{
	char *reason = NULL;

	change_world(DOMID_NONE, "free_kib", "3000");
	change_config("b_info", "max_memkb", "1600");
	ck_assert_int_eq(xl_make_room(fx.xl, fx.config, &reason), 0);
}

START_TEST(stop_ends_the_wait_for_room)
{
	if (!is_fake())
		return;
	promise_all_memory();
	ask_to_stop();
	ck_assert_int_eq(make_room_elsewhere(USEC_INFINITY), -ECANCELED);
}
END_TEST

START_TEST(the_deadline_ends_the_wait_for_room)
{
	usec_t deadline = usec_add(usec_now(), 200 * USEC_PER_MSEC);

	if (!is_fake())
		return;
	promise_all_memory();
	ck_assert_int_eq(make_room_elsewhere(deadline), -ETIME);
	ck_assert_uint_ge(usec_now(), deadline);
}
END_TEST

/* Configurations. */

START_TEST(parse_has_an_error_for_the_administrator)
{
	char path[] = "/tmp/xendomains-contract-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};

	ck_assert_int_eq(fd_write_all(fd, "name = [\n", 9), 0);
	ck_assert_int_eq(xl_parse(path, &parsed), 0);
	unlink(path);
	ck_assert_ptr_nonnull(parsed.error);
	ck_assert_ptr_null(parsed.config);
	ck_assert_ptr_nonnull(strstr(parsed.error, path));
}
END_TEST

START_TEST(parse_has_the_configuration_in_libxls_json)
{
	ck_assert_ptr_null(fx.parsed.error);
	ck_assert_ptr_nonnull(strstr(fx.parsed.config, "\"c_info\""));
	ck_assert_ptr_nonnull(strstr(fx.parsed.config, GUEST));
}
END_TEST

static void parse_text(const char *text, struct xl_parsed *ret)
{
	ck_assert_int_eq(xl_parse_text(text, strlen(text), ret), 0);
}

START_TEST(parse_tells_whether_the_file_gives_a_uuid)
{
	static const char uuid[] = "4f2c7a3e-6b1d-4e5f-9a80-1c2d3e4f5a6b";
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	_cleanup_free_ char *text = NULL;

	ck_assert(!fx.parsed.has_uuid);
	ck_assert_ptr_nonnull(strstr(fx.parsed.config, "\"uuid\""));
	ck_assert_int_eq(is_fake() ? str_format(&text, "{\"c_info\":{\"uuid\":\"%s\"}}", uuid)
				   : str_format(&text,
						"name = \"x\"\nuuid = \"%s\"\n"
						"type = \"pv\"\nkernel = \"/x\"\n",
						uuid),
			 0);
	parse_text(text, &parsed);
	ck_assert_msg(!parsed.error, "%s", parsed.error);
	ck_assert(parsed.has_uuid);
	ck_assert_ptr_nonnull(strstr(parsed.config, uuid));
}
END_TEST

/* What xl itself says, in its own words. */
START_TEST(parse_hides_a_disk_that_xl_refuses)
{
	static const char text[] = "name = \"x\"\ntype = \"pv\"\nkernel = \"/x\"\n"
				   "disk = [\"rbd:p/w:id=a:key=SECRET,raw,xvda,w\"]\n";
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};

	if (is_fake())
		return;
	parse_text(text, &parsed);
	ck_assert_ptr_nonnull(parsed.error);
	ck_assert_ptr_null(strstr(parsed.error, "SECRET"));
}
END_TEST

START_TEST(parse_text_reads_a_text_as_a_file)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(file_read(getenv("CONTRACT_CONFIG"), 1U << 20, &text, &size), 0);
	parse_text(text, &parsed);
	ck_assert_msg(!parsed.error, "%s", parsed.error);
	ck_assert(!parsed.has_uuid);
	ck_assert_ptr_nonnull(strstr(parsed.config, GUEST));
}
END_TEST

START_TEST(parse_text_names_config_update_in_its_error)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};

	parse_text("name = [\n", &parsed);
	ck_assert_ptr_nonnull(parsed.error);
	ck_assert_ptr_nonnull(strstr(parsed.error, "config-update"));
}
END_TEST

START_TEST(parse_stamp_is_the_same_while_nothing_changes)
{
	_cleanup_free_ char *before = NULL, *after = NULL;

	ck_assert_int_eq(xl_parse_stamp(&before), 0);
	ck_assert_int_eq(xl_parse_stamp(&after), 0);
	ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(parse_stamp_changes_with_xls_own_configuration)
{
	_cleanup_free_ char *before = NULL, *after = NULL;
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
	struct stat st;

	/* The stand-in has none. */
	if (is_fake() || stat(XL_CONF, &st) < 0)
		return;
	ck_assert_int_eq(xl_parse_stamp(&before), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, XL_CONF, times, 0), 0);
	ck_assert_int_eq(xl_parse_stamp(&after), 0);
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, XL_CONF, times, 0), 0);
	ck_assert_str_ne(before, after);
}
END_TEST

void add_call_clauses(TCase *tests)
{
	tcase_add_test(tests, stop_does_not_cut_off_the_other_calls);
	tcase_add_test(tests, interrupted_is_0_until_the_operation_is_to_end_early);
	tcase_add_test(tests, interrupted_is_etime_once_the_deadline_is_past);
	tcase_add_test(tests, reason_is_the_first_error_since_a_success);
	tcase_add_test(tests, timed_out_is_not_told_of_another_error);
	tcase_add_test(tests, timed_out_is_told_of_libxls_own_limit);
	tcase_add_test(tests, version_has_numbers_with_points);
	tcase_add_test(tests, a_call_for_a_domain_that_is_not_there_is_a_negative_errno);
	tcase_add_test(tests, make_room_is_0_if_there_is_room);
	tcase_add_test(tests, make_room_is_enomem_with_its_reason_if_there_is_too_little);
	tcase_add_test(tests, make_room_takes_memory_from_dom0_where_xl_would);
	tcase_add_test(tests,
		       make_room_promises_no_other_worker_the_same_memory_until_the_guest_is_built);
	tcase_add_test(tests, stop_ends_the_wait_for_room);
	tcase_add_test(tests, the_deadline_ends_the_wait_for_room);
	tcase_add_test(tests, parse_has_an_error_for_the_administrator);
	tcase_add_test(tests, parse_has_the_configuration_in_libxls_json);
	tcase_add_test(tests, parse_tells_whether_the_file_gives_a_uuid);
	tcase_add_test(tests, parse_hides_a_disk_that_xl_refuses);
	tcase_add_test(tests, parse_text_reads_a_text_as_a_file);
	tcase_add_test(tests, parse_text_names_config_update_in_its_error);
	tcase_add_test(tests, parse_stamp_is_the_same_while_nothing_changes);
	tcase_add_test(tests, parse_stamp_changes_with_xls_own_configuration);
}
