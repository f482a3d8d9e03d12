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
	for (size_t i = 0; i < s->n_dangling; i++)
		free(s->dangling[i]);
	free(s->configs);
	free(s->images);
	for (size_t i = 0; i < s->n_stuck; i++) {
		free(s->stuck[i].path);
		free(s->stuck[i].reader);
	}
	free(s->notes);
	free(s->dangling);
	free(s->stuck);
	free(s->unreadable);
	free(s->unfit);
	free(s->directory);
	vanished_list_done(&s->vanished);
	index_done(&s->nameless);
	index_done(&s->named_images);
	free(s);
}

void vanished_list_done(struct vanished_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].name);
	free(l->items);
	*l = (struct vanished_list){0};
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
	if (l->incomplete)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (uuid_equal(&l->items[i].uuid, uuid) && str_equal(l->items[i].name, name))
			return;
	if (l->n == VANISHED_MAX || add_vanished(l, uuid, name) < 0) {
		vanished_list_done(l);
		l->incomplete = true;
	}
}

static struct survey_config *find_pending_config(struct survey *s, const char *path)
{
	for (size_t i = 0; s->n_pending > 0 && i < s->n_configs; i++)
		if (s->configs[i].pending && str_equal(s->configs[i].path, path))
			return &s->configs[i];
	return NULL;
}

int survey_add_config(struct survey *s, struct survey_config *c)
{
	struct survey_config *old = find_pending_config(s, c->path);
	struct survey_config *bigger;

	s->indexed = false;
	s->n_pending += c->pending;
	if (old) {
		s->n_pending--;
		survey_config_done(old);
		*old = *c;
		*c = (struct survey_config){0};
		return 0;
	}
	bigger = realloc(s->configs, (s->n_configs + 1) * sizeof(*bigger));
	if (!bigger) {
		s->n_pending -= c->pending;
		survey_config_done(c);
		return -ENOMEM;
	}
	s->configs = bigger;
	s->configs[s->n_configs++] = *c;
	*c = (struct survey_config){0};
	return 0;
}

static struct survey_image *find_pending_image(struct survey *s, const char *path)
{
	for (size_t i = 0; s->n_pending > 0 && i < s->n_images; i++)
		if (s->images[i].pending && str_equal(s->images[i].path, path))
			return &s->images[i];
	return NULL;
}

int survey_add_image(struct survey *s, struct survey_image *image)
{
	struct survey_image *old = find_pending_image(s, image->path);
	struct survey_image *bigger;

	s->indexed = false;
	s->n_pending += image->pending;
	if (old) {
		s->n_pending--;
		survey_image_done(old);
		*old = *image;
		*image = (struct survey_image){0};
		return 0;
	}
	bigger = realloc(s->images, (s->n_images + 1) * sizeof(*bigger));
	if (!bigger) {
		s->n_pending -= image->pending;
		survey_image_done(image);
		return -ENOMEM;
	}
	s->images = bigger;
	s->images[s->n_images++] = *image;
	*image = (struct survey_image){0};
	return 0;
}

