/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <sys/stat.h>
#include <unistd.h>

#include "rig-xl.h"
#include "util/fd.h"
#include "util/str.h"

/* The clauses of xl.h about domains that have ended, and about disks that a guest ejects. */

/* A domain that has shut down: libxc finds its memory only once its kernel has set it up. */
static uint32_t suspend(void)
{
	_cleanup_close_ int null = open_null();
	uint32_t domid = boot();

	ck_assert_int_eq(xl_save(fx.xl, domid, null), 0);
	return domid;
}

START_TEST(core_dump_writes_the_memory_to_a_new_file_for_its_owner_only)
{
	char folder[] = "/var/tmp/xendomains-contract-XXXXXX";
	_cleanup_free_ char *path = NULL;
	struct stat st;
	uint32_t domid;

	/* Of a PVH guest libxc asks for each page below 4 GiB: half an hour where Xen is emulated.
	 */
	if (strstr(fx.config, "\"pvh\""))
		return;
	domid = suspend();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	umask(0077);
	ck_assert_int_eq(str_format(&path, "%s/core", folder), 0);
	ck_assert_int_eq(xl_core_dump(fx.xl, domid, path), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_size, 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	destroy(domid);
}
END_TEST

START_TEST(core_dump_that_cannot_be_written_is_an_error)
{
	uint32_t domid = create();

	ck_assert_int_lt(xl_core_dump(fx.xl, domid, "/var/tmp/there/is/no/such/folder"), 0);
	destroy(domid);
}
END_TEST

START_TEST(preserve_frees_name_and_uuid_for_a_successor)
{
	uint32_t old = create(), new;
	struct uuid kept;

	ck_assert_int_eq(uuid_random(&kept), 0);
	ck_assert_int_eq(xl_preserve(fx.xl, old, "-kept", &kept), 0);
	ck_assert(is_gone());
	new = create();
	ck_assert_uint_ne(new, old);
	destroy(new);
	destroy(old);
}
END_TEST

START_TEST(preserve_gives_the_domain_this_uuid_and_its_name_with_the_suffix)
{
	uint32_t domid = create();

	ck_assert_int_eq(uuid_random(&fx.uuid), 0);
	ck_assert_int_eq(xl_preserve(fx.xl, domid, "-kept", &fx.uuid), 0);
	ck_assert_uint_eq(find().domid, domid);
	/* What it is called: a name that it has not is refused. */
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST, GUEST "x"), -EBUSY);
	ck_assert_int_eq(xl_rename(fx.xl, domid, GUEST "-kept", GUEST "x"), 0);
	destroy(domid);
	ck_assert(is_gone());
}
END_TEST

START_TEST(soft_reset_is_eopnotsupp_and_leaves_a_guest_of_another_kind)
{
	uint32_t domid;

	/* On Xen these are PV and PVH guests. */
	if (is_fake())
		change_config("fake", "reset_error", "\"not supported\"");
	domid = create();
	ck_assert_int_eq(xl_soft_reset(fx.xl, domid, fx.config, &fx.uuid), -EOPNOTSUPP);
	ck_assert_uint_eq(find().domid, domid);
	ck_assert(!find().shutdown);
	destroy(domid);
}
END_TEST

/* The rig asks of libxl what becomes of an HVM guest: this needs one that has shut down for it. */
START_TEST(soft_reset_leaves_the_domain_to_go_on_with_its_memory)
{
	uint32_t domid;

	if (!is_fake())
		return;
	change_config("fake", "ends", "{\"reason\": \"soft-reset\", \"after_ms\": 0}");
	domid = create();
	ck_assert_int_eq(xl_unpause(fx.xl, domid), 0);
	ck_assert(find().shutdown);
	ck_assert_int_eq(xl_soft_reset(fx.xl, domid, fx.config, &fx.uuid), 0);
	ck_assert_uint_eq(find().domid, domid);
	ck_assert(!find().shutdown);
}
END_TEST

START_TEST(get_update_is_enoent_and_drop_update_0_if_there_is_none)
{
	uint32_t domid = create();
	char *text;
	size_t size;

	ck_assert_int_eq(xl_get_update(fx.xl, domid, &text, &size), -ENOENT);
	ck_assert_int_eq(xl_drop_update(fx.xl, domid), 0);
	destroy(domid);
}
END_TEST

