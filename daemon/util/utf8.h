/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No sequence is longer. */
#define UTF8_MAX 4

/*
 * The length of the UTF-8 sequence at the beginning of n > 0 bytes, and its character; 0 where
 * there is none (overlong, a surrogate, beyond Unicode, or cut off).
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

/*
 * Marks, embeddings, overrides and isolates of writing from right to left: with one in it, a name
 * could look as another one.
 */
bool utf8_turns_direction(uint32_t c);

bool utf8_is_valid(const char *s, size_t n);
