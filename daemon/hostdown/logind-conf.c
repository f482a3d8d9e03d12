/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/logind-conf.h"

#include <glob.h>

#include "util/fd.h"
#include "util/str.h"

#define FILE_MAX (1U << 20)

/* The first ones take precedence over the later ones. */
static const char *const folders[] = {"/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
				      "/usr/lib/systemd", "/lib/systemd"};

#define BLANK " \t\r"

/* The value of the last line that has the key, or NULL. */
static char *find_value(char *text, const char *key)
{
	size_t length = strlen(key), end;
	char *value = NULL, *line;

	while ((line = strsep(&text, "\n"))) {
		char *after;

		line += strspn(line, BLANK);
		if (strncmp(line, key, length) != 0)
			continue;
		after = line + length + strspn(line + length, BLANK);
		if (*after == '=')
			value = after + 1 + strspn(after + 1, BLANK);
	}
	for (end = value ? strlen(value) : 0; end > 0 && strchr(BLANK, value[end - 1]); end--)
		value[end - 1] = '\0';
	return value;
}

/* 1 with the value; 0: the file does not have the key, or cannot be read; -ENOMEM. */
static int read_value(const char *path, const char *key, char **ret)
{
	_cleanup_free_ char *text = NULL;
	const char *value;
	int r;

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return 0;
	value = find_value(text, key);
	r = value && ret ? str_replace(ret, value) : 0;
	return r < 0 ? r : value != NULL;
}

static bool has_key(const char *path, const char *key)
{
	return read_value(path, key, NULL) > 0;
}

/* Masked by one of the same name in an earlier directory? Then that is met too. */
static bool comes_first(const glob_t *found, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (str_equal(path_base(found->gl_pathv[i]), path_base(found->gl_pathv[index])))
			return false;
	return true;
}

static int find_last(const glob_t *found, const char *key, char **ret)
{
	const char *last = NULL;

	for (size_t i = 0; i < found->gl_pathc; i++)
		if (comes_first(found, i) && has_key(found->gl_pathv[i], key) &&
		    (!last || strcmp(path_base(found->gl_pathv[i]), path_base(last)) > 0))
			last = found->gl_pathv[i];
	return last ? str_replace(ret, last) : 0;
}

static int find_main(const char *root, const char *key, char **ret)
{
	for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
		_cleanup_free_ char *path = NULL;
		int r = str_format(&path, "%s%s/logind.conf", root, folders[i]);

		if (r < 0)
			return r;
		/* Only the first existing file is read. */
		if (access(path, F_OK) < 0)
			continue;
		if (has_key(path, key))
			*ret = TAKE_PTR(path);
		return 0;
	}
	return 0;
}

int logindconf_decides(const char *root, const char *key, char **ret, char **ret_value)
{
	_cleanup_free_ char *path = NULL, *value = NULL;
	glob_t found = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < ELEMENTSOF(folders); i++) {
		_cleanup_free_ char *pattern = NULL;

		r = str_format(&pattern, "%s%s/logind.conf.d/*.conf", root, folders[i]);
		if (r >= 0 && glob(pattern, i > 0 ? GLOB_APPEND : 0, NULL, &found) == GLOB_NOSPACE)
			r = -ENOMEM;
	}
	r = r < 0 ? r : find_last(&found, key, &path);
	globfree(&found);
	r = r < 0 || path ? r : find_main(root, key, &path);
	r = r < 0 || !path ? r : read_value(path, key, &value);
	if (r < 0)
		return r;
	/* It has gone meanwhile. */
	*ret = value ? TAKE_PTR(path) : NULL;
	*ret_value = TAKE_PTR(value);
	return 0;
}
