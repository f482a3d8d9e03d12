/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings-files/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>

#include "core/config-text.h"
#include "util/fd.h"
#include "util/str.h"

static int refuse(struct settings *s, const char *path, int error)
{
	_cleanup_free_ char *reason = NULL;
	int r = str_format(&reason, "cannot be read: %s", strerror(-error));

	return r < 0 ? r
		     : config_refuse(s->config, &(struct config_place){(char *)path, 0}, false,
				     reason);
}

/* Takes the text over. */
static int take_text(struct settings *s, enum settings_kind kind, const char *path, char *text,
		     size_t size)
{
	struct settings_text *bigger = realloc(s->texts, (s->n_texts + 1) * sizeof(*bigger));
	char *copy = strdup(path);

	if (bigger)
		s->texts = bigger;
	if (!bigger || !copy) {
		free(text);
		free(copy);
		return -ENOMEM;
	}
	bigger[s->n_texts++] = (struct settings_text){kind, copy, text, size};
	return 0;
}

int settings_add(struct settings *s, enum settings_kind kind, const char *path, const char *text,
		 size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, size);
	copy[size] = '\0';
	return take_text(s, kind, path, copy, size);
}

/* 1 if there is such a file, which is then refused or among the texts; 0 or -ENOMEM. */
static int read_text(struct settings *s, enum settings_kind kind, const char *path)
{
	char *text;
	size_t size;
	int r = file_read(path, SETTINGS_FILE_MAX, &text, &size);

	if (r == -ENOENT)
		return 0;
	if (r >= 0) {
		r = take_text(s, kind, path, text, size);
	} else if (r != -ENOMEM) {
		s->config->scope_unknown |= kind == SETTINGS_VARIABLES;
		r = refuse(s, path, r);
	}
	return r < 0 ? r : 1;
}

static int read_variables(struct settings *s, const struct settings_paths *paths)
{
	const char *read = NULL;

	for (size_t i = 0; i < ELEMENTSOF(paths->variables); i++) {
		const char *path = paths->variables[i];
		int r;

		if (path && read && access(path, F_OK) == 0)
			return config_warn(s->config, "%s: is not read, because %s is there too",
					   path, read);
		r = path && !read ? read_text(s, SETTINGS_VARIABLES, path) : 0;
		if (r < 0)
			return r;
		if (r > 0)
			read = path;
	}
	return 0;
}

static int is_fragment(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && str_ends_with(entry->d_name, ".conf");
}

static int read_fragments(struct settings *s, const char *folder)
{
	struct dirent **entries;
	int n = scandir(folder, &entries, is_fragment, alphasort);
	int r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 : refuse(s, folder, -errno);
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (r >= 0)
			r = str_format(&path, "%s/%s", folder, entries[i]->d_name);
		if (r >= 0)
			r = read_text(s, SETTINGS_NATIVE, path);
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

/* A failure only loses the right that the key would give. */
static int read_group(struct settings *s, const char *path, const char *key, char **name,
		      const struct config_place *at, gid_t *ret)
{
	_cleanup_free_ char *reason = NULL;
	int r = *name ? find_group(path, *name, ret) : 0;

	if (r >= 0)
		return 0;
	r = str_format(&reason,
		       "%s=%s: no such group in %s. Run 'groupadd --system %s' to create it", key,
		       *name, path, *name);
	free(TAKE_PTR(*name));
	return r < 0 ? r : config_refuse(s->config, at, true, reason);
}

static int read_groups(struct settings *s, const char *path)
{
	struct config *c = s->config;
	int r = read_group(s, path, "ReadGroup", &c->read_group, &c->read_group_at, &c->read_gid);

	return r < 0 ? r
		     : read_group(s, path, "ControlGroup", &c->control_group, &c->control_group_at,
				  &c->control_gid);
}

int settings_open(const struct settings_paths *paths, const char *path, int flags)
{
	int fd;

	flags |= O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	if (paths->open)
		return paths->open(path, flags);
	fd = open(path, flags);
	return fd < 0 ? -errno : fd;
}

/* Where files that are sourced come from. */
struct sourcing {
	struct settings *settings;
	const struct settings_paths *paths; /* NULL: from the texts only */
};

static int read_sourced(void *data, const char *path, const char **ret_text, size_t *ret_size)
{
	struct sourcing *sourcing = data;
	const struct settings_paths *paths = sourcing->paths;
	struct settings *s = sourcing->settings;
	_cleanup_close_ int fd = -1;
	size_t size;
	char *text;
	int r;

	for (size_t i = 0; i < s->n_texts; i++)
		if (s->texts[i].kind == SETTINGS_SOURCED && str_equal(s->texts[i].path, path)) {
			*ret_text = s->texts[i].text;
			*ret_size = s->texts[i].size;
			return 0;
		}
	if (!paths)
		return -ENOENT;
	fd = settings_open(paths, path, 0);
	r = fd < 0 ? fd : fd_read_file(fd, SETTINGS_FILE_MAX, &text, &size);
	r = r < 0 ? r : take_text(s, SETTINGS_SOURCED, path, text, size);
	if (r < 0)
		return r;
	*ret_text = text;
	*ret_size = size;
	return 0;
}

static int parse_texts(struct sourcing *sourcing)
{
	struct config_source source = {.read = read_sourced, .data = sourcing};
	struct settings *s = sourcing->settings;
	size_t n = s->n_texts;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		const struct settings_text t = s->texts[i];

		if (t.kind == SETTINGS_VARIABLES)
			r = config_read_variables(s->config, t.path, t.text, t.size, &source);
		else if (t.kind == SETTINGS_NATIVE && memchr(t.text, '\0', t.size))
			r = refuse(s, t.path, -EILSEQ);
		else if (t.kind == SETTINGS_NATIVE)
			r = config_read_native(s->config, t.path, t.text);
	}
	return r;
}

int settings_read(const struct settings_paths *paths, struct settings *ret)
{
	_cleanup_(settings_done) struct settings s = {.config = config_new()};
	struct sourcing sourcing = {.settings = &s, .paths = paths};
	_cleanup_free_ char *folder = NULL;
	int r;

	if (!s.config)
		return -ENOMEM;
	r = str_format(&folder, "%s.d", paths->native);
	r = r < 0 ? r : read_variables(&s, paths);
	r = r < 0 ? r : read_text(&s, SETTINGS_NATIVE, paths->native);
	r = r < 0 ? r : read_fragments(&s, folder);
	r = r < 0 ? r : parse_texts(&sourcing);
	if (r >= 0 && paths->groups)
		r = read_groups(&s, paths->groups);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){0};
	return 0;
}

int settings_rebuild(const struct settings_paths *paths, struct settings *s)
{
	struct sourcing sourcing = {.settings = s};
	int r;

	config_free(s->config);
	s->config = config_new();
	if (!s->config)
		return -ENOMEM;
	r = parse_texts(&sourcing);
	return r >= 0 && paths->groups ? read_groups(s, paths->groups) : r;
}

void settings_done(struct settings *s)
{
	config_free(s->config);
	for (size_t i = 0; i < s->n_texts; i++) {
		free(s->texts[i].path);
		free(s->texts[i].text);
	}
	free(s->texts);
}
