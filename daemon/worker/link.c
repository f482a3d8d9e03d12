/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/link.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/str.h"

/* As many as Linux follows. */
#define LINKS_MAX 40

/* On the way from a link to where it leads. */
struct link_walk {
	char *at;   /* without links; "" is the root directory */
	char *todo; /* what is still to be gone from there */
	unsigned links;
	char **ret_problem;
	link_step_fn step; /* NULL: each is checked; otherwise none is */
	void *data;
};

static void walk_done(struct link_walk *w)
{
	free(w->at);
	free(w->todo);
}

static int refuse(const struct link_walk *w, const char *path, const struct stat *st)
{
	int r = str_format(
		w->ret_problem,
		"refusing to follow a link: users other than root can change %s (owner %u, "
		"mode %04o). Make it writable by root alone, or replace the link with the "
		"file",
		path, st->st_uid, st->st_mode & ALLPERMS);

	return r < 0 ? r : -EPERM;
}

static int check_owner(const struct link_walk *w, const char *path, const struct stat *st)
{
	bool shared = !S_ISLNK(st->st_mode) && st->st_mode & (S_IWGRP | S_IWOTH) &&
		      !(S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX);

	if (shared || (st->st_uid != 0 && st->st_uid != geteuid()))
		return refuse(w, path, st);
	return 0;
}

/* A user who can write the directory decides where the next name leads. */
static int check_directory(const struct link_walk *w)
{
	const char *path = w->at[0] ? w->at : "/";
	struct stat st;

	return lstat(path, &st) < 0 ? -errno : check_owner(w, path, &st);
}

/* Puts the target of a link before the part of the path that is still to be walked. */
static int push_target(struct link_walk *w, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	char *todo;
	int r;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	r = str_format(&todo, "%s/%s", target, w->todo ? w->todo : "");
	if (r < 0)
		return r;
	free(w->todo);
	w->todo = todo;
	if (target[0] == '/')
		w->at[0] = '\0';
	return 0;
}

static int go_into(struct link_walk *w, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int r = str_format(&path, "%s/%s", w->at, name);

	if (r < 0)
		return r;
	if (lstat(path, &st) < 0)
		return -errno;
	r = w->step ? w->step(w->data, path, &st) : check_owner(w, path, &st);
	if (r < 0)
		return r;
	return S_ISLNK(st.st_mode) ? push_target(w, path) : str_replace(&w->at, path);
}

static int take_step(struct link_walk *w)
{
	size_t length = strcspn(w->todo, "/");
	_cleanup_free_ char *name = strndup(w->todo, length);
	size_t rest = length + strspn(w->todo + length, "/");

	if (!name)
		return -ENOMEM;
	memmove(w->todo, w->todo + rest, strlen(w->todo + rest) + 1);
	if (name[0] == '\0' || str_equal(name, "."))
		return 0;
	if (!str_equal(name, ".."))
		return go_into(w, name);
	if (strrchr(w->at, '/'))
		*strrchr(w->at, '/') = '\0';
	return w->step ? 0 : check_directory(w);
}

/* The directory of the link; then the link is the first thing to go into. */
static int begin_at(struct link_walk *w, const char *path)
{
	_cleanup_free_ char *directory = strndup(path, (size_t)(path_base(path) - path));

	w->todo = strdup(path_base(path));
	if (!directory || !w->todo)
		return -ENOMEM;
	w->at = realpath(directory[0] ? directory : ".", NULL);
	if (!w->at)
		return -errno;
	if (str_equal(w->at, "/"))
		w->at[0] = '\0';
	return check_directory(w);
}

int link_follow(const char *path, char **ret, char **ret_problem)
{
	_cleanup_(walk_done) struct link_walk w = {.ret_problem = ret_problem};
	int r = begin_at(&w, path);

	while (r >= 0 && w.todo[0] != '\0')
		r = take_step(&w);
	if (r >= 0) {
		*ret = w.at;
		w.at = NULL;
		return 0;
	}
	if (r == -ENOENT || r == -ENOTDIR)
		r = str_format(ret_problem, "the target of this link does not exist") < 0 ? -ENOMEM
											  : -ENOENT;
	else if (r != -EPERM && r != -ENOMEM)
		str_format(ret_problem, "failed to follow this link: %s", strerror(-r));
	return r;
}

int link_walk(const char *path, link_step_fn step, void *data)
{
	_cleanup_(walk_done) struct link_walk w = {.step = step, .data = data};
	int r = 0;

	w.at = strdup("");
	w.todo = strdup(path);
	if (!w.at || !w.todo)
		return -ENOMEM;
	while (r >= 0 && w.todo[0] != '\0')
		r = take_step(&w);
	return r;
}

int link_open(const char *path, int flags, char **ret_problem)
{
	_cleanup_free_ char *target = NULL;
	int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : fd;

	/* That is what O_NOFOLLOW makes of a link. */
	if (r == -ELOOP) {
		r = link_follow(path, &target, ret_problem);
		if (r < 0)
			return r;
		fd = open(target, flags | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : fd;
	}
	if (r < 0 && !*ret_problem && str_format(ret_problem, "%s", strerror(-r)) < 0)
		return -ENOMEM;
	return r;
}
