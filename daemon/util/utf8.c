/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/utf8.h"

/* By length: the first byte's own bits, and the smallest character that needs so many bytes. */
static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

static size_t sequence_length(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc0 || first > 0xf7)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t utf8_decode(const char *s, size_t n, uint32_t *ret)
{
	size_t length = sequence_length((uint8_t)s[0]);
	uint32_t c = (uint8_t)s[0] & masks[length];

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	}
	if (c < smallest[length] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return length;
}

bool utf8_turns_direction(uint32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

bool utf8_is_valid(const char *s, size_t n)
{
	uint32_t c;

	for (size_t i = 0, length; i < n; i += length) {
		length = utf8_decode(s + i, n - i, &c);
		if (length == 0)
			return false;
	}
	return true;
}
