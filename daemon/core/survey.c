/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/survey.h"

#include "util/str.h"

void survey_config_done(struct survey_config *c)
{
	free(c->path);
	free(c->stamp);
	free(c->error);
	free(c->name);
	free(c->config);
	*c = (struct survey_config){0};
}

void survey_image_done(struct survey_image *i)
{
	free(i->path);
	free(i->error);
	free(i->name);
	*i = (struct survey_image){0};
}

void survey_free(struct survey *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_configs; i++)
		survey_config_done(&s->configs[i]);
	for (size_t i = 0; i < s->n_images; i++)
		survey_image_done(&s->images[i]);
	for (size_t i = 0; i < s->n_notes; i++)
		free(s->notes[i]);
	free(s->configs);
	free(s->images);
	free(s->notes);
	free(s->unreadable);
	free(s->directory);
	vanished_list_done(&s->vanished);
	free(s);
}

void vanished_list_done(struct vanished_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].name);
	free(l->items);
	*l = (struct vanished_list){0};
}

bool vanished_list_has(const struct vanished_list *l, const struct uuid *uuid, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (uuid_equal(&l->items[i].uuid, uuid) || str_equal(l->items[i].name, name))
			return true;
	return l->incomplete;
}

static int add_vanished(struct vanished_list *l, const struct uuid *uuid, const char *name)
{
	struct vanished *bigger = realloc(l->items, (l->n + 1) * sizeof(*bigger));
	char *copy;

	if (!bigger)
		return -ENOMEM;
	l->items = bigger;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	l->items[l->n++] = (struct vanished){.uuid = *uuid, .name = copy};
	return 0;
}

void vanished_list_add(struct vanished_list *l, const struct uuid *uuid, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (uuid_equal(&l->items[i].uuid, uuid) && str_equal(l->items[i].name, name))
			return;
	if (add_vanished(l, uuid, name) < 0)
		l->incomplete = true;
}

int survey_add_config(struct survey *s, struct survey_config *c)
{
	struct survey_config *bigger = realloc(s->configs, (s->n_configs + 1) * sizeof(*bigger));

	if (!bigger) {
		survey_config_done(c);
		return -ENOMEM;
	}
	s->configs = bigger;
	s->configs[s->n_configs++] = *c;
	*c = (struct survey_config){0};
	return 0;
}

int survey_add_image(struct survey *s, struct survey_image *i)
{
	struct survey_image *bigger = realloc(s->images, (s->n_images + 1) * sizeof(*bigger));

	if (!bigger) {
		survey_image_done(i);
		return -ENOMEM;
	}
	s->images = bigger;
	s->images[s->n_images++] = *i;
	*i = (struct survey_image){0};
	return 0;
}

bool survey_is_file_of(const struct survey_config *c, const char *name)
{
	const char *base = path_base(c->path);
	size_t length = strlen(name);

	return strncmp(base, name, length) == 0 &&
	       (base[length] == '\0' || (base[length] == '.' && !strchr(base + length + 1, '.')));
}

const struct survey_image *survey_find_broken(const struct survey *s, const char *path)
{
	for (size_t i = 0; path && i < s->n_images; i++)
		if (s->images[i].error && str_equal(s->images[i].path, path))
			return &s->images[i];
	return NULL;
}

int survey_add_note(struct survey *s, const char *note)
{
	char **bigger = realloc(s->notes, (s->n_notes + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	s->notes = bigger;
	s->notes[s->n_notes] = strdup(note);
	return s->notes[s->n_notes] ? (s->n_notes++, 0) : -ENOMEM;
}

static int compare_configs(const void *a, const void *b)
{
	return strcmp(((const struct survey_config *)a)->path,
		      ((const struct survey_config *)b)->path);
}

static int compare_images(const void *a, const void *b)
{
	return strcmp(((const struct survey_image *)a)->path,
		      ((const struct survey_image *)b)->path);
}

void survey_sort(struct survey *s)
{
	if (s->n_configs)
		qsort(s->configs, s->n_configs, sizeof(*s->configs), compare_configs);
	if (s->n_images)
		qsort(s->images, s->n_images, sizeof(*s->images), compare_images);
}

const struct survey_config *survey_find_config(const struct survey *s, const char *path)
{
	for (size_t i = 0; i < s->n_configs; i++)
		if (str_equal(s->configs[i].path, path))
			return &s->configs[i];
	return NULL;
}
