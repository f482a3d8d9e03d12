/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "util/time.h"

/*
 * Numbers as people read them, for messages and screens. What programs read (fields, JSON) keeps
 * the numbers. Each text is at most HUMAN_MAX - 1 bytes of ASCII.
 */

#define HUMAN_MAX 32

/* "0.4 s", "34 s", "34 min 52 s", "2 h 5 min", "3 d 4 h"; a second part that is 0 is left out. */
const char *human_duration(usec_t usec, char *buffer, size_t size);

/* "512 B", "8.2 GiB", "310 MiB": units of 1024. */
const char *human_size(uint64_t bytes, char *buffer, size_t size);

/* "310 MiB/s". */
const char *human_rate(uint64_t bytes_per_second, char *buffer, size_t size);

/* The same, valid to the end of the block that it is used in. */
#define DURATION(usec) human_duration((usec), (char[HUMAN_MAX]){0}, HUMAN_MAX)
#define SIZE(bytes)    human_size((bytes), (char[HUMAN_MAX]){0}, HUMAN_MAX)
#define RATE(bytes)    human_rate((bytes), (char[HUMAN_MAX]){0}, HUMAN_MAX)
