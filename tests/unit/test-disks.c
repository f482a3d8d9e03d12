/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "unit.h"
#include "util/str.h"
#include "util/time.h"
#include "wire/ledger-record.h"
#include "worker/boots.h"
#include "worker/image/disks.h"
#include "worker/image/regions.h"

/* A configuration with one disk; the text lives until the next one. */
static const char *config_of(const char *path, const char *rest)
{
	static char text[500];

	snprintf(text, sizeof(text), "{\"disks\":[{\"pdev_path\":\"%s\"%s}]}", path, rest);
	return text;
}

#define WRITABLE ",\"readwrite\":1"

/* More than any stamp here takes. */
#define ROOM 2000

/* path: of the disk that the reason must name; NULL: none. */
static void expect(const char *config, const char *stamp, enum disks_verdict expected,
		   const char *path)
{
	enum disks_verdict verdict = DISKS_CHANGED;
	_cleanup_free_ char *reason = NULL;

	ck_assert_int_eq(disks_compare(config, stamp, &verdict, &reason), 0);
	ck_assert_int_eq(verdict, expected);
	ck_assert_int_eq(!!reason, expected >= DISKS_MISSING);
	if (path)
		ck_assert_msg(strstr(reason, path), "%s", reason);
}

START_TEST(a_disk_that_nobody_touched_is_unchanged)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL;
	const char *config;

	folder_make(&f);
	folder_write(&f, "disk", "data");
	config = config_of(folder_path(&f, "disk"), WRITABLE);
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	expect(config, stamp, DISKS_UNCHANGED, NULL);
}
END_TEST

START_TEST(a_disk_that_was_written_or_replaced_has_changed)
{
	const struct timespec other[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL;
	const char *config;

	folder_make(&f);
	folder_write(&f, "disk", "data");
	config = config_of(folder_path(&f, "disk"), WRITABLE);
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), other, 0), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "disk"));

	free(TAKE_PTR(stamp));
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	ck_assert_int_eq(truncate(folder_path(&f, "disk"), 2), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), other, 0), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "disk"));

	free(TAKE_PTR(stamp));
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	folder_write(&f, "other", "da");
	ck_assert_int_eq(rename(folder_path(&f, "other"), folder_path(&f, "disk")), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), other, 0), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "disk"));
}
END_TEST

/* Its file system may not be mounted yet, its device not attached: no proof of a change. */
START_TEST(a_disk_that_is_not_there_has_not_changed)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL, *short_stamp = NULL, *reason = NULL;
	enum disks_verdict verdict;
	const char *missing;
	char config[500];

	folder_make(&f);
	folder_write(&f, "first", "data");
	folder_write(&f, "second", "data");
	missing = folder_path(&f, "first");
	snprintf(config, sizeof(config),
		 "{\"disks\":[{\"pdev_path\":\"%s\"" WRITABLE "},{\"pdev_path\":\"%s\"" WRITABLE
		 "}]}",
		 folder_path(&f, "first"), folder_path(&f, "second"));
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	ck_assert_int_eq(disks_stamp(config, 100, &short_stamp), 0);
	ck_assert_int_eq(unlink(folder_path(&f, "first")), 0);
	expect(config, stamp, DISKS_MISSING, missing);
	expect(config, short_stamp, DISKS_MISSING, missing);
	expect(config, NULL, DISKS_MISSING, missing);
	expect(config, "{\"disks\":[]}", DISKS_MISSING, missing);
	ck_assert_int_eq(disks_compare_age(config, usec_now_wall(), &verdict, &reason), 0);
	ck_assert_int_eq(verdict, DISKS_MISSING);

	/* What is proved of another disk weighs more. */
	ck_assert_int_eq(truncate(folder_path(&f, "second"), 2), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "second"));
	free(TAKE_PTR(reason));
	ck_assert_int_eq(disks_compare_age(config, 0, &verdict, &reason), 0);
	ck_assert_int_eq(verdict, DISKS_CHANGED);
	ck_assert_msg(strstr(reason, folder_path(&f, "second")), "%s", reason);
}
END_TEST

