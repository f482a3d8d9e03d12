/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "width.h"

#include <ctype.h>
#include <locale.h>
#include <string.h>
#include <wchar.h>

#include "util/macro.h"
#include "util/utf8.h"

/* The columns of a character; negative: it does not print. */
static int char_width(uint32_t c)
{
	static bool ready;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f ? 1 : -1;
	/* Only the table of characters: messages of the C library stay as they are. */
	if (!ready)
		setlocale(LC_CTYPE, "C.UTF-8");
	ready = true;
	return utf8_turns_direction(c) ? -1 : wcwidth((wchar_t)c);
}

/* The length of the next character, and its columns; -1: it is none, or does not print. */
static size_t next_char(const char *s, int *ret_columns)
{
	uint32_t c;
	size_t n = utf8_decode(s, strnlen(s, 4), &c);

	*ret_columns = n > 0 ? char_width(c) : -1;
	return MAX(n, (size_t)1);
}

static size_t width_of(const char *s, size_t length)
{
	size_t columns = 0;
	int n;

	for (const char *end = s + length; s < end;) {
		s += next_char(s, &n);
		columns += n < 0 ? 1 : (size_t)n;
	}
	return columns;
}

/* How long a text is that has printing ASCII characters only, as most have; or SIZE_MAX. */
static size_t plain_length(const char *s)
{
	size_t n = 0;

	while (s[n] >= 0x20 && s[n] < 0x7f)
		n++;
	return s[n] ? SIZE_MAX : n;
}

size_t text_width(const char *s)
{
	size_t n = plain_length(s);

	return n < SIZE_MAX ? n : width_of(s, strlen(s));
}

size_t text_clean_to(char *to, const char *s)
{
	size_t length = plain_length(s);
	char *at = to;
	int columns;

	if (length < SIZE_MAX) {
		memcpy(to, s, length + 1);
		return length;
	}
	while (*s) {
		size_t n = next_char(s, &columns);

		if (columns < 0)
			*at++ = '?';
		else
			at = (char *)memcpy(at, s, n) + n;
		s += n;
	}
	*at = '\0';
	return (size_t)(at - to);
}

char *text_clean(const char *s)
{
	char *copy = malloc(strlen(s) + 1);

	if (copy)
		text_clean_to(copy, s);
	return copy;
}

void text_pad(FILE *out, size_t columns)
{
	for (; columns > 0; columns--)
		fputc(' ', out);
}

/*
 * The length of a quotation, up to its closing quote; 0: none begins here, or none ends. An
 * apostrophe within a word closes none, and one after a blank opens another.
 */
static size_t quotation_length(const char *s)
{
	if (*s != '\'')
		return 0;
	for (size_t i = 1; s[i]; i++) {
		/* Names are written as a shell takes them. */
		if (s[i] == '\\' && s[i + 1])
			i++;
		else if (s[i] == ' ' && s[i + 1] == '\'')
			return 0;
		else if (s[i] == '\'' && !isalnum((unsigned char)s[i + 1]))
			return i + 1;
	}
	return 0;
}

static size_t word_length(const char *s)
{
	size_t length = quotation_length(s);

	return length + strcspn(s + length, " ");
}

void text_wrap(FILE *out, const char *s, size_t width, size_t indent)
{
	size_t at = 0;

	for (;;) {
		size_t blanks = strspn(s, " "), length, columns;

		s += blanks;
		length = word_length(s);
		if (length == 0)
			break;
		columns = width_of(s, length);
		if (at > 0 && (columns > width || at + blanks > width - columns)) {
			fputc('\n', out);
			blanks = indent;
			at = 0;
		}
		text_pad(out, blanks);
		fwrite(s, 1, length, out);
		at += blanks + columns;
		s += length;
	}
	fputc('\n', out);
}
