/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/quote.h"

#include <ctype.h>
#include <string.h>

/* Bytes above 0x7f mean nothing to a shell. */
static int is_plain(unsigned char c)
{
	return isalnum(c) || c > 0x7f || (c && strchr("%+,-./:=@_", c));
}

const char *quote_word(const char *word, char *buffer, size_t size)
{
	size_t n = 0;

	if (*word == '\0')
		return "''";
	for (; *word; word++) {
		if (n + 3 > size)
			return "...";
		if (!is_plain((unsigned char)*word))
			buffer[n++] = '\\';
		buffer[n++] = *word;
	}
	buffer[n] = '\0';
	return buffer;
}