START_TEST(a_block_device_that_is_not_there_has_not_changed)
{
	_cleanup_folder_ struct folder f;
	char config[500], stamp[500];

	folder_make(&f);
	snprintf(config, sizeof(config), "%s", config_of(folder_path(&f, "vol"), WRITABLE));
	snprintf(
		stamp, sizeof(stamp),
		"{\"disks\":[{\"path\":\"%s\",\"device\":\"d\",\"size\":1,\"%s\":\"0\",\"%s\":\"0\","
		"\"%s\":\"0\"}]}",
		folder_path(&f, "vol"), region_to_string(REGION_START),
		region_to_string(REGION_END), region_to_string(REGION_PARTITIONS));
	expect(config, stamp, DISKS_MISSING, folder_path(&f, "vol"));
	/* No driver is behind this one. */
	if (mknod(folder_path(&f, "vol"), S_IFBLK | 0600, makedev(60, 1)) == 0)
		expect(config, stamp, DISKS_MISSING, folder_path(&f, "vol"));
	unlink(folder_path(&f, "vol"));
	folder_write(&f, "vol", "a file");
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "vol"));
}
END_TEST

START_TEST(a_change_of_less_than_a_second_is_seen)
{
	struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 5000},
				    {.tv_sec = 1000, .tv_nsec = 5000}};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL;
	const char *config;

	folder_make(&f);
	folder_write(&f, "disk", "data");
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), times, 0), 0);
	config = config_of(folder_path(&f, "disk"), WRITABLE);
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	times[1].tv_nsec += 1000;
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), times, 0), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "disk"));
}
END_TEST

START_TEST(what_a_guest_cannot_write_does_not_count)
{
	_cleanup_free_ char *stamp = NULL;

	ck_assert_int_eq(disks_stamp(config_of("/nonexistent", ""), ROOM, &stamp), 0);
	expect(config_of("/nonexistent", ""), stamp, DISKS_UNCHANGED, NULL);
	expect(config_of("/nonexistent", ",\"readwrite\":0"), stamp, DISKS_UNCHANGED, NULL);
	/* An empty drive. */
	expect(config_of("", WRITABLE), stamp, DISKS_UNCHANGED, NULL);
	expect("{}", stamp, DISKS_UNCHANGED, NULL);
	expect("{\"disks\":[]}", stamp, DISKS_UNCHANGED, NULL);
}
END_TEST

/* It is no reason to keep a guest down, for it will never be otherwise. */
START_TEST(what_cannot_be_described_is_unseen)
{
	static const char *const cases[][2] = {
		{"/dev/zero", WRITABLE},
		{"/nonexistent", WRITABLE},
		{"relative/disk", WRITABLE},
		{"/tmp", WRITABLE},
		{"/etc/passwd", WRITABLE ",\"backend_domname\":\"storage\""},
		{"iqn.2001:x", WRITABLE ",\"script\":\"block-iscsi\""},
	};

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		const char *config = config_of(cases[i][0], cases[i][1]);
		_cleanup_free_ char *stamp = NULL;

		ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
		expect(config, stamp, DISKS_UNSEEN, NULL);
		/* Without a stamp not even that is known. */
		expect(config_of("/etc/passwd", WRITABLE), NULL, DISKS_UNKNOWN, NULL);
	}
}
END_TEST

START_TEST(an_unseen_disk_hides_no_change_of_another)
{
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL;
	char config[500];

	folder_make(&f);
	folder_write(&f, "disk", "data");
	snprintf(config, sizeof(config),
		 "{\"disks\":[{\"pdev_path\":\"%s\"" WRITABLE
		 "},{\"pdev_path\":\"/dev/zero\"" WRITABLE "}]}",
		 folder_path(&f, "disk"));
	ck_assert_int_eq(disks_stamp(config, ROOM, &stamp), 0);
	expect(config, stamp, DISKS_UNSEEN, NULL);
	ck_assert_int_eq(truncate(folder_path(&f, "disk"), 2), 0);
	expect(config, stamp, DISKS_CHANGED, folder_path(&f, "disk"));
}
END_TEST

