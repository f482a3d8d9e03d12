/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a partition table of either kind (MBR, GPT) has room for, as far as anybody uses it. */
#define PARTITIONS_MAX 128

/*
 * Where the partitions of a disk begin, in bytes, by what its first length bytes say: a guest has
 * written them. Logical partitions, in a chain of their own, are left out. Returns how many.
 */
size_t partitions_find(const uint8_t *start, size_t length, uint64_t ret[PARTITIONS_MAX]);