START_TEST(get_update_is_what_was_left_until_drop_update)
{
	_cleanup_free_ char *text = NULL;
	uint32_t domid;
	char *none;
	size_t size;

	/* "xl config-update" leaves one in the rig: tests/xen. */
	if (!is_fake())
		return;
	domid = create();
	change_world(domid, "update", "\"memory = 64\"");
	ck_assert_int_eq(xl_get_update(fx.xl, domid, &text, &size), 0);
	ck_assert_uint_eq(size, strlen("memory = 64"));
	ck_assert_int_eq(memcmp(text, "memory = 64", size), 0);
	ck_assert_int_eq(xl_drop_update(fx.xl, domid), 0);
	ck_assert_int_eq(xl_get_update(fx.xl, domid, &none, &size), -ENOENT);
}
END_TEST

/* Disks. */

#define DISKS                                                                                      \
	"[{\"vdev\": \"xvda\"}, {\"vdev\": \"hdc\", \"removable\": 1}, "                           \
	"{\"vdev\": \"hdd\", \"removable\": 1}]"

static size_t count_removable(uint32_t domid, struct xl_disk *disks, size_t max)
{
	size_t n = max + 1;

	ck_assert_int_eq(xl_list_removable(fx.xl, domid, disks, max, &n), 0);
	ck_assert_uint_le(n, max);
	return n;
}

START_TEST(list_removable_has_no_disk_of_a_guest_that_can_eject_none)
{
	uint32_t domid = create();
	struct xl_disk disks[4];

	ck_assert_uint_eq(count_removable(domid, disks, ELEMENTSOF(disks)), 0);
	destroy(domid);
}
END_TEST

/* Of real guests only those with a device model have such a disk. */
START_TEST(list_removable_has_the_disks_that_a_guest_can_eject_and_max_at_most)
{
	struct xl_disk disks[4];
	uint32_t domid;

	if (!is_fake())
		return;
	change_config(NULL, "disks", DISKS);
	domid = create();
	ck_assert_uint_eq(count_removable(domid, disks, ELEMENTSOF(disks)), 2);
	ck_assert_str_eq(disks[0].vdev, "hdc");
	ck_assert_str_eq(disks[1].vdev, "hdd");
	ck_assert_uint_ne(disks[0].devid, disks[1].devid);
	ck_assert_uint_eq(count_removable(domid, disks, 1), 1);
	ck_assert_str_eq(disks[0].vdev, "hdc");
}
END_TEST

START_TEST(eject_of_a_disk_that_is_not_removable_is_an_error)
{
	uint32_t domid = create();

	ck_assert_int_lt(xl_eject(fx.xl, domid, "hdc"), 0);
	destroy(domid);
}
END_TEST

/* The world's log tells. */
static bool was_ejected(void)
{
	_cleanup_free_ char *path = NULL, *log = NULL;
	size_t size;

	ck_assert_int_eq(str_format(&path, "%s/log", getenv("FAKE_WORLD")), 0);
	ck_assert_int_eq(file_read(path, 1U << 20, &log, &size), 0);
	return strstr(log, "ejects hdc");
}

START_TEST(eject_only_if_the_guest_wants_that_and_tell_it_that_it_was_heard)
{
	uint32_t domid;

	if (!is_fake())
		return;
	change_config(NULL, "disks", DISKS);
	domid = create();
	ck_assert_int_eq(xl_eject(fx.xl, domid, "hdc"), 0);
	ck_assert(!was_ejected());
	change_world(domid, "eject", "\"hdc\"");
	ck_assert_int_eq(xl_eject(fx.xl, domid, "hdd"), 0);
	ck_assert(!was_ejected());
	ck_assert_int_eq(xl_eject(fx.xl, domid, "hdc"), 0);
	ck_assert(was_ejected());
}
END_TEST

void add_death_clauses(TCase *tests)
{
	tcase_add_test(tests, core_dump_writes_the_memory_to_a_new_file_for_its_owner_only);
	tcase_add_test(tests, core_dump_that_cannot_be_written_is_an_error);
	tcase_add_test(tests, preserve_frees_name_and_uuid_for_a_successor);
	tcase_add_test(tests, preserve_gives_the_domain_this_uuid_and_its_name_with_the_suffix);
	tcase_add_test(tests, soft_reset_is_eopnotsupp_and_leaves_a_guest_of_another_kind);
	tcase_add_test(tests, soft_reset_leaves_the_domain_to_go_on_with_its_memory);
	tcase_add_test(tests, get_update_is_enoent_and_drop_update_0_if_there_is_none);
	tcase_add_test(tests, get_update_is_what_was_left_until_drop_update);
	tcase_add_test(tests, list_removable_has_no_disk_of_a_guest_that_can_eject_none);
	tcase_add_test(tests, list_removable_has_the_disks_that_a_guest_can_eject_and_max_at_most);
	tcase_add_test(tests, eject_of_a_disk_that_is_not_removable_is_an_error);
	tcase_add_test(tests, eject_only_if_the_guest_wants_that_and_tell_it_that_it_was_heard);
}
