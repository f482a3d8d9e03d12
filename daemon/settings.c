/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings.h"

#include <dirent.h>
#include <grp.h>
#include <stdio.h>

#include "util/fd.h"
#include "util/str.h"

#define FILE_MAX (1U << 20)

static int refuse(const char *path, int error, char **ret_reason)
{
	int r = str_format(ret_reason, "%s: cannot be read: %s", path, strerror(-error));

	return r < 0 ? r : -EINVAL;
}

/* 1 and the text, or 0 if there is no such file. */
static int read_text(const char *path, char **ret, size_t *ret_size, char **ret_reason)
{
	int r = file_read(path, FILE_MAX, ret, ret_size);

	if (r == -ENOENT)
		return 0;
	return r < 0 ? refuse(path, r, ret_reason) : 1;
}

static int read_variables(const struct settings_paths *paths, struct config *config,
			  char **ret_reason)
{
	const char *read = NULL;

	for (size_t i = 0; i < ELEMENTSOF(paths->variables); i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		int r;

		if (!paths->variables[i])
			continue;
		r = read_text(paths->variables[i], &text, &size, ret_reason);

		if (r < 0)
			return r;
		if (r == 0)
			continue;
		if (read)
			return config_warn(config, "%s: is not read, because %s is there too",
					   paths->variables[i], read);
		r = config_read_variables(config, paths->variables[i], text, size, ret_reason);
		if (r < 0)
			return r;
		read = paths->variables[i];
	}
	return 0;
}

static int read_native(const char *path, struct config *config, char **ret_reason)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r = read_text(path, &text, &size, ret_reason);

	if (r <= 0)
		return r;
	if (memchr(text, '\0', size))
		return refuse(path, -EILSEQ, ret_reason);
	return config_read_native(config, path, text, ret_reason);
}

static int is_fragment(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends_with(entry->d_name, ".conf");
}

static int read_fragments(const char *folder, struct config *config, char **ret_reason)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_fragment, alphasort);
	int r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : refuse(folder, -errno, ret_reason);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (r >= 0)
			r = str_format(&path, "%s/%s", folder, entries[i]->d_name);
		if (r >= 0)
			r = read_native(path, config, ret_reason);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int find_group(const char *path, const char *name, gid_t *ret)
{
	FILE *file = fopen(path, "re");
	const struct group *group = NULL;
	int r = file ? -ENOENT : -errno;

	while (file && (group = fgetgrent(file)) && !str_equal(group->gr_name, name))
		;
	if (group) {
		*ret = group->gr_gid;
		r = 0;
	}
	if (file)
		fclose(file);
	return r;
}

static int read_group(const char *path, const char *key, const char *name, gid_t *ret,
		      char **ret_reason)
{
	int r = name ? find_group(path, name, ret) : 0;

	if (r >= 0)
		return 0;
	r = str_format(ret_reason,
		       "%s=%s: there is no such group in %s; 'groupadd --system %s' makes "
		       "it",
		       key, name, path, name);
	return r < 0 ? r : -EINVAL;
}

static int read_groups(const char *path, struct config *config, char **ret_reason)
{
	int r = read_group(path, "ReadGroup", config->read_group, &config->read_gid, ret_reason);

	return r < 0 ? r
		     : read_group(path, "ControlGroup", config->control_group, &config->control_gid,
				  ret_reason);
}

int settings_read(const struct settings_paths *paths, struct config **ret, char **ret_reason)
{
	_cleanup_(config_freep) struct config *config = config_new();
	_cleanup_free_ char *folder = NULL;
	int r;

	if (!config)
		return -ENOMEM;
	r = str_format(&folder, "%s.d", paths->native);
	r = r < 0 ? r : read_variables(paths, config, ret_reason);
	r = r < 0 ? r : read_native(paths->native, config, ret_reason);
	r = r < 0 ? r : read_fragments(folder, config, ret_reason);
	if (r >= 0 && paths->groups)
		r = read_groups(paths->groups, config, ret_reason);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(config);
	return 0;
}
