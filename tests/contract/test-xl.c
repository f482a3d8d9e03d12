/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/json.h"
#include "wire/mark.h"
#include "worker/image/pump.h"
#include "worker/xl/xl.h"

/*
 * What daemon/worker/xl/xl.h promises, asked of libxl and of its stand-in: CONTRACT_CONFIG is the
 * configuration of a guest called "contract".
 */

#define GUEST "contract"

struct fixture {
	struct xl *xl;
	int stop;
	struct xl_parsed parsed;
	struct uuid uuid;
};

static struct fixture fx;

static void on_tick(void *data _unused_)
{
}

static void reopen(usec_t deadline)
{
	struct xl_options options = {.stop = fx.stop, .deadline = deadline, .tick = on_tick};

	xl_close(fx.xl);
	ck_assert_int_eq(xl_open(&options, &fx.xl), 0);
}

static void setup(void)
{
	const char *backend = getenv("CONTRACT_BACKEND");

	fx = (struct fixture){.stop = eventfd(0, EFD_CLOEXEC)};
	if (str_equal(backend, "fake")) {
		char world[] = "/tmp/xendomains-contract-XXXXXX";

		ck_assert_ptr_nonnull(mkdtemp(world));
		ck_assert_int_eq(setenv("FAKE_WORLD", world, 1), 0);
	}
	ck_assert_int_ge(fx.stop, 0);
	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	ck_assert_int_eq(xl_parse(getenv("CONTRACT_CONFIG"), &fx.parsed), 0);
	ck_assert_msg(!fx.parsed.error, "%s", fx.parsed.error);
	reopen(USEC_INFINITY);
}

static void teardown(void)
{
	xl_close(fx.xl);
	xl_parsed_done(&fx.parsed);
	close(fx.stop);
	if (getenv("FAKE_WORLD")) {
		_cleanup_free_ char *command = NULL;

		ck_assert_int_eq(str_format(&command, "rm -rf %s", getenv("FAKE_WORLD")), 0);
		ck_assert_int_eq(system(command), 0);
	}
}

static void ask_to_stop(void)
{
	ck_assert_int_eq(eventfd_write(fx.stop, 1), 0);
}

static struct xl_domain find(void)
{
	struct xl_domain d;

	ck_assert_int_eq(xl_find(fx.xl, &fx.uuid, XL_NO_DOMID, &d), 0);
	ck_assert(!d.dying);
	return d;
}

static bool is_gone(void)
{
	struct xl_domain d;
	int r = xl_find(fx.xl, &fx.uuid, XL_NO_DOMID, &d);

	return r == -ESRCH || (r == 0 && d.dying);
}

static uint32_t create(void)
{
	uint32_t domid = XL_NO_DOMID;

	ck_assert_int_eq(xl_create(fx.xl, fx.parsed.config, &fx.uuid, &domid), 0);
	ck_assert_uint_eq(find().domid, domid);
	return domid;
}

START_TEST(what_xl_cannot_read_is_refused_with_its_words)
{
	char path[] = "/tmp/xendomains-contract-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};

	ck_assert_int_eq(fd_write_all(fd, "name = [\n", 9), 0);
	ck_assert_int_eq(xl_parse(path, &parsed), 0);
	ck_assert_ptr_nonnull(parsed.error);
	ck_assert_ptr_nonnull(strstr(parsed.error, path));
	unlink(path);
}
END_TEST

START_TEST(a_configuration_without_uuid_is_told_from_one_with)
{
	ck_assert(!fx.parsed.has_uuid);
}
END_TEST

START_TEST(there_is_room_for_the_guest_but_not_for_a_monster)
{
	_cleanup_json_ struct json_object *config = NULL;
	_cleanup_free_ char *reason = NULL;
	struct json_object *info;

	ck_assert_int_eq(xl_make_room(fx.xl, fx.parsed.config, &reason), 0);
	ck_assert_int_eq(json_parse(fx.parsed.config, strlen(fx.parsed.config), &config), 0);
	info = json_get(config, "b_info", json_type_object);
	json_add_u64(info, "max_memkb", 1ULL << 40);
	json_add_u64(info, "target_memkb", 1ULL << 40);
	if (str_equal(getenv("CONTRACT_BACKEND"), "fake"))
		return; /* its memory has no end unless a test says so */
	ck_assert_int_eq(xl_make_room(fx.xl, json_text(config, NULL), &reason), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(reason, "not enough memory"));
}
END_TEST

