/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "unit.h"
#include "worker/image/zeros.h"

#define BLOCK 4096U
#define SIZE  (4 * ZEROS_MIN)

static uint8_t data[SIZE];

static void fill(size_t begin, size_t end)
{
	memset(data + begin, 1, end - begin);
}

/* All but this is something else. */
static size_t find_run(size_t begin, size_t end, size_t *ret_zeros)
{
	fill(0, SIZE);
	memset(data + begin, 0, end - begin);
	return zeros_find(data, SIZE, ret_zeros);
}

START_TEST(a_run_is_found_wherever_it_is)
{
	size_t zeros;

	ck_assert_uint_eq(find_run(0, ZEROS_MIN, &zeros), 0);
	ck_assert_uint_eq(zeros, ZEROS_MIN);
	ck_assert_uint_eq(find_run(BLOCK, BLOCK + ZEROS_MIN, &zeros), BLOCK);
	ck_assert_uint_eq(zeros, ZEROS_MIN);
	ck_assert_uint_eq(find_run(2 * BLOCK, SIZE, &zeros), 2 * BLOCK);
	ck_assert_uint_eq(zeros, SIZE - 2 * BLOCK);
	ck_assert_uint_eq(find_run(0, SIZE, &zeros), 0);
	ck_assert_uint_eq(zeros, SIZE);
}
END_TEST

START_TEST(a_run_is_of_whole_blocks)
{
	size_t zeros;

	ck_assert_uint_eq(find_run(BLOCK - 1, SIZE - 1, &zeros), BLOCK);
	ck_assert_uint_eq(zeros, SIZE - 2 * BLOCK);
	ck_assert_uint_eq(find_run(1, ZEROS_MIN + 1, &zeros), SIZE);
	ck_assert_uint_eq(zeros, 0);
}
END_TEST

START_TEST(a_short_run_is_none)
{
	size_t zeros;

	ck_assert_uint_eq(find_run(0, ZEROS_MIN - BLOCK, &zeros), SIZE);
	ck_assert_uint_eq(zeros, 0);
	ck_assert_uint_eq(find_run(SIZE - ZEROS_MIN + BLOCK, SIZE, &zeros), SIZE);
	ck_assert_uint_eq(zeros, 0);
	ck_assert_uint_eq(zeros_find(data, 0, &zeros), 0);
	ck_assert_uint_eq(zeros, 0);
}
END_TEST

/* A single byte, wherever it is in its block. */
START_TEST(a_byte_ends_a_run)
{
	static const size_t places[] = {0, 1, BLOCK / 2, BLOCK - 2, BLOCK - 1};

	for (size_t i = 0; i < ELEMENTSOF(places); i++) {
		size_t zeros;

		find_run(0, SIZE, &zeros);
		data[2 * ZEROS_MIN + places[i]] = 1;
		ck_assert_uint_eq(zeros_find(data, SIZE, &zeros), 0);
		ck_assert_uint_eq(zeros, 2 * ZEROS_MIN);
	}
}
END_TEST

SUITE("zeros", a_run_is_found_wherever_it_is, a_run_is_of_whole_blocks, a_short_run_is_none,
      a_byte_ends_a_run);
