/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/disks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/str.h"
#include "util/time.h"
#include "wire/json.h"

/* The path of a disk that the guest can write and that is in this host, or NULL. */
static const char *writable_path(struct json_object *disk)
{
	const char *path = json_get_string(disk, "pdev_path");
	uint64_t writable;
	bool is_writable = json_get_u64(disk, "readwrite", &writable) >= 0 && writable;

	/* Elsewhere, or not a path but something for a script to understand. */
	if (json_get_string(disk, "backend_domname") || json_get_string(disk, "script"))
		return is_writable && !str_empty(path) ? "" : NULL;
	return is_writable && !str_empty(path) ? path : NULL;
}

static struct json_object *get_disks(struct json_object *config)
{
	return json_get(config, "disks", json_type_array);
}

static usec_t mtime_of(const struct stat *st)
{
	return (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st->st_mtim.tv_nsec / 1000;
}

static struct json_object *describe(const char *path, const struct stat *st)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();

	if (!o || json_add_string(o, "path", path) < 0 ||
	    json_add_u64(o, "inode", st->st_ino) < 0 ||
	    json_add_u64(o, "size", (uint64_t)st->st_size) < 0 ||
	    json_add_u64(o, "changed_usec", mtime_of(st)) < 0)
		return NULL;
	return TAKE_PTR(o);
}

/* 0 and the description; 1 if there is none to be had; -errno. */
static int stamp_disk(const char *path, struct json_object *list)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (path[0] != '/')
		return 1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return 1;
	/* What the guest wrote last may be in the page cache only. */
	if (fsync(fd) < 0 && errno != EINVAL)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 1;
	return json_append(list, describe(path, &st));
}

int disks_stamp(const char *config_text, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL, *stamp = json_object_new_object();
	_cleanup_json_ struct json_object *list = json_object_new_array();
	struct json_object *disks;
	bool complete = true;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (!stamp || !list)
		return -ENOMEM;
	disks = r < 0 ? NULL : get_disks(config);
	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (!path)
			continue;
		r = stamp_disk(path, list);
		complete &= r == 0;
	}
	if (r < 0)
		return r;
	if (!complete)
		return 1;
	r = json_add(stamp, "disks", TAKE_PTR(list));
	return r < 0 ? r : str_format(ret, "%s", json_text(stamp, NULL));
}

/* One that lacks something proves nothing. */
static bool is_description(struct json_object *o)
{
	uint64_t value;

	return json_get_u64(o, "inode", &value) >= 0 && json_get_u64(o, "size", &value) >= 0 &&
	       json_get_u64(o, "changed_usec", &value) >= 0;
}

static struct json_object *find_description(struct json_object *stamp, const char *path)
{
	struct json_object *list = get_disks(stamp);

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (str_equal(json_get_string(o, "path"), path) && is_description(o))
			return o;
	}
	return NULL;
}

static bool differs(struct json_object *o, const char *key, uint64_t is)
{
	uint64_t was;

	return json_get_u64(o, key, &was) >= 0 && was != is;
}

static int compare_disk(struct json_object *stamp, const char *path, enum disks_verdict *verdict,
			char **ret_reason)
{
	struct json_object *was = find_description(stamp, path);
	const char *how = NULL;
	struct stat st;

	if (!was) {
		*verdict = DISKS_UNKNOWN;
		return 0;
	}
	if (stat(path, &st) < 0)
		how = "cannot be found";
	else if (differs(was, "inode", st.st_ino))
		how = "is another file now";
	else if (differs(was, "size", (uint64_t)st.st_size) ||
		 differs(was, "changed_usec", mtime_of(&st)))
		how = "was written";
	if (!how)
		return 0;
	*verdict = DISKS_CHANGED;
	return str_format(ret_reason, "its disk %s %s after the guest was saved", path, how);
}

int disks_compare(const char *config_text, const char *stamp_text, enum disks_verdict *ret,
		  char **ret_reason)
{
	_cleanup_json_ struct json_object *config = NULL, *stamp = NULL;
	enum disks_verdict verdict = DISKS_UNCHANGED;
	struct json_object *disks;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r >= 0 && stamp_text)
		r = json_parse(stamp_text, strlen(stamp_text), &stamp);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		verdict = DISKS_UNKNOWN;
	disks = r < 0 ? NULL : get_disks(config);
	r = 0;
	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (path)
			r = compare_disk(stamp, path, &verdict, ret_reason);
		if (verdict == DISKS_CHANGED)
			break;
	}
	*ret = verdict;
	return r;
}
