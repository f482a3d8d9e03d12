/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "settings-files/copy.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "io/instance-lock.h"
#include "util/fd.h"
#include "util/parse.h"
#include "util/str.h"

/* The first line is MAGIC, a checksum of the rest, and a line feed. */
#define MAGIC_OF_ALL "xendomainsd-settings-"
#define MAGIC        MAGIC_OF_ALL "1 "
#define HEADER_SIZE  (sizeof(MAGIC) - 1 + 16 + 1)

#define COPY_MAX (4U * SETTINGS_FILE_MAX)

static const char *const kinds[_SETTINGS_KIND_MAX] = {
	[SETTINGS_VARIABLES] = "variables",
	[SETTINGS_SOURCED] = "sourced",
	[SETTINGS_NATIVE] = "native",
};

static void format_header(const char *rest, size_t size, char ret[static HEADER_SIZE + 1])
{
	snprintf(ret, HEADER_SIZE + 1, MAGIC "%016" PRIx64 "\n", (uint64_t)XXH3_64bits(rest, size));
}

int settings_copy_format(const struct settings *s, char **ret, size_t *ret_size)
{
	char header[HEADER_SIZE + 1];
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return -ENOMEM;
	failed = fprintf(out, "%*s", (int)HEADER_SIZE, "") < 0;
	for (size_t i = 0; i < s->n_texts; i++) {
		const struct settings_text *t = &s->texts[i];

		failed |= fprintf(out, "%s %zu %zu\n%s", kinds[t->kind], strlen(t->path), t->size,
				  t->path) < 0;
		failed |= fwrite(t->text, 1, t->size, out) != t->size;
	}
	/* Without memory, the text may be incomplete or missing. */
	failed |= fclose(out) != 0;
	if (failed || !text || size < HEADER_SIZE || size > COPY_MAX) {
		free(text);
		return size > COPY_MAX ? -EFBIG : -ENOMEM;
	}
	format_header(text + HEADER_SIZE, size - HEADER_SIZE, header);
	memcpy(text, header, HEADER_SIZE);
	*ret = text;
	*ret_size = size;
	return 0;
}

/* A text with its heading, which begins at *at. */
static int parse_text(char **at, const char *end, struct settings *s)
{
	char *newline = memchr(*at, '\n', (size_t)(end - *at));
	_cleanup_free_ char *path = NULL;
	uint64_t path_size, size;
	const char *kind, *word;
	size_t room;
	int k, r;

	if (!newline)
		return -EBADMSG;
	*newline = '\0';
	room = (size_t)(end - newline) - 1;
	kind = strsep(at, " ");
	k = str_lookup(kinds, ELEMENTSOF(kinds), kind);
	word = strsep(at, " ");
	if (k < 0 || !word || parse_u64(word, room, &path_size) < 0 || !*at ||
	    parse_u64(*at, room - path_size, &size) < 0 || memchr(newline + 1, '\0', path_size))
		return -EBADMSG;
	path = strndup(newline + 1, path_size);
	if (!path)
		return -ENOMEM;
	r = settings_add(s, (enum settings_kind)k, path, newline + 1 + path_size, size);
	*at = newline + 1 + path_size + size;
	return r;
}

int settings_copy_parse(char *text, size_t size, struct settings *ret)
{
	_cleanup_(settings_done) struct settings s = {0};
	char header[HEADER_SIZE + 1];
	char *at = text + HEADER_SIZE;
	int r = 0;

	if (size < HEADER_SIZE)
		return -EBADMSG;
	if (memcmp(text, MAGIC_OF_ALL, strlen(MAGIC_OF_ALL)) == 0 &&
	    memcmp(text, MAGIC, strlen(MAGIC)) != 0)
		return -EPROTO;
	format_header(at, size - HEADER_SIZE, header);
	if (memcmp(text, header, HEADER_SIZE) != 0)
		return -EBADMSG;
	while (r >= 0 && at < text + size)
		r = parse_text(&at, text + size, &s);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){0};
	return 0;
}

static int read_copy(int fd, char **ret, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return fd_read_file(fd, COPY_MAX, ret, ret_size);
}

