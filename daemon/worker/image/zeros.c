/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/zeros.h"

#include <string.h>

/* Small enough for every file system that has holes. */
#define BLOCK 4096U

static bool is_zero(const uint8_t *block)
{
	return block[0] == 0 && memcmp(block, block + 1, BLOCK - 1) == 0;
}

size_t zeros_find(const uint8_t *data, size_t size, size_t *ret_zeros)
{
	size_t begin = 0, end = 0;

	while (end < size && end - begin < ZEROS_MIN) {
		end += BLOCK;
		if (!is_zero(data + end - BLOCK))
			begin = end;
	}
	if (end - begin < ZEROS_MIN) {
		*ret_zeros = 0;
		return size;
	}
	while (end < size && is_zero(data + end))
		end += BLOCK;
	*ret_zeros = end - begin;
	return begin;
}
