/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The length of the UTF-8 sequence at the beginning of n > 0 bytes, and its character; 0 where
 * there is none (overlong, a surrogate, beyond Unicode, or cut off).
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *ret);

bool utf8_is_valid(const char *s, size_t n);
