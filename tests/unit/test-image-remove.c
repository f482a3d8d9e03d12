/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "worker/image/names.h"

static struct folder folder;

static int open_there(const char *name)
{
	int fd = open(folder_path(&folder, name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void expect_content(const char *name, const char *content)
{
	_cleanup_close_ int fd = open_there(name);
	char text[32] = "";

	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, content);
}

static unsigned count_files(void)
{
	DIR *directory = opendir(folder.path);
	const struct dirent *entry;
	unsigned n = 0;

	ck_assert_ptr_nonnull(directory);
	while ((entry = readdir(directory)))
		n += entry->d_name[0] != '.';
	closedir(directory);
	return n;
}

START_TEST(an_image_is_removed_that_is_still_there)
{
	_cleanup_close_ int fd = -1;

	folder_make(&folder);
	folder_write(&folder, "web", "old");
	fd = open_there("web");
	ck_assert_int_eq(image_remove(folder_path(&folder, "web"), fd), 0);
	ck_assert_uint_eq(count_files(), 0);
	folder_remove(&folder);
}
END_TEST

START_TEST(an_image_that_has_taken_the_name_meanwhile_stays)
{
	_cleanup_close_ int fd = -1;

	folder_make(&folder);
	folder_write(&folder, "web", "old");
	fd = open_there("web");
	ck_assert_int_eq(rename(folder_path(&folder, "web"), folder_path(&folder, "web.stale-1")),
			 0);
	folder_write(&folder, "web.part", "new");
	ck_assert_int_eq(
		image_publish(folder_path(&folder, "web.part"), folder_path(&folder, "web")), 0);
	ck_assert_int_eq(image_remove(folder_path(&folder, "web"), fd), -ESTALE);
	expect_content("web", "new");
	expect_content("web.stale-1", "old");
	ck_assert_uint_eq(count_files(), 2);
	folder_remove(&folder);
}
END_TEST

START_TEST(an_image_that_a_guest_is_restored_from_stays)
{
	_cleanup_close_ int fd = -1, restoring = -1;

	folder_make(&folder);
	folder_write(&folder, "web", "old");
	fd = open_there("web");
	restoring = open_there("web");
	ck_assert_int_eq(image_hold(restoring), 0);
	ck_assert_int_eq(image_remove(folder_path(&folder, "web"), fd), -EBUSY);
	expect_content("web", "old");
	folder_remove(&folder);
}
END_TEST

START_TEST(a_part_is_held_for_as_long_as_it_is_written)
{
	_cleanup_close_ int fd = -1;
	int writing;

	folder_make(&folder);
	folder_write(&folder, "web.part", "half");
	fd = open_there("web.part");
	writing = open_there("web.part");
	ck_assert(!image_part_is_held(fd));
	/* What the question has taken is given back with its descriptor. */
	close(TAKE_FD(fd));
	image_hold_part(writing);
	fd = open_there("web.part");
	ck_assert(image_part_is_held(fd));
	ck_assert_int_eq(image_remove(folder_path(&folder, "web.part"), fd), -EBUSY);
	close(writing);
	ck_assert_int_eq(image_remove(folder_path(&folder, "web.part"), fd), 0);
	folder_remove(&folder);
}
END_TEST

SUITE("image-remove", an_image_is_removed_that_is_still_there,
      an_image_that_has_taken_the_name_meanwhile_stays,
      an_image_that_a_guest_is_restored_from_stays, a_part_is_held_for_as_long_as_it_is_written);
