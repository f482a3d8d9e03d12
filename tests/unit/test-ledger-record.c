/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "util/str.h"
#include "wire/ledger-record.h"

#define UUID "00112233-4455-6677-8899-aabbccddeeff"
#define BOOT "11112222-3333-4444-5555-666677778888"
#define REST "\"uuid\":\"" UUID "\",\"boot\":\"" BOOT "\",\"monotonic_usec\":5"

static struct ledger_record sample(enum ledger_kind kind)
{
	struct ledger_record entry = {
		.kind = kind,
		.name = "web",
		.reason = "a \"reason\"\n",
		.target = "other",
		.time = 123456,
	};

	ck_assert_int_eq(uuid_parse(UUID, &entry.uuid), 0);
	ck_assert_int_eq(uuid_parse(BOOT, &entry.boot), 0);
	return entry;
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
		ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &in), 0);
		ck_assert_int_eq(file_read(folder_path(&f, "ledger"), 1000, &text, &size), 0);
		/* An empty line, and one that holds it all. */
		ck_assert_int_eq(text[0], '\n');
		ck_assert_ptr_eq(strchr(text + 1, '\n'), text + size - 1);
		ck_assert_int_eq(ledger_record_parse(text + 1, size - 2, &out, &o), 0);
		ck_assert_int_eq(out.kind, kind);
		ck_assert(uuid_equal(&out.uuid, &in.uuid));
		ck_assert(uuid_equal(&out.boot, &in.boot));
		ck_assert_str_eq(out.name, in.name);
		ck_assert_str_eq(out.reason, in.reason);
		ck_assert_str_eq(out.target, in.target);
		ck_assert_uint_eq(out.time, in.time);
	}
}
END_TEST

START_TEST(a_ledger_is_for_root_only_and_grows)
{
	struct ledger_record entry = sample(LEDGER_FAILURE);
	_cleanup_folder_ struct folder f;
	struct stat once, twice;

	folder_make(&f);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry), 0);
	ck_assert_int_eq(stat(folder_path(&f, "ledger"), &once), 0);
	ck_assert_uint_eq(once.st_mode & 0777, 0600);
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry), 0);
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
	ck_assert_int_eq(ledger_append(folder_path(&f, "ledger"), &entry), -ELOOP);
	ck_assert_int_eq(ledger_append(folder_path(&f, "no/ledger"), &entry), -ENOENT);
	ck_assert_int_eq(ledger_append("/dev/full", &entry), -ENOSPC);
}
END_TEST

START_TEST(what_a_line_does_not_say_is_not_made_up)
{
	static const char line[] = "{\"entry\":\"failure\"," REST "}";
	_cleanup_json_ struct json_object *o = NULL;
	struct ledger_record entry;

	ck_assert_int_eq(ledger_record_parse(line, strlen(line), &entry, &o), 0);
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
		ck_assert_int_eq(ledger_record_parse(line, cut, &entry, &o), -EBADMSG);
	ck_assert_ptr_null(o);
	ck_assert_int_eq(ledger_record_parse(line, strlen(line), &entry, &o), 0);
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
		"{\"entry\":\"failure\",\"boot\":\"" BOOT "\",\"monotonic_usec\":5}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"monotonic_usec\":5}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"boot\":\"" BOOT "\"}",
		"{\"entry\":\"failure\",\"uuid\":\"x\",\"boot\":\"" BOOT "\",\"monotonic_usec\":5}",
		"{\"entry\":\"failure\",\"uuid\":\"" UUID "\",\"boot\":\"" BOOT
		"\",\"monotonic_usec\":-5}",
	};
	struct ledger_record entry;
	struct json_object *o = NULL;

	for (size_t i = 0; i < ELEMENTSOF(bad); i++)
		ck_assert_msg(ledger_record_parse(bad[i], strlen(bad[i]), &entry, &o) == -EBADMSG,
			      "taken: %s", bad[i]);
	ck_assert_ptr_null(o);
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

		ck_assert_int_eq(ledger_record_parse(bad[i], strlen(bad[i]), &entry, &o), -EBADMSG);
	}
}
END_TEST

SUITE("ledger", every_kind_is_read_as_it_was_written, a_ledger_is_for_root_only_and_grows,
      a_link_is_not_followed, what_a_line_does_not_say_is_not_made_up,
      a_torn_line_is_refused_wherever_it_is_torn, a_line_that_says_too_little_is_refused,
      one_boot_has_one_id, who_goes_away_has_a_name_and_goes_somewhere);
