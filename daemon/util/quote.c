/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/quote.h"

#include <ctype.h>
#include <string.h>

#include "util/str.h"

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
	/* A shell drops a quoted newline; and '?' in its place would be a command for another. */
	if (!str_is_printable(word))
		return "...";
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

const char *quote_argument(const char *word, char *buffer, size_t size)
{
	static const char before[] = "-- ";
	const size_t length = sizeof(before) - 1;
	const char *quoted;

	if (*word != '-')
		return quote_word(word, buffer, size);
	quoted = quote_word(word, buffer + length, size - length);
	return quoted == buffer + length ? memcpy(buffer, before, length) : quoted;
}
