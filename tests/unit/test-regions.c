/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"
#include "util/fd.h"
#include "worker/image/regions.h"

#define MIB (1U << 20)

/* A partition that begins there: in no region of its own, and not aligned to 4 KiB. */
#define PARTITION_SECTOR 7001U

/* A disk with one partition. */
struct disk {
	struct folder folder;
	int fd;
	uint64_t size;
};

static void disk_write(const struct disk *d, uint64_t at, const void *data, size_t size)
{
	ck_assert_int_eq(fd_pwrite_all(d->fd, data, size, (off_t)at), 0);
}

static void disk_make(struct disk *d, uint64_t size)
{
	uint8_t entry[16] = {
		[4] = 0x83, [8] = PARTITION_SECTOR & 0xff, [9] = PARTITION_SECTOR >> 8};

	folder_make(&d->folder);
	d->size = size;
	d->fd = open(folder_path(&d->folder, "disk"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(d->fd, 0);
	ck_assert_int_eq(ftruncate(d->fd, (off_t)size), 0);
	if (size < MIB)
		return;
	disk_write(d, 446, entry, sizeof(entry));
	disk_write(d, 510, "\x55\xaa", 2);
}

static void disk_done(struct disk *d)
{
	close(d->fd);
	folder_remove(&d->folder);
}

/* Which regions look other when a byte is written: a bit each. */
static unsigned seen(const struct disk *d, uint64_t at)
{
	uint64_t before[_REGION_MAX], after[_REGION_MAX];
	unsigned changed = 0;

	ck_assert_int_eq(regions_hash(d->fd, d->size, before), 0);
	disk_write(d, at, "x", 1);
	ck_assert_int_eq(regions_hash(d->fd, d->size, after), 0);
	disk_write(d, at, "", 1);
	for (int i = 0; i < _REGION_MAX; i++)
		changed |= (unsigned)(before[i] != after[i]) << i;
	return changed;
}

START_TEST(a_write_to_a_region_is_seen_there)
{
	const uint64_t size = 8 * MIB + 512, partition = PARTITION_SECTOR * 512ULL;
	_cleanup_(disk_done) struct disk d = {0};

	disk_make(&d, size);
	ck_assert_uint_eq(seen(&d, 0), 1 << REGION_START);
	ck_assert_uint_eq(seen(&d, MIB - 1), 1 << REGION_START);
	ck_assert_uint_eq(seen(&d, size - 1), 1 << REGION_END);
	ck_assert_uint_eq(seen(&d, size - MIB), 1 << REGION_END);
	ck_assert_uint_eq(seen(&d, partition), 1 << REGION_PARTITIONS);
	ck_assert_uint_eq(seen(&d, partition + 256 * 1024 - 1), 1 << REGION_PARTITIONS);
	/* What is documented not to be seen. */
	ck_assert_uint_eq(seen(&d, 2 * MIB), 0);
	ck_assert_uint_eq(seen(&d, 5 * MIB), 0);
}
END_TEST

START_TEST(a_disk_that_is_smaller_than_a_region_is_seen_whole)
{
	_cleanup_(disk_done) struct disk d = {0};

	disk_make(&d, 10000);
	ck_assert_uint_eq(seen(&d, 5000), 1 << REGION_START | 1 << REGION_END);
	ck_assert_uint_eq(seen(&d, 9999), 1 << REGION_START | 1 << REGION_END);
}
END_TEST

START_TEST(a_partition_beyond_the_end_is_no_region)
{
	_cleanup_(disk_done) struct disk d = {0};
	uint64_t hashes[_REGION_MAX];

	disk_make(&d, 2 * MIB);
	ck_assert_int_eq(regions_hash(d.fd, d.size, hashes), 0);
	ck_assert_uint_eq(seen(&d, 2 * MIB - 1), 1 << REGION_END);
}
END_TEST

START_TEST(a_disk_that_cannot_be_read_has_no_hash)
{
	_cleanup_(disk_done) struct disk d = {0};
	uint64_t hashes[_REGION_MAX];

	disk_make(&d, 4096);
	ck_assert_int_eq(regions_hash(-1, 4096, hashes), -EBADF);
	/* It says that it is larger than it is. */
	ck_assert_int_eq(regions_hash(d.fd, 8192, hashes), -ENODATA);
}
END_TEST

SUITE("regions", a_write_to_a_region_is_seen_there,
      a_disk_that_is_smaller_than_a_region_is_seen_whole, a_partition_beyond_the_end_is_no_region,
      a_disk_that_cannot_be_read_has_no_hash);
