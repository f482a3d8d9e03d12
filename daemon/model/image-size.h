/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* What an image needs besides the guest's memory: its description, and a device model's state. */
#define IMAGE_EXTRA (16U << 20)

/* So many bytes an image of a guest with so much memory may take. */
static inline uint64_t image_room(uint64_t memory_kib)
{
	return memory_kib * 1024 + memory_kib * 4 + IMAGE_EXTRA;
}