START_TEST(more_disks_than_there_is_room_for_are_compared_all_the_same)
{
	_cleanup_folder_ struct folder f;
	char config[2000] = "{\"disks\":[", path[100];
	_cleanup_free_ char *stamp = NULL;

	folder_make(&f);
	for (int i = 0; i < 10; i++) {
		char name[10];

		snprintf(name, sizeof(name), "disk%d", i);
		folder_write(&f, name, "data");
		snprintf(path, sizeof(path), "%s{\"pdev_path\":\"%s\"" WRITABLE "}", i ? "," : "",
			 folder_path(&f, name));
		strcat(config, path);
	}
	strcat(config, "]}");
	ck_assert_int_eq(disks_stamp(config, 200, &stamp), 0);
	ck_assert_uint_le(strlen(stamp), 200);
	expect(config, stamp, DISKS_UNCHANGED, NULL);
	ck_assert_int_eq(truncate(folder_path(&f, "disk9"), 2), 0);
	expect(config, stamp, DISKS_CHANGED, NULL);
}
END_TEST

/* An image of xl's tells no more than when it was written. */
START_TEST(a_disk_that_is_much_younger_than_an_image_has_changed)
{
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *reason = NULL;
	enum disks_verdict verdict;
	const char *config;

	folder_make(&f);
	folder_write(&f, "disk", "data");
	config = config_of(folder_path(&f, "disk"), WRITABLE);
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), old, 0), 0);
	ck_assert_int_eq(disks_compare_age(config, 950 * USEC_PER_SEC, &verdict, &reason), 0);
	ck_assert_int_eq(verdict, DISKS_UNCHANGED);
	ck_assert_int_eq(disks_compare_age("{\"disks\":[{\"pdev_path\":\"/dev/null\"" WRITABLE
					   "}]}",
					   950 * USEC_PER_SEC, &verdict, &reason),
			 0);
	ck_assert_int_eq(verdict, DISKS_UNSEEN);
	ck_assert_int_eq(disks_compare_age(config, 900 * USEC_PER_SEC, &verdict, &reason), 0);
	ck_assert_int_eq(verdict, DISKS_CHANGED);
	ck_assert_msg(strstr(reason, folder_path(&f, "disk")), "%s", reason);
	free(TAKE_PTR(reason));
	ck_assert_int_eq(disks_compare_age("nonsense", 0, &verdict, &reason), 0);
	ck_assert_int_eq(verdict, DISKS_UNSEEN);
}
END_TEST

START_TEST(a_disk_that_the_stamp_does_not_know_proves_nothing)
{
	_cleanup_folder_ struct folder f;
	char config[500];

	folder_make(&f);
	folder_write(&f, "disk", "data");
	snprintf(config, sizeof(config), "%s", config_of(folder_path(&f, "disk"), WRITABLE));
	expect(config, "{\"disks\":[]}", DISKS_UNKNOWN, NULL);
	expect(config, "{}", DISKS_UNKNOWN, NULL);
	expect(config, "{\"disks\":[null,1,\"x\",{}]}", DISKS_UNKNOWN, NULL);
	expect(config, NULL, DISKS_UNKNOWN, NULL);
}
END_TEST

