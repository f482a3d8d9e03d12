/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/ledger-record.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"
#define BOOT "11112222-3333-4444-5555-666677778888"
#define REST "\"uuid\":\"" UUID "\",\"boot\":\"" BOOT "\",\"monotonic_usec\":5,\"time_usec\":6"

static struct ledger_record sample(enum ledger_kind kind)
{
	struct ledger_record entry = {
		.kind = kind,
		.name = "web",
		.reason = "a \"reason\"\n",
		.target = "other",
		.time = 123456,
		.time_wall = 654321,
		.life = "ended",
		.standing = "newest",
		.other = "clone",
		.doubtful = true,
		.followed = true,
		.path = "/save/web",
		.directory = "fs:12",
		.source = "/auto/web.cfg",
		.size = 4096,
		.domid = 7,
		.rate = 99,
		.disk_rate = 77,
		.format = LEDGER_FORMAT_READ,
	};

	ck_assert_int_eq(uuid_parse(UUID, &entry.uuid), 0);
	ck_assert_int_eq(uuid_parse(BOOT, &entry.boot), 0);
	entry.image = entry.boot;
	return entry;
}

/* A line with the checksum that it needs. */
static int parse(const char *json, size_t length, struct ledger_record *ret,
		 struct json_object **ret_line)
{
	char line[1000];
	int n = snprintf(line, sizeof(line), "%016" PRIx64 " %.*s",
			 (uint64_t)XXH64(json, length, 0), (int)length, json);

	ck_assert(n > 0 && (size_t)n < sizeof(line));
	return ledger_record_parse(line, (size_t)n, ret, ret_line);
}

START_TEST(every_kind_is_read_as_it_was_written)
{
	for (int kind = 0; kind < _LEDGER_KIND_MAX; kind++) {
		struct ledger_record in = sample((enum ledger_kind)kind), out;
		_cleanup_json_ struct json_object *o = NULL;
		_cleanup_folder_ struct folder f;
		_cleanup_free_ char *text = NULL;
		size_t size;

		folder_make(&f);
		ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &in, true), 0);
		ck_assert_int_eq(file_read(folder_path(&f, "ledger"), 1000, &text, &size), 0);
		ck_assert_ptr_eq(strchr(text, '\n'), text + size - 1);
		ck_assert_int_eq(ledger_record_parse(text, size - 1, &out, &o), 0);
		ck_assert_int_eq(out.kind, kind);
		ck_assert(uuid_equal(&out.uuid, &in.uuid));
		ck_assert(uuid_equal(&out.boot, &in.boot));
		ck_assert_str_eq(out.name, in.name);
		ck_assert_str_eq(out.reason, in.reason);
		ck_assert_str_eq(out.target, in.target);
		ck_assert_uint_eq(out.time, in.time);
		ck_assert_uint_eq(out.time_wall, in.time_wall);
		ck_assert_str_eq(out.life, in.life);
		ck_assert_str_eq(out.standing, in.standing);
		ck_assert_str_eq(out.other, in.other);
		ck_assert(out.doubtful);
		ck_assert(out.followed);
		ck_assert(uuid_equal(&out.image, &in.image));
		ck_assert_str_eq(out.path, in.path);
		ck_assert_str_eq(out.directory, in.directory);
		ck_assert_str_eq(out.source, in.source);
		ck_assert_uint_eq(out.size, kind == LEDGER_SAVED ? in.size : 0);
		ck_assert_uint_eq(out.rate, kind == LEDGER_PACE ? in.rate : 0);
		ck_assert_uint_eq(out.disk_rate, kind == LEDGER_PACE ? in.disk_rate : 0);
		ck_assert_uint_eq(out.format, kind == LEDGER_KEPT ? in.format : 0);
	}
}
END_TEST

START_TEST(a_ledger_is_for_root_only_and_grows)
{
	struct ledger_record entry = sample(LEDGER_FAILURE);
	_cleanup_folder_ struct folder f;
	struct stat once, twice;

	folder_make(&f);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, true), 0);
	ck_assert_int_eq(stat(folder_path(&f, "ledger"), &once), 0);
	ck_assert_uint_eq(once.st_mode & 0777, 0600);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, true), 0);
	ck_assert_int_eq(stat(folder_path(&f, "ledger"), &twice), 0);
	ck_assert_int_gt(twice.st_size, once.st_size);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	struct ledger_record entry = sample(LEDGER_FAILURE);
	_cleanup_folder_ struct folder f;

	folder_make(&f);
	ck_assert_int_eq(symlink("/etc/passwd", folder_path(&f, "ledger")), 0);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, true), -ELOOP);
	ck_assert_int_eq(ledger_append(folder_path(&f, "no/ledger"), &entry, true), -ENOENT);
	ck_assert_int_eq(ledger_append("/dev/full", &entry, true), -ENOSPC);
}
END_TEST

