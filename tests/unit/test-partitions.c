/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <endian.h>
#include <string.h>

#include "unit.h"
#include "worker/image/partitions.h"

#define LENGTH (1U << 20)

static uint8_t disk[LENGTH];

static void blank(void)
{
	memset(disk, 0, sizeof(disk));
}

static void put32(size_t at, uint32_t value)
{
	value = htole32(value);
	memcpy(disk + at, &value, sizeof(value));
}

static void put64(size_t at, uint64_t value)
{
	value = htole64(value);
	memcpy(disk + at, &value, sizeof(value));
}

static void put_mbr(unsigned index, uint8_t type, uint32_t sector)
{
	disk[510] = 0x55;
	disk[511] = 0xaa;
	disk[446 + 16 * index + 4] = type;
	put32(446 + 16 * index + 8, sector);
}

static void put_gpt_header(size_t sector, uint64_t entries, uint32_t n, uint32_t size)
{
	memcpy(disk + sector, "EFI PART", 8);
	put64(sector + 72, entries);
	put32(sector + 80, n);
	put32(sector + 84, size);
}

static void put_gpt_entry(size_t at, uint64_t first)
{
	disk[at] = 1;
	put64(at + 32, first);
}

START_TEST(partitions_of_an_old_table_are_found)
{
	uint64_t starts[PARTITIONS_MAX];

	blank();
	put_mbr(0, 0x83, 2048);
	put_mbr(2, 0x82, 4096);
	ck_assert_uint_eq(partitions_find(disk, LENGTH, starts), 2);
	ck_assert_uint_eq(starts[0], 2048 * 512);
	ck_assert_uint_eq(starts[1], 4096 * 512);
}
END_TEST

START_TEST(partitions_of_a_new_table_are_found_whatever_its_sectors)
{
	static const size_t sectors[] = {512, 4096};

	for (size_t i = 0; i < ELEMENTSOF(sectors); i++) {
		size_t sector = sectors[i];
		uint64_t starts[PARTITIONS_MAX];

		blank();
		put_mbr(0, 0xee, 1);
		put_gpt_header(sector, 2, 128, 128);
		put_gpt_entry(2 * sector, 256);
		put_gpt_entry(2 * sector + 3 * 128, 512);
		ck_assert_uint_eq(partitions_find(disk, LENGTH, starts), 2);
		ck_assert_uint_eq(starts[0], 256 * sector);
		ck_assert_uint_eq(starts[1], 512 * sector);
	}
}
END_TEST

START_TEST(a_disk_without_a_table_has_none)
{
	uint64_t starts[PARTITIONS_MAX];

	blank();
	ck_assert_uint_eq(partitions_find(disk, LENGTH, starts), 0);
	ck_assert_uint_eq(partitions_find(disk, 0, starts), 0);
	/* All that an old table says of a new one is that it is there. */
	put_mbr(0, 0xee, 1);
	ck_assert_uint_eq(partitions_find(disk, LENGTH, starts), 0);
}
END_TEST

/* A guest has written it. */
START_TEST(a_table_that_is_nonsense_leads_nowhere)
{
	static const struct {
		uint64_t entries;
		uint32_t n, size;
		size_t length;
	} cases[] = {
		{UINT64_MAX, 128, 128, LENGTH},
		{LENGTH / 512, 128, 128, LENGTH},
		{2, 128, 0, LENGTH},
		{2, 128, 127, LENGTH},
		{2, 0, 128, LENGTH},
		{2, 128, 128, 512 + 91},
		{2, 128, 128, 1024 + 127},
	};
	uint64_t starts[PARTITIONS_MAX];

	for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
		blank();
		put_gpt_header(512, cases[i].entries, cases[i].n, cases[i].size);
		memset(disk + 1024, 1, 128);
		put64(1024 + 32, 5);
		ck_assert_uint_eq(partitions_find(disk, cases[i].length, starts), 0);
	}
	blank();
	put_gpt_header(512, 2, UINT32_MAX, 128);
	memset(disk + 1024, 1, LENGTH - 1024);
	ck_assert_uint_le(partitions_find(disk, LENGTH, starts), PARTITIONS_MAX);
	/* Larger than any disk: left out, rather than counted from the other end. */
	blank();
	put_gpt_header(512, 2, 1, 128);
	put_gpt_entry(1024, UINT64_MAX);
	ck_assert_uint_eq(partitions_find(disk, LENGTH, starts), 0);
}
END_TEST

SUITE("partitions", partitions_of_an_old_table_are_found,
      partitions_of_a_new_table_are_found_whatever_its_sectors, a_disk_without_a_table_has_none,
      a_table_that_is_nonsense_leads_nowhere);
