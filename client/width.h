/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

/*
 * Text in UTF-8 as a terminal shows it. Wide characters take two columns, and combining ones none.
 * A name is UTF-8 whatever the locale is: what is pasted must have its bytes.
 */

/* How many columns the text takes. */
size_t text_width(const char *s);

/*
 * A copy that a terminal shows as it is: bytes that are not UTF-8, characters that do not print,
 * and those that turn the direction of writing become '?'. NULL: no memory.
 */
char *text_clean(const char *s);

/* Writes it where there is room for as many bytes as s has. The length; never more than that of s.
 */
size_t text_clean_to(char *to, const char *s);

/* Prints blanks. */
void text_pad(FILE *out, size_t columns);

/*
 * Prints a paragraph, and ends its line. Lines have so many columns at most, and those after the
 * first begin with so many blanks. A word that is longer has a line of its own, and is not broken:
 * a path is to be pasted. So is a command in quotes, which counts as one word: its first half may
 * be a command that does more. indent is less than width.
 */
void text_wrap(FILE *out, const char *s, size_t width, size_t indent);
