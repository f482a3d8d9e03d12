/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/hide.h"

#include <stdlib.h>
#include <string.h>

#define INSTEAD "(not shown)"

bool hide_is_due(const char *disk)
{
	return disk[0] != '/' && strpbrk(disk, ":@=");
}

char *hide_disk(const char *text, const char *disk)
{
	size_t length = strlen(disk);
	/* Each byte can become the words that stand instead. */
	char *out = malloc(strlen(text) * sizeof(INSTEAD) + 1), *end = out;

	if (!out)
		return NULL;
	while (*text)
		if (length > 0 && strncmp(text, disk, length) == 0) {
			end = stpcpy(end, INSTEAD);
			text += length;
		} else {
			*end++ = *text++;
		}
	*end = '\0';
	return out;
}

static bool ends_quote(const char *text)
{
	return text[0] == '\'' &&
	       (!text[1] || strchr(" ;\n", text[1]) || (text[1] == ':' && text[2] == ' '));
}

/* Where the quote ends that begins here: a disk can have an apostrophe in it. */
static const char *quote_end(const char *text)
{
	while (*text && !ends_quote(text))
		text++;
	return text;
}

static bool holds(const char *begin, const char *end, const char *some)
{
	return begin + strcspn(begin, some) < end;
}

char *hide_quotes(const char *text)
{
	char *out = malloc(strlen(text) * sizeof(INSTEAD) + 1), *to = out;

	if (!out)
		return NULL;
	while (*text) {
		const char *end;

		*to++ = *text++;
		if (text[-1] != '`')
			continue;
		end = quote_end(text);
		if (holds(text, end, ":@")) {
			to = stpcpy(to, INSTEAD);
			text = end;
		}
	}
	*to = '\0';
	return out;
}