START_TEST(a_change_of_one_disk_weighs_more_than_doubt_about_another)
{
	_cleanup_folder_ struct folder f;
	char config[500], stamp[500];

	folder_make(&f);
	folder_write(&f, "disk", "data");
	snprintf(config, sizeof(config),
		 "{\"disks\":[{\"pdev_path\":\"/dev/zero\"" WRITABLE
		 "},{\"pdev_path\":\"%s\"" WRITABLE "},{\"pdev_path\":\"/dev/null\"" WRITABLE "}]}",
		 folder_path(&f, "disk"));
	snprintf(stamp, sizeof(stamp),
		 "{\"disks\":[{\"path\":\"%s\",\"inode\":1,\"size\":4,\"changed_usec\":1}]}",
		 folder_path(&f, "disk"));
	expect(config, stamp, DISKS_CHANGED, "another file");
}
END_TEST

/* What cannot be read proves nothing: memory is not brought back on the strength of it. */
START_TEST(a_stamp_that_is_none_proves_nothing)
{
	_cleanup_folder_ struct folder f;
	char config[500], stamp[500];

	folder_make(&f);
	folder_write(&f, "disk", "data");
	snprintf(config, sizeof(config), "%s", config_of(folder_path(&f, "disk"), WRITABLE));
	expect(config, "nonsense", DISKS_UNKNOWN, NULL);
	expect(config, "", DISKS_UNKNOWN, NULL);
	expect("nonsense", "{\"disks\":[]}", DISKS_UNKNOWN, NULL);
	/* Of this one only the name is known. */
	snprintf(stamp, sizeof(stamp), "{\"disks\":[{\"path\":\"%s\"}]}", folder_path(&f, "disk"));
	expect(config, stamp, DISKS_UNKNOWN, NULL);
}
END_TEST

static enum disks_verdict compare_first(const char *config, const char *stamp, const char *ledger)
{
	enum disks_verdict verdict = DISKS_CHANGED;
	_cleanup_free_ char *reason = NULL;

	ck_assert_int_eq(disks_compare_first(config, stamp, ledger, &verdict, &reason), 0);
	ck_assert_int_eq(!!reason, verdict >= DISKS_MISSING);
	return verdict;
}

