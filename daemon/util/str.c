/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/str.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

/* Room that is left for what we append to an escaped name (".stale-" and a number). */
#define FILE_NAME_SUFFIX_MAX 32

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

char *str_printable(const char *s, size_t max)
{
	size_t length = strnlen(s, max + 1);
	bool cut = length > max;
	char *copy;

	if (cut)
		length = max;
	copy = malloc(length + sizeof("..."));
	if (!copy)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)s[i];
		bool control = c < 0x20 || c == 0x7f;

		/* U+0080 to U+009F act on a terminal too. */
		if (c == 0xc2 && i + 1 < length && ((unsigned char)s[i + 1] & 0xe0) == 0x80) {
			copy[i++] = '?';
			control = true;
		}
		copy[i] = (char)(control ? '?' : c);
	}
	strcpy(copy + length, cut ? "..." : "");
	return copy;
}

static bool stands_for_itself(unsigned char c)
{
	return isalnum(c) || (c && strchr("+,-.=@^_", c));
}

/* A name that ends like one of our own files, or like a hidden one, must not look like it. */
static bool dot_is_special(const char *name, const char *dot)
{
	return dot == name || str_equal(dot, ".part") || str_equal(dot, ".restoring") ||
	       str_starts_with(dot, ".stale-");
}

int file_name_escape(const char *name, char **ret)
{
	_cleanup_free_ char *file = malloc(strlen(name) * 3 + 1);
	char *out = file;

	if (!file)
		return -ENOMEM;
	if (str_empty(name))
		return -EINVAL;
	for (const char *in = name; *in; in++) {
		unsigned char c = (unsigned char)*in;

		if (isascii(c) && stands_for_itself(c) && !(c == '.' && dot_is_special(name, in)))
			*out++ = (char)c;
		else
			out += sprintf(out, "%%%02X", c);
	}
	*out = '\0';
	if (out - file > NAME_MAX - FILE_NAME_SUFFIX_MAX)
		return -ENAMETOOLONG;
	*ret = TAKE_PTR(file);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int file_name_unescape(const char *file, char **ret)
{
	_cleanup_free_ char *name = malloc(strlen(file) + 1);
	char *out = name;

	if (!name)
		return -ENOMEM;
	for (const char *in = file; *in; in++) {
		int high, low;

		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		high = hex_digit(in[1]);
		low = high < 0 ? -1 : hex_digit(in[2]);
		if (low < 0 || (high | low) == 0)
			return -EINVAL;
		*out++ = (char)(high << 4 | low);
		in += 2;
	}
	*out = '\0';
	*ret = TAKE_PTR(name);
	return 0;
}

int str_lookup(const char *const *names, size_t n, const char *s)
{
	for (size_t i = 0; s && i < n; i++)
		if (names[i] && str_equal(names[i], s))
			return (int)i;
	return -EINVAL;
}
