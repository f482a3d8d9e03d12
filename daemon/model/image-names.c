/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/image-names.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

#include "util/str.h"

/* Room for the suffix that we append to an escaped name (IMAGE_ASIDE_MARK and a number). */
#define FILE_NAME_SUFFIX_MAX 32

enum image_file image_file_kind(const char *name)
{
	if (name[0] == '.')
		return IMAGE_FILE_OTHER;
	if (strstr(name, IMAGE_ASIDE_MARK))
		return IMAGE_FILE_ASIDE;
	if (str_ends_with(name, IMAGE_PART_SUFFIX))
		return IMAGE_FILE_PART;
	return str_ends_with(name, IMAGE_CONSUMED_SUFFIX) ? IMAGE_FILE_CONSUMED : IMAGE_FILE_IMAGE;
}

enum image_file image_file_kind_of(const char *name, const char *guest)
{
	enum image_file kind = image_file_kind(name);
	bool claims = kind == IMAGE_FILE_PART || kind == IMAGE_FILE_CONSUMED;

	return claims && str_equal(name, guest) ? IMAGE_FILE_IMAGE : kind;
}

int image_part_path(const char *path, char **ret)
{
	return str_format(ret, "%s" IMAGE_PART_SUFFIX, path);
}

static bool stands_for_itself(unsigned char c)
{
	return isalnum(c) || (c && strchr("+,-.=@^_", c));
}

/* A name that ends like one of our own files, or like a hidden one, must not look like it. */
static bool dot_is_special(const char *name, const char *dot)
{
	return dot == name || str_equal(dot, IMAGE_PART_SUFFIX) ||
	       str_equal(dot, IMAGE_CONSUMED_SUFFIX) || str_starts_with(dot, IMAGE_ASIDE_MARK);
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