START_TEST(what_a_line_does_not_say_is_not_made_up)
{
	static const char line[] = "{\"entry\":\"failure\"," REST "}";
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record entry;

	ck_assert_int_eq(parse(line, strlen(line), &entry, &o), 0);
	ck_assert_int_eq(entry.kind, LEDGER_FAILURE);
	ck_assert_ptr_null(entry.name);
	ck_assert_ptr_null(entry.reason);
	ck_assert_uint_eq(entry.time, 5);
}
END_TEST

START_TEST(a_torn_line_is_refused_wherever_it_is_torn)
{
	static const char line[] = "{\"entry\":\"drawn\",\"name\":\"web\"," REST "}";
	struct json_object *o = NULL;
	struct ledger_record entry;

	for (size_t cut = 0; cut < strlen(line); cut++)
		ck_assert_int_eq(parse(line, cut, &entry, &o), -EBADMSG);
	ck_assert_ptr_null(o);
	ck_assert_int_eq(parse(line, strlen(line), &entry, &o), 0);
	json_object_put(o);
}
END_TEST

START_TEST(a_line_that_says_too_little_is_refused)
{
	static const char *const bad[] = {
		"{}",
		"{" REST "}",
		"{\"entry\":\"forgotten\"," REST "}",
		"{\"entry\":\"drawn\"," REST "}",
		"{\"entry\":\"failure\",\"boot\":\"" BOOT
		"\",\"monotonic_usec\":5,\"time_usec\":6}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID
		"\",\"monotonic_usec\":5,\"time_usec\":6}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"boot\":\"" BOOT "\"}",
		"{\"entry\":\"failure\",\"uuid\":\"x\",\"boot\":\"" BOOT
		"\",\"monotonic_usec\":5,\"time_usec\":6}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"boot\":\"" BOOT
		"\",\"monotonic_usec\":-5,\"time_usec\":6}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"boot\":\"" BOOT
		"\",\"monotonic_usec\":5}",
		"{\"entry\":\"saved\"," REST "}",
		"{\"entry\":\"outlived\"," REST "}",
		"{\"entry\":\"ended\"," REST "}",
		"{\"entry\":\"life\"," REST "}",
		"{\"entry\":\"image\",\"image\":\"" UUID "\"," REST "}",
	};
	struct ledger_record entry;
	struct json_object *o = NULL;

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ck_assert_msg(parse(bad[i], strlen(bad[i]), &entry, &o) == -EBADMSG, "taken: %s",
			      bad[i]);
	ck_assert_ptr_null(o);
}
END_TEST

START_TEST(a_record_with_any_bit_changed_is_refused)
{
	struct ledger_record entry = sample(LEDGER_SAVED), out;
	_cleanup_free_ char *line = NULL;
	struct json_object *o = NULL;

	ck_assert_int_eq(ledger_record_format(&entry, &line), 0);
	for (size_t i = 0; i + 1 < strlen(line); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			line[i] ^= (char)(1U << bit);
			ck_assert_int_eq(ledger_record_parse(line, strlen(line) - 1, &out, &o),
					 -EBADMSG);
			line[i] ^= (char)(1U << bit);
		}
	ck_assert_ptr_null(o);
}
END_TEST

START_TEST(a_record_is_not_joined_to_a_torn_one)
{
	struct ledger_record entry = sample(LEDGER_SAVED);
	_cleanup_free_ char *text = NULL;
	_cleanup_folder_ struct folder f;
	size_t size;

	folder_make(&f);
	folder_write(&f, "ledger", "torn");
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, false), 0);
	ck_assert_int_eq(file_read(folder_path(&f, "ledger"), 1000, &text, &size), 0);
	ck_assert(size > 6 && memcmp(text, "torn\030\n", 6) == 0);
	ck_assert(ledger_line_is_torn(text, 5));
	ck_assert(!ledger_line_is_torn(text + 6, size - 7));
	ck_assert(!ledger_line_is_torn(text, 0));
}
END_TEST

static void append_kept(const struct folder *f, uint64_t format)
{
	struct ledger_record entry = sample(LEDGER_KEPT);

	entry.format = format;
	ck_assert_int_eq(ledger_append(folder_path(f, "ledger"), &entry, false), 0);
}

static uint64_t format_of(const struct folder *f)
{
	_cleanup_close_ int fd = open(folder_path(f, "ledger"), O_RDONLY | O_CLOEXEC);
	uint64_t format;

	ck_assert_int_eq(ledger_format_of(fd, 0, &format), 0);
	return format;
}