/* A daemon that reads other files (--config) has other settings. */
static bool is_of(const struct settings_paths *paths, const struct settings *s)
{
	for (size_t i = 0; i < s->n_texts; i++) {
		const struct settings_text *t = &s->texts[i];

		if (t->kind == SETTINGS_NATIVE && !str_starts_with(t->path, paths->native))
			return false;
		if (t->kind == SETTINGS_VARIABLES &&
		    !(paths->variables[0] && str_equal(t->path, paths->variables[0])) &&
		    !(paths->variables[1] && str_equal(t->path, paths->variables[1])))
			return false;
	}
	return true;
}

int settings_copy_read(const struct settings_paths *paths, struct settings *ret)
{
	_cleanup_(settings_done) struct settings s = {0};
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = paths->kept ? settings_open(paths, paths->kept, O_NOFOLLOW)
					     : -ENODATA;
	size_t size;
	int r = fd < 0 ? fd : read_copy(fd, &text, &size);

	r = r < 0 ? r : settings_copy_parse(text, size, &s);
	if (r >= 0 && !is_of(paths, &s))
		r = -ENODATA;
	r = r < 0 ? r : settings_rebuild(paths, &s);
	/* A newer daemon may refuse what an older one has read. */
	if (r >= 0 && s.config->broken)
		r = -ENODATA;
	if (r < 0)
		return r;
	*ret = s;
	s = (struct settings){0};
	return 0;
}

/*
 * The file that is to become the copy, locked: the helper of an earlier daemon may still wait for
 * the disk. Tells whether it has waited for one.
 */
static int open_new(const char *new, bool *waited)
{
	for (;;) {
		_cleanup_close_ int fd = open(
			new, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		struct stat opened, named;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			*waited = true;
			if (errno != EWOULDBLOCK || flock(fd, LOCK_EX) < 0)
				return -errno;
		}
		if (fstat(fd, &opened) < 0)
			return -errno;
		if (lstat(new, &named) >= 0 && named.st_ino == opened.st_ino)
			return TAKE_FD(fd);
	}
}

static bool says_the_same(const char *path, const char *text, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_free_ char *old = NULL;
	size_t old_size;

	return fd >= 0 && read_copy(fd, &old, &old_size) >= 0 && old_size == size &&
	       memcmp(old, text, size) == 0;
}

/* The copy must not be older than the last good settings. */
static int drop(const char *path, int error)
{
	if (unlink(path) == 0)
		fsync_parent(path);
	return error;
}

static int write_new(const char *path, const char *new, int fd, const char *text, size_t size)
{
	int r = ftruncate(fd, 0) < 0 ? -errno : fd_write_all(fd, text, size);

	if (r >= 0 && (fsync(fd) < 0 || rename(new, path) < 0))
		r = -errno;
	if (r < 0) {
		unlink(new);
		return r;
	}
	return fsync_parent(path);
}

/*
 * Its daemon has ended while it waited. Several may have waited, and which of them has the last
 * settings is not known: a daemon that lives keeps its own.
 */
static int give_up(const struct settings_paths *paths, const char *new)
{
	if (!instance_lock_holder_lives(paths->lock))
		drop(paths->kept, 0);
	return unlink(new) < 0 ? -errno : 0;
}

static int replace(const struct settings_paths *paths, const char *text, size_t size, pid_t daemon)
{
	_cleanup_free_ char *new = NULL;
	_cleanup_close_ int fd = -1;
	bool waited = false;
	int r = str_format(&new, "%s.new", paths->kept);

	if (r < 0)
		return r;
	fd = open_new(new, &waited);
	if (fd < 0)
		return fd;
	if (says_the_same(paths->kept, text, size))
		return unlink(new) < 0 ? -errno : 0;
	if (waited && getppid() != daemon)
		return give_up(paths, new);
	return write_new(paths->kept, new, fd, text, size);
}

int settings_copy_put(const struct settings_paths *paths, const char *text, size_t size,
		      pid_t daemon)
{
	int r = text ? replace(paths, text, size, daemon) : -EFBIG;

	return r < 0 ? drop(paths->kept, r) : 0;
}
