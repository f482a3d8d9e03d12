/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Of less than this, a hole is not worth the two writes and the two pieces that it makes. */
#define ZEROS_MIN (256U << 10)

/*
 * Finds the first run of zeros that is worth a hole: whole blocks from the beginning of the data,
 * ZEROS_MIN at least. How many bytes there are before it, and in *ret_zeros how many it has: all
 * and 0 if there is none. The size is that of whole blocks.
 */
size_t zeros_find(const uint8_t *data, size_t size, size_t *ret_zeros);