START_TEST(the_format_of_a_ledger_is_the_highest_in_it)
{
	static const char line[] = "{\"entry\":\"kept\"," REST "}";
	_cleanup_json_ struct json_object *o = NULL;
	_cleanup_folder_ struct folder f;
	struct ledger_record entry;

	ck_assert_int_eq(parse(line, strlen(line), &entry, &o), 0);
	ck_assert_uint_eq(entry.format, 0);
	folder_make(&f);
	folder_write(&f, "ledger", "");
	ck_assert_uint_eq(format_of(&f), 0);
	folder_write(&f, "ledger", "0 {\"entry\":\"kept\",\"format\":9}\n");
	ck_assert_uint_eq(format_of(&f), 0);
	append_kept(&f, 3);
	append_kept(&f, 7);
	append_kept(&f, 5);
	ck_assert_uint_eq(format_of(&f), 7);
}
END_TEST

START_TEST(the_format_of_a_long_ledger_is_found_wherever_it_stands)
{
	struct ledger_record entry = sample(LEDGER_SAVED);
	_cleanup_free_ char *text = calloc(1, 300000);
	_cleanup_folder_ struct folder f;
	_cleanup_close_ int fd = -1;
	uint64_t format;
	off_t size;

	folder_make(&f);
	/* It is read in parts of 256 KiB, and one of them ends in the record. */
	memset(text, '\n', (256U << 10) - 40);
	folder_write(&f, "ledger", text);
	append_kept(&f, 8);
	append_kept(&f, 2);
	ck_assert_uint_eq(format_of(&f), 8);
	/* A line of a newer version may have any length. */
	memset(text, 'x', 299999);
	entry.name = text;
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, false), 0);
	fd = open(folder_path(&f, "ledger"), O_RDONLY | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	append_kept(&f, 9);
	ck_assert_uint_eq(format_of(&f), 9);
	append_kept(&f, 4);
	ck_assert_int_eq(ledger_format_of(fd, size, &format), 0);
	ck_assert_uint_eq(format, 9);
	ck_assert_int_eq(ledger_format_of(fd, lseek(fd, 0, SEEK_END), &format), 0);
	ck_assert_uint_eq(format, 0);
}
END_TEST

START_TEST(a_worker_records_nothing_in_a_ledger_of_a_newer_version)
{
	struct ledger_record entry = sample(LEDGER_SAVED);
	_cleanup_folder_ struct folder f;
	struct stat before, after;

	folder_make(&f);
	append_kept(&f, LEDGER_FORMAT_READ);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, true), 0);
	append_kept(&f, LEDGER_FORMAT_READ + 1);
	ck_assert_int_eq(stat(folder_path(&f, "ledger"), &before), 0);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry, true), -EPROTO);
	ck_assert_int_eq(stat(folder_path(&f, "ledger"), &after), 0);
	ck_assert_int_eq(after.st_size, before.st_size);
	ck_assert_int_eq(after.st_blocks, before.st_blocks);
}
END_TEST

START_TEST(one_boot_has_one_id)
{
	struct uuid a, b;

	ck_assert_int_eq(ledger_boot_id(&a), 0);
	ck_assert_int_eq(ledger_boot_id(&b), 0);
	ck_assert(uuid_equal(&a, &b));
	ck_assert(!uuid_is_null(&a));
}
END_TEST

START_TEST(who_goes_away_has_a_name_and_goes_somewhere)
{
	static const char *const bad[] = {
		"{\"entry\":\"leaving\",\"name\":\"web\"," REST "}",
		"{\"entry\":\"migrated\",\"target\":\"b\"," REST "}",
	};

	for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
		_cleanup_json_ struct json_object *o = NULL;
		struct ledger_record entry;

		ck_assert_int_eq(parse(bad[i], strlen(bad[i]), &entry, &o), -EBADMSG);
	}
}
END_TEST

SUITE("ledger", every_kind_is_read_as_it_was_written, a_ledger_is_for_root_only_and_grows,
      a_link_is_not_followed, what_a_line_does_not_say_is_not_made_up,
      a_torn_line_is_refused_wherever_it_is_torn, a_line_that_says_too_little_is_refused,
      a_record_with_any_bit_changed_is_refused, a_record_is_not_joined_to_a_torn_one,
      the_format_of_a_ledger_is_the_highest_in_it,
      the_format_of_a_long_ledger_is_found_wherever_it_stands,
      a_worker_records_nothing_in_a_ledger_of_a_newer_version, one_boot_has_one_id,
      who_goes_away_has_a_name_and_goes_somewhere);
