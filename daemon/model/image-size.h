/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* The room that an image needs besides the guest's memory, for its description and a device model's
 * state. */
#define IMAGE_EXTRA (16U << 20)

/*
 * The largest size of an image, in bytes, of a guest with so much memory. The numbers of its pages
 * take half of what is added for each KiB; the rest is more than compression adds where nothing can
 * be compressed, three bytes for 128 KiB.
 */
static inline uint64_t image_room(uint64_t memory_kib)
{
	return memory_kib * 1024 + memory_kib * 4 + IMAGE_EXTRA;
}
