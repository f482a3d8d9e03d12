/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/str.h"

#include <stdio.h>

#include "util/utf8.h"

int str_vformat(char **ret, const char *format, va_list ap)
{
	char *s;

	if (vasprintf(&s, format, ap) < 0)
		return -ENOMEM;
	*ret = s;
	return 0;
}

int str_format(char **ret, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(ret, format, ap);
	va_end(ap);
	return r;
}

int str_replace(char **s, const char *value)
{
	char *copy = NULL;

	if (value) {
		copy = strdup(value);
		if (!copy)
			return -ENOMEM;
	}
	free(*s);
	*s = copy;
	return 0;
}

bool str_starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends_with(const char *s, const char *suffix)
{
	size_t length = strlen(s), tail = strlen(suffix);

	return length >= tail && strcmp(s + length - tail, suffix) == 0;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool path_lies_in(const char *path, const char *directory)
{
	return path && directory && str_starts_with(path, directory) &&
	       path_base(path) == path + strlen(directory) + 1;
}

/* How many of the n > 0 bytes at the beginning of s act on a terminal: 0 to 3. */
static size_t count_control(const char *s, size_t n)
{
	unsigned char first = (unsigned char)s[0];
	uint32_t c;

	if (first < 0x80)
		return first < 0x20 || first == 0x7f;
	n = utf8_decode(s, n, &c);
	return n > 0 && (c <= 0x9f || utf8_turns_direction(c)) ? n : 0;
}

bool str_is_printable(const char *s)
{
	while (*s && count_control(s, strnlen(s, UTF8_MAX)) == 0)
		s++;
	return !*s;
}

size_t str_print(const char *s, size_t max, char *out)
{
	size_t known = strnlen(s, max + 1), length = MIN(known, max), n;
	bool cut = known > max;

	memcpy(out, s, length);
	for (size_t i = 0; i < length; i++) {
		n = count_control(s + i, known - i);
		if (n > 0)
			memset(out + i, '?', MIN(n, length - i));
	}
	strcpy(out + length, cut ? "..." : "");
	return cut ? length + 3 : length;
}

char *str_printable(const char *s, size_t max)
{
	char *copy = malloc(strnlen(s, max) + STR_CUT_SIZE);

	if (copy)
		str_print(s, max, copy);
	return copy;
}

int str_lookup(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; s && i < n; i++)
		if (names[i] && str_equal(names[i], s))
			return (int)i;
	return -EINVAL;
}