START_TEST(create_that_is_asked_to_stop_leaves_no_domain)
{
	uint32_t domid;

	ask_to_stop();
	ck_assert_int_eq(xl_interrupted(fx.xl), -ECANCELED);
	ck_assert_int_eq(xl_create(fx.xl, fx.parsed.config, &fx.uuid, &domid), -ECANCELED);
	ck_assert(is_gone());
}
END_TEST

START_TEST(create_past_its_deadline_leaves_no_domain)
{
	uint32_t domid;

	reopen(usec_now());
	ck_assert_int_eq(xl_create(fx.xl, fx.parsed.config, &fx.uuid, &domid), -ETIME);
	ck_assert(is_gone());
}
END_TEST

START_TEST(calls_for_a_domain_that_is_not_there_fail)
{
	struct xl_domain d;
	char *config;

	ck_assert_int_eq(xl_find(fx.xl, &fx.uuid, XL_NO_DOMID, &d), -ESRCH);
	ck_assert_int_lt(xl_get_config(fx.xl, 12345, &config), 0);
	ck_assert_int_lt(xl_resume(fx.xl, 12345), 0);
}
END_TEST

START_TEST(a_domain_is_built_paused_and_goes)
{
	_cleanup_free_ char *mark = NULL, *read = NULL, *config = NULL;
	uint32_t domid = create();

	ck_assert(find().paused);
	ck_assert_int_eq(xl_get_mark(fx.xl, domid, &read), -ENOENT);
	ck_assert_int_eq(mark_format(&fx.uuid, "x", fx.parsed.config, NULL, &mark), 0);
	ck_assert_int_eq(xl_set_mark(fx.xl, domid, mark), 0);
	ck_assert_int_eq(xl_get_mark(fx.xl, domid, &read), 0);
	ck_assert_str_eq(read, mark);
	ck_assert_int_eq(xl_get_config(fx.xl, domid, &config), 0);
	ck_assert_ptr_nonnull(strstr(config, GUEST));
	ck_assert_ptr_nonnull(strstr(config, UUID_TEXT(&fx.uuid)));
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	ck_assert(!find().paused);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
	ck_assert(is_gone());
}
END_TEST