START_TEST(a_first_stamp_tells_whether_a_disk_was_written_since)
{
	const struct timespec other[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	_cleanup_folder_ struct folder f;
	_cleanup_free_ char *stamp = NULL;
	const char *config;

	folder_make(&f);
	folder_write(&f, "disk", "data");
	config = config_of(folder_path(&f, "disk"), WRITABLE);
	ck_assert_int_eq(disks_stamp_first(config, ROOM, &stamp), 0);
	ck_assert_int_eq(compare_first(config, stamp, NULL), DISKS_UNCHANGED);
	/* Who wrote it is not known: it is not said to have changed. */
	ck_assert_int_eq(utimensat(AT_FDCWD, folder_path(&f, "disk"), other, 0), 0);
	ck_assert_int_eq(compare_first(config, stamp, NULL), DISKS_UNKNOWN);
	ck_assert_int_eq(unlink(folder_path(&f, "disk")), 0);
	ck_assert_int_eq(compare_first(config, stamp, NULL), DISKS_MISSING);
}
END_TEST

START_TEST(a_first_stamp_that_is_none_proves_nothing)
{
	_cleanup_folder_ struct folder f;
	char config[500];

	folder_make(&f);
	folder_write(&f, "disk", "data");
	snprintf(config, sizeof(config), "%s", config_of(folder_path(&f, "disk"), WRITABLE));
	ck_assert_int_eq(compare_first(config, NULL, NULL), DISKS_UNKNOWN);
	ck_assert_int_eq(compare_first(config, "nonsense", NULL), DISKS_UNKNOWN);
	ck_assert_int_eq(compare_first(config, "{\"disks\":[]}", NULL), DISKS_UNKNOWN);
	ck_assert_int_eq(compare_first(config,
				       "{\"boot\":\"00112233-4455-6677-8899-aabbccddeeff\","
				       "\"taken_usec\":1,\"disks\":[null,{}]}",
				       NULL),
			 DISKS_UNKNOWN);
}
END_TEST

START_TEST(a_guest_without_disks_has_nothing_to_describe)
{
	ck_assert_int_eq(compare_first("{\"disks\":[]}", NULL, NULL), DISKS_UNCHANGED);
	ck_assert_int_eq(compare_first("{}", NULL, NULL), DISKS_UNCHANGED);
	ck_assert_int_eq(compare_first(config_of("/disk", ""), NULL, NULL), DISKS_UNCHANGED);
	expect("{}", NULL, DISKS_UNCHANGED, NULL);
	expect(config_of("/disk", ""), NULL, DISKS_UNCHANGED, NULL);
}
END_TEST

START_TEST(a_disk_elsewhere_is_unseen_by_a_first_stamp)
{
	char config[500];
	_cleanup_free_ char *stamp = NULL;

	snprintf(config, sizeof(config), "%s",
		 config_of("rbd:pool/web", WRITABLE ",\"script\":\"block-rbd\""));
	ck_assert_int_eq(disks_stamp_first(config, ROOM, &stamp), 0);
	ck_assert_int_eq(compare_first(config, stamp, NULL), DISKS_UNSEEN);
}
END_TEST

START_TEST(a_first_stamp_that_finds_no_place_is_none)
{
	char *stamp = NULL;

	ck_assert_int_eq(disks_stamp_first("{}", 10, &stamp), -EMSGSIZE);
	ck_assert_ptr_null(stamp);
}
END_TEST

START_TEST(a_boot_in_between_is_known_by_its_records)
{
	const struct uuid then = {.bytes = {1}}, other = {.bytes = {2}};
	struct ledger_record record = {.kind = LEDGER_FAILURE, .name = "web", .time_wall = 500};
	_cleanup_folder_ struct folder f;
	const char *path;
	struct uuid now;

	folder_make(&f);
	path = folder_path(&f, "ledger");
	ck_assert_int_eq(ledger_boot_id(&now), 0);
	ck_assert(!boots_between(NULL, &then, 100));
	ck_assert(!boots_between(path, &then, 100));
	record.boot = then;
	ck_assert_int_eq(ledger_append(path, &record, false), 0);
	record.boot = now;
	ck_assert_int_eq(ledger_append(path, &record, false), 0);
	ck_assert(!boots_between(path, &then, 100));
	record.boot = other;
	ck_assert_int_eq(ledger_append(path, &record, false), 0);
	ck_assert(boots_between(path, &then, 100));
	/* Of an earlier one. */
	ck_assert(!boots_between(path, &then, 500));
}
END_TEST

START_TEST(a_configuration_that_is_none_has_no_stamp)
{
	char *stamp = NULL;

	ck_assert_int_eq(disks_stamp("nonsense", ROOM, &stamp), -EBADMSG);
	ck_assert_ptr_null(stamp);
}
END_TEST

SUITE("disks", a_disk_that_nobody_touched_is_unchanged,
      a_disk_that_was_written_or_replaced_has_changed, a_disk_that_is_not_there_has_not_changed,
      a_block_device_that_is_not_there_has_not_changed, a_change_of_less_than_a_second_is_seen,
      what_a_guest_cannot_write_does_not_count, what_cannot_be_described_is_unseen,
      an_unseen_disk_hides_no_change_of_another,
      more_disks_than_there_is_room_for_are_compared_all_the_same,
      a_disk_that_is_much_younger_than_an_image_has_changed,
      a_disk_that_the_stamp_does_not_know_proves_nothing,
      a_change_of_one_disk_weighs_more_than_doubt_about_another,
      a_stamp_that_is_none_proves_nothing, a_configuration_that_is_none_has_no_stamp,
      a_first_stamp_tells_whether_a_disk_was_written_since,
      a_first_stamp_that_is_none_proves_nothing, a_guest_without_disks_has_nothing_to_describe,
      a_disk_elsewhere_is_unseen_by_a_first_stamp, a_boot_in_between_is_known_by_its_records,
      a_first_stamp_that_finds_no_place_is_none);
