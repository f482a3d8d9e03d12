/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/folder.h"

#include <dirent.h>

#include "util/str.h"

/* More files than this in one directory are a mistake. */
#define FILES_MAX 250000
#define TOO_MANY  "it has more than 250000 files"

void file_list_done(struct file_list *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->names[i]);
	free(f->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_name(struct file_list *f, const char *name)
{
	char **bigger = realloc(f->names, (f->n + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	f->names = bigger;
	f->names[f->n] = strdup(name);
	if (!f->names[f->n])
		return -ENOMEM;
	f->n++;
	return 0;
}

const char *file_list_error(int error)
{
	return error == -EFBIG ? TOO_MANY : strerror(-error);
}

int file_list_read(const char *path, struct file_list *ret)
{
	_cleanup_(file_list_done) struct file_list f = {0};
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int r = 0;

	if (!dir && errno != ENOENT)
		return -errno;
	while (r >= 0 && dir) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			r = -errno;
			break;
		}
		if (!str_equal(entry->d_name, ".") && !str_equal(entry->d_name, ".."))
			r = f.n < FILES_MAX ? add_name(&f, entry->d_name) : -EFBIG;
	}
	if (dir)
		closedir(dir);
	if (r < 0)
		return r;
	if (f.n)
		qsort(f.names, f.n, sizeof(*f.names), compare_names);
	*ret = f;
	f = (struct file_list){0};
	return 0;
}