/* Through a pump, as the worker does it: what libxl writes must be a stream from end to end. */
static void save(uint32_t domid, int file)
{
	struct pump_result result;
	struct pump *pump;
	int pipe;

	ck_assert_int_eq(pump_to_file(file, &pump, &pipe), 0);
	ck_assert_int_eq(xl_save(fx.xl, domid, pipe), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_msg(result.error == 0, "%s", result.problem);
}

static uint32_t restore(const char *config, int file)
{
	uint32_t domid = XL_NO_DOMID;
	struct pump_result result;
	struct pump *pump;
	int pipe;

	ck_assert_int_eq(lseek(file, 0, SEEK_SET), 0);
	ck_assert_int_eq(pump_from_file(file, &pump, &pipe), 0);
	ck_assert_int_eq(xl_restore(fx.xl, config, pipe, &domid), 0);
	close(pipe);
	pump_join(pump, &result);
	ck_assert_int_eq(result.error, 0);
	return domid;
}

/* A guest that has not booted cannot suspend: it is given chances enough. */
static void save_when_up(uint32_t domid, int file)
{
	int r = -ETIMEDOUT;

	for (int i = 0; i < 100 && r == -ETIMEDOUT; i++) {
		_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		r = xl_save(fx.xl, domid, null);
	}
	ck_assert_int_eq(r, 0);
	ck_assert(find().suspended);
	ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	ck_assert(!find().shutdown);
	save(domid, file);
}

START_TEST(a_saved_domain_is_suspended_and_can_be_resumed_or_restored)
{
	_cleanup_free_ char *config = NULL;
	char path[] = "/var/tmp/xendomains-contract-XXXXXX";
	_cleanup_close_ int file = mkstemp(path);
	uint32_t domid = create();

	ck_assert_int_ge(file, 0);
	unlink(path);
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	save_when_up(domid, file);
	ck_assert(find().suspended);
	ck_assert_int_eq(xl_get_config(fx.xl, domid, &config), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
	domid = restore(config, file);
	ck_assert(find().paused);
	ck_assert_uint_eq(find().domid, domid);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

/* Not all guests of all Xens can: those must run on. */
START_TEST(a_domain_goes_live_and_stands_still_in_the_end_or_runs_on)
{
	char path[] = "/var/tmp/xendomains-contract-XXXXXX";
	_cleanup_close_ int file = mkstemp(path);
	struct pump_result result;
	struct pump *pump;
	uint32_t domid = create();
	int pipe, r;

	ck_assert_int_ge(file, 0);
	unlink(path);
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	save_when_up(domid, file);
	ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	ck_assert_int_eq(pump_to_file(file, &pump, &pipe), 0);
	r = xl_migrate(fx.xl, domid, pipe, false);
	close(pipe);
	pump_join(pump, &result);
	if (r == 0) {
		ck_assert_msg(result.error == 0, "%s", result.problem);
		ck_assert(find().suspended);
		ck_assert_int_eq(xl_resume(fx.xl, domid), 0);
	}
	ck_assert_msg(r == 0 || xl_reason(fx.xl), "an error without a reason");
	ck_assert(!find().shutdown);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

START_TEST(a_domain_is_renamed_once_and_only_by_its_name)
{
	uint32_t domid = create();

	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST "x", GUEST "y"), -EBUSY);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "--migratedaway"), 0);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "--migratedaway"), 0);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST "--migratedaway", GUEST), 0);
	ck_assert_int_lt(xl_rename(fx.xl, 12345, GUEST, GUEST "x"), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

/* Migrated to the host that it is on, a guest is there twice. */
START_TEST(of_two_domains_of_a_guest_the_one_that_is_meant_is_found)
{
	uint32_t first = create(), second = XL_NO_DOMID;
	struct xl_domain d;

	ck_assert_int_eq(xl_rename(fx.xl, first, GUEST, GUEST "--migratedaway"), 0);
	ck_assert_int_eq(xl_create(fx.xl, fx.parsed.config, &fx.uuid, &second), 0);
	ck_assert_int_eq(xl_find(fx.xl, &fx.uuid, first, &d), 0);
	ck_assert_uint_eq(d.domid, first);
	ck_assert_int_eq(xl_find(fx.xl, &fx.uuid, second, &d), 0);
	ck_assert_uint_eq(d.domid, second);
	ck_assert_int_eq(xl_destroy(fx.xl, first), 0);
	ck_assert_uint_eq(find().domid, second);
	ck_assert_int_eq(xl_destroy(fx.xl, second), 0);
}
END_TEST

START_TEST(a_stream_that_is_cut_short_leaves_no_domain)
{
	/* libxl's header, and that a guest follows. */
	static const uint8_t head[XL_STREAM_HEAD] = "LibxlFmt\0\0\0\2\0\0\0\0\1";
	int pipes[2];
	uint32_t domid;

	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	ck_assert_int_eq(fd_write_all(pipes[1], head, sizeof(head)), 0);
	close(pipes[1]);
	ck_assert_int_lt(xl_restore(fx.xl, fx.parsed.config, pipes[0], &domid), 0);
	close(pipes[0]);
	ck_assert(is_gone());
}
END_TEST

START_TEST(the_memory_of_a_domain_is_dumped_for_root_only)
{
	char folder[] = "/var/tmp/xendomains-contract-XXXXXX";
	_cleanup_close_ int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	_cleanup_free_ char *path = NULL;
	struct stat st;
	uint32_t domid;

	/* Of a PVH guest libxc asks for each page below 4 GiB: half an hour where Xen is emulated.
	 */
	if (strstr(fx.parsed.config, "\"pvh\""))
		return;
	domid = create();
	/* libxc finds the memory of a guest only once its kernel has set it up. */
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	save_when_up(domid, null);
	ck_assert_ptr_nonnull(mkdtemp(folder));
	umask(0077);
	ck_assert_int_eq(str_format(&path, "%s/core", folder), 0);
	ck_assert_int_eq(xl_core_dump(fx.xl, domid, path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(unlink(path), 0);
	free(TAKE_PTR(path));
	ck_assert_int_eq(str_format(&path, "%s/no/such/folder", folder), 0);
	ck_assert_int_lt(xl_core_dump(fx.xl, domid, path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

START_TEST(a_preserved_domain_makes_way_for_its_successor)
{
	const struct uuid first = fx.uuid;
	uint32_t old = create(), new;
	struct uuid kept;

	ck_assert_int_eq(uuid_random(&kept), 0);
	ck_assert_int_eq(xl_preserve(fx.xl, old, "-kept", &kept), 0);
	ck_assert(is_gone());
	new = create();
	ck_assert_uint_ne(new, old);
	fx.uuid = kept;
	ck_assert_uint_eq(find().domid, old);
	ck_assert_int_eq(xl_destroy(fx.xl, old), 0);
	ck_assert(is_gone());
	fx.uuid = first;
	ck_assert_uint_eq(find().domid, new);
	ck_assert_int_eq(xl_destroy(fx.xl, new), 0);
}
END_TEST

START_TEST(a_soft_reset_that_cannot_be_leaves_the_domain)
{
	/* On Xen these are PV and PVH guests; the stand-in's is one that has not shut down. */
	int error = getenv("FAKE_WORLD") ? -EIO : -EOPNOTSUPP;
	uint32_t domid = create();

	ck_assert_int_eq(xl_soft_reset(fx.xl, domid, fx.parsed.config, &fx.uuid), error);
	ck_assert_uint_eq(find().domid, domid);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

START_TEST(a_domain_has_no_changed_configuration_unless_somebody_left_one)
{
	uint32_t domid = create();
	char *text;
	size_t size;

	ck_assert_int_eq(xl_get_update(fx.xl, domid, &text, &size), -ENOENT);
	ck_assert_int_eq(xl_drop_update(fx.xl, domid), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

START_TEST(a_text_is_read_as_a_file_is)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0}, bad = {0};
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(file_read(getenv("CONTRACT_CONFIG"), 1U << 20, &text, &size), 0);
	ck_assert_int_eq(xl_parse_text(text, size, &parsed), 0);
	ck_assert_msg(!parsed.error, "%s", parsed.error);
	ck_assert(!parsed.has_uuid);
	ck_assert_ptr_nonnull(strstr(parsed.config, GUEST));
	ck_assert_int_eq(xl_parse_text("name = [\n", 9, &bad), 0);
	ck_assert_ptr_nonnull(bad.error);
	ck_assert_ptr_nonnull(strstr(bad.error, "config-update"));
}
END_TEST

START_TEST(what_is_no_removable_disk_is_not_ejected)
{
	uint32_t domid = create();
	struct xl_disk disks[4];
	size_t n = 4;

	ck_assert_int_eq(xl_list_removable(fx.xl, domid, disks, ELEMENTSOF(disks), &n), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_int_lt(xl_eject(fx.xl, domid, "hdc"), 0);
	ck_assert_int_eq(xl_destroy(fx.xl, domid), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("xl");
	TCase *tests = tcase_create(getenv("CONTRACT_BACKEND"));
	SRunner *runner = srunner_create(suite);
	int failed;

	suite_add_tcase(suite, tests);
	tcase_set_timeout(tests, 1800);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, what_xl_cannot_read_is_refused_with_its_words);
	tcase_add_test(tests, a_configuration_without_uuid_is_told_from_one_with);
	tcase_add_test(tests, there_is_room_for_the_guest_but_not_for_a_monster);
	tcase_add_test(tests, create_that_is_asked_to_stop_leaves_no_domain);
	tcase_add_test(tests, create_past_its_deadline_leaves_no_domain);
	tcase_add_test(tests, calls_for_a_domain_that_is_not_there_fail);
	tcase_add_test(tests, a_domain_is_built_paused_and_goes);
	tcase_add_test(tests, a_saved_domain_is_suspended_and_can_be_resumed_or_restored);
	tcase_add_test(tests, a_domain_goes_live_and_stands_still_in_the_end_or_runs_on);
	tcase_add_test(tests, a_domain_is_renamed_once_and_only_by_its_name);
	tcase_add_test(tests, of_two_domains_of_a_guest_the_one_that_is_meant_is_found);
	tcase_add_test(tests, a_stream_that_is_cut_short_leaves_no_domain);
	tcase_add_test(tests, the_memory_of_a_domain_is_dumped_for_root_only);
	tcase_add_test(tests, a_preserved_domain_makes_way_for_its_successor);
	tcase_add_test(tests, a_soft_reset_that_cannot_be_leaves_the_domain);
	tcase_add_test(tests, a_domain_has_no_changed_configuration_unless_somebody_left_one);
	tcase_add_test(tests, a_text_is_read_as_a_file_is);
	tcase_add_test(tests, what_is_no_removable_disk_is_not_ejected);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