int survey_add_stuck(struct survey *s, const char *path, const char *reader)
{
	struct survey_stuck *bigger = realloc(s->stuck, (s->n_stuck + 1) * sizeof(*bigger));
	struct survey_stuck stuck = {0};
	int r;

	if (!bigger)
		return -ENOMEM;
	s->stuck = bigger;
	r = str_replace(&stuck.path, path);
	r = r < 0 ? r : str_replace(&stuck.reader, reader);
	if (r < 0) {
		free(stuck.path);
		return r;
	}
	s->stuck[s->n_stuck++] = stuck;
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

static int add_text(char ***texts, size_t *n, const char *text)
{
	char **bigger = realloc(*texts, (*n + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	*texts = bigger;
	bigger[*n] = strdup(text);
	return bigger[*n] ? (++*n, 0) : -ENOMEM;
}

int survey_add_note(struct survey *s, const char *note)
{
	return add_text(&s->notes, &s->n_notes, note);
}

int survey_add_dangling(struct survey *s, const char *path)
{
	return add_text(&s->dangling, &s->n_dangling, path);
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
	s->indexed = false;
	if (s->n_configs)
		qsort(s->configs, s->n_configs, sizeof(*s->configs), compare_configs);
	if (s->n_images)
		qsort(s->images, s->n_images, sizeof(*s->images), compare_images);
}

bool survey_is_indexed(const struct survey *s)
{
	return s->indexed || (s->n_configs == 0 && s->n_images == 0);
}

int survey_index(struct survey *s)
{
	int r = 0;

	index_done(&s->nameless);
	index_done(&s->named_images);
	for (size_t i = 0; r >= 0 && i < s->n_configs; i++)
		if (!s->configs[i].error && !s->configs[i].has_uuid && s->configs[i].name)
			r = index_add(&s->nameless, hash_text(s->configs[i].name), &s->configs[i]);
	for (size_t i = 0; r >= 0 && i < s->n_images; i++)
		if (!uuid_is_null(&s->images[i].uuid) && s->images[i].name)
			r = index_add(&s->named_images, hash_text(s->images[i].name),
				      &s->images[i]);
	s->indexed = r >= 0;
	return r;
}

const struct survey_config *survey_find_config(const struct survey *s, const char *path)
{
	const struct survey_config key = {.path = (char *)path};

	return s->n_configs ? bsearch(&key, s->configs, s->n_configs, sizeof(*s->configs),
				      compare_configs)
			    : NULL;
}

/* Putting two together. */

static int copy_config(struct survey *s, const struct survey_config *from)
{
	struct survey_config c = *from;
	int r;

	c.path = c.stamp = c.error = c.name = c.config = NULL;
	r = str_replace(&c.path, from->path);
	r = r < 0 ? r : str_replace(&c.stamp, from->stamp);
	r = r < 0 ? r : str_replace(&c.error, from->error);
	r = r < 0 ? r : str_replace(&c.name, from->name);
	r = r < 0 ? r : str_replace(&c.config, from->config);
	if (r < 0) {
		survey_config_done(&c);
		return r;
	}
	return survey_add_config(s, &c);
}

int survey_copy_configs(struct survey *s, const struct survey *from)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < from->n_configs; i++)
		r = copy_config(s, &from->configs[i]);
	return r;
}

static int copy_images(struct survey *s, const struct survey *from)
{
	int r = str_replace(&s->directory, from->directory);

	r = r < 0 ? r : str_replace(&s->unreadable, from->unreadable);
	for (size_t i = 0; r >= 0 && i < from->n_images; i++) {
		struct survey_image image = from->images[i];

		image.path = image.error = image.name = NULL;
		r = str_replace(&image.path, from->images[i].path);
		r = r < 0 ? r : str_replace(&image.error, from->images[i].error);
		r = r < 0 ? r : str_replace(&image.name, from->images[i].name);
		if (r < 0)
			survey_image_done(&image);
		else
			r = survey_add_image(s, &image);
	}
	return r;
}

static bool is_stuck(const struct survey *s, const char *path)
{
	for (size_t i = 0; i < s->n_stuck; i++)
		if (str_equal(s->stuck[i].path, path))
			return true;
	return false;
}

static int copy_stuck(struct survey *s, const struct survey *from)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < from->n_stuck; i++)
		if (!is_stuck(s, from->stuck[i].path))
			r = survey_add_stuck(s, from->stuck[i].path, from->stuck[i].reader);
	return r;
}

/* For a pending file, copies the entry of the previous survey. */
static int copy_told(struct survey *s, const struct survey *unfinished, const struct survey *before)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < unfinished->n_configs; i++) {
		const struct survey_config *c = &unfinished->configs[i];
		const struct survey_config *old = c->pending ? survey_find_config(before, c->path)
							     : NULL;

		r = copy_config(s, old && !old->error ? old : c);
	}
	return r;
}

/* Those that the unfinished one has not told; sorted, it is searched quickly. */
static int copy_untold(struct survey *s, const struct survey *before)
{
	size_t n_told = s->n_configs;
	int r = 0;

	survey_sort(s);
	for (size_t i = 0; r >= 0 && i < before->n_configs; i++)
		if (n_told == 0 || !bsearch(&before->configs[i], s->configs, n_told,
					    sizeof(*s->configs), compare_configs))
			r = copy_config(s, &before->configs[i]);
	return r;
}

int survey_so_far(const struct survey *before, const struct survey *unfinished, struct survey **ret)
{
	_cleanup_(survey_freep) struct survey *s = calloc(1, sizeof(*s));
	int r = s ? copy_told(s, unfinished, before) : -ENOMEM;

	if (r >= 0 && !unfinished->configs_told)
		r = copy_untold(s, before);
	/* An image is the newest, or is not, beside all the others only. */
	r = r < 0 ? r : copy_images(s, unfinished->images_told ? unfinished : before);
	r = r < 0 ? r : copy_stuck(s, unfinished);
	r = r < 0 ? r : copy_stuck(s, before);
	for (size_t i = 0; r >= 0 && i < unfinished->n_notes; i++)
		r = survey_add_note(s, unfinished->notes[i]);
	for (size_t i = 0; r >= 0 && i < unfinished->n_dangling; i++)
		r = survey_add_dangling(s, unfinished->dangling[i]);
	r = r < 0 ? r : str_replace(&s->unfit, unfinished->unfit);
	if (r < 0)
		return r;
	s->unlisted = unfinished->unlisted || !unfinished->configs_told;
	s->room = unfinished->room;
	s->room_known = unfinished->room_known;
	survey_sort(s);
	*ret = TAKE_PTR(s);
	return 0;
}
