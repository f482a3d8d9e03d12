/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/disks.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "util/fd.h"
#include "util/str.h"
#include "wire/json.h"
#include "wire/ledger-record.h"
#include "worker/boots.h"
#include "worker/image/blockdev.h"
#include "worker/image/storage.h"

/* A device model may write to an image of its own after xl has written the last of the guest. */
#define AGE_SLACK (60 * USEC_PER_SEC)

/* The path of a disk that the guest can write, or NULL; "" if it is not here, or not a path. */
static const char *writable_path(struct json_object *disk)
{
	const char *path = json_get_string(disk, "pdev_path");
	uint64_t writable;
	bool is_writable = json_get_u64(disk, "readwrite", &writable) >= 0 && writable;

	if (!is_writable || str_empty(path))
		return NULL;
	if (json_get_string(disk, "backend_domname") || json_get_string(disk, "script"))
		return "";
	return path[0] == '/' ? path : "";
}

static struct json_object *get_disks(struct json_object *o)
{
	return json_get(o, "disks", json_type_array);
}

static usec_t mtime_of(const struct stat *st)
{
	return (usec_t)st->st_mtim.tv_sec * USEC_PER_SEC + (usec_t)st->st_mtim.tv_nsec / 1000;
}

static int describe_file(const struct stat *st, struct json_object *o)
{
	int r = json_add_u64(o, "inode", st->st_ino);

	r = r < 0 ? r : json_add_u64(o, "size", (uint64_t)st->st_size);
	return r < 0 ? r : json_add_u64(o, "changed_usec", mtime_of(st));
}

/* 0 with a description, which may say that the disk cannot be described. -ENOMEM. */
static int describe(const char *path, struct json_object **ret)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct stat st;
	int r = o ? 0 : -ENOMEM;

	if (r >= 0 && stat(path, &st) < 0)
		r = -errno;
	if (r >= 0)
		r = S_ISREG(st.st_mode) ? describe_file(&st, o) : blockdev_describe(path, o);
	if (r < 0 && r != -ENOMEM) {
		json_object_put(o);
		o = json_object_new_object();
		r = o ? json_add_bool(o, "unseen", true) : -ENOMEM;
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(o);
	return 0;
}

/* What the guest wrote last may be in the page cache only. */
static int sync_disk(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0 && fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int add_description(struct json_object *list, const char *path, bool *ret_unseen)
{
	_cleanup_json_ struct json_object *o = NULL;
	int r = describe(path, &o);

	if (r < 0)
		return r;
	*ret_unseen |= json_get_bool(o, "unseen");
	r = json_add_string(o, "path", path);
	return r < 0 ? r : json_append(list, TAKE_PTR(o));
}

/* All of them, in the order of the configuration. */
static int describe_all(struct json_object *config, bool sync, struct json_object **ret,
			bool *ret_unseen)
{
	_cleanup_json_ struct json_object *list = json_object_new_array();
	struct json_object *disks = get_disks(config);
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (!path)
			continue;
		r = sync && path[0] ? sync_disk(path) : 0;
		r = r < 0 ? r : add_description(list, path, ret_unseen);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	return 0;
}

static int digest(struct json_object *list, char ret[17])
{
	size_t length;
	const char *text = json_text(list, &length);

	if (!text)
		return -ENOMEM;
	snprintf(ret, 17, "%016" PRIx64, (uint64_t)XXH64(text, length, 0));
	return 0;
}

static int make_short(struct json_object *list, bool unseen, char **ret)
{
	_cleanup_json_ struct json_object *stamp = json_object_new_object();
	const char *text = NULL;
	char hash[17];
	int r = stamp ? digest(list, hash) : -ENOMEM;

	r = r < 0 ? r : json_add_string(stamp, "digest", hash);
	r = r < 0 ? r : json_add_bool(stamp, "unseen", unseen);
	if (r < 0)
		return r;
	text = json_text(stamp, NULL);
	return text ? str_replace(ret, text) : -ENOMEM;
}

int disks_stamp(const char *config_text, size_t max, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL, *list = NULL;
	_cleanup_free_ char *text = NULL;
	const char *disks = NULL;
	bool unseen = false;
	int r = json_parse(config_text, strlen(config_text), &config);

	r = r < 0 ? r : describe_all(config, true, &list, &unseen);
	if (r >= 0) {
		disks = json_text(list, NULL);
		r = disks ? str_format(&text, "{\"disks\":%s}", disks) : -ENOMEM;
	}
	if (r >= 0 && strlen(text) > max) {
		free(TAKE_PTR(text));
		r = make_short(list, unseen, &text);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(text);
	return 0;
}

static struct json_object *find_description(struct json_object *stamp, const char *path)
{
	struct json_object *list = get_disks(stamp);

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (str_equal(json_get_string(o, "path"), path))
			return o;
	}
	return NULL;
}

/* Its storage may come later: its contents are unknown. */
static bool is_missing(const char *path)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!path[0])
		return false;
	if (stat(path, &st) < 0)
		return true;
	if (!S_ISBLK(st.st_mode))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd < 0;
}

/*
 * -EBADMSG if the description is not one of a file: one that lacks something proves nothing.
 * -ENODEV if the disk is not there.
 */
static int compare_file(const char *path, struct json_object *was, const char **ret_how)
{
	uint64_t inode, size, changed;
	struct stat st;

	if (json_get_u64(was, "inode", &inode) < 0 || json_get_u64(was, "size", &size) < 0 ||
	    json_get_u64(was, "changed_usec", &changed) < 0)
		return -EBADMSG;
	if (stat(path, &st) < 0)
		return -ENODEV;
	if (st.st_ino != inode || !S_ISREG(st.st_mode))
		*ret_how = "is another file now";
	else if ((uint64_t)st.st_size != size || mtime_of(&st) != changed)
		*ret_how = "was written after the guest was saved";
	else
		*ret_how = NULL;
	return 0;
}

/* The worst that was found of any disk, and why; how: NULL if there is nothing to say of it. */
static int weigh(enum disks_verdict *verdict, enum disks_verdict found, const char *path,
		 const char *how, char **reason)
{
	if (found <= *verdict)
		return 0;
	*verdict = found;
	if (!how)
		return 0;
	free(TAKE_PTR(*reason));
	return str_format(reason, "its disk %s %s", path, how);
}

static int weigh_missing(enum disks_verdict *verdict, const char *path, char **reason)
{
	return weigh(verdict, DISKS_MISSING, path, "is not there", reason);
}

static int compare_disk(struct json_object *stamp, const char *path, enum disks_verdict *verdict,
			char **reason)
{
	struct json_object *was = path[0] ? find_description(stamp, path) : NULL;
	const char *how = NULL;
	int r = -EBADMSG;

	if (!path[0] || json_get_bool(was, "unseen"))
		return weigh(verdict, DISKS_UNSEEN, path, NULL, reason);
	if (was)
		r = compare_file(path, was, &how);
	if (was && r == -EBADMSG)
		r = blockdev_compare(path, was, &how);
	if (r == -ENODEV || (r == -EBADMSG && is_missing(path)))
		return weigh_missing(verdict, path, reason);
	if (r == -EBADMSG)
		return weigh(verdict, DISKS_UNKNOWN, path, NULL, reason);
	return r < 0 || !how ? r : weigh(verdict, DISKS_CHANGED, path, how, reason);
}

static int compare_each(struct json_object *config, struct json_object *stamp,
			enum disks_verdict *verdict, char **reason)
{
	struct json_object *disks = get_disks(config);
	int r = 0;

	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (path)
			r = compare_disk(stamp, path, verdict, reason);
		if (*verdict == DISKS_CHANGED)
			break;
	}
	return r;
}

static int find_missing(struct json_object *config, enum disks_verdict *verdict, char **reason)
{
	struct json_object *disks = get_disks(config);
	int r = 0;

	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (path && is_missing(path))
			r = weigh_missing(verdict, path, reason);
	}
	return r;
}

static int compare_digest(struct json_object *config, struct json_object *stamp, const char *was,
			  enum disks_verdict *verdict, char **reason)
{
	_cleanup_json_ struct json_object *list = NULL;
	bool unseen = false;
	char is[17];
	int r = describe_all(config, false, &list, &unseen);

	r = r < 0 ? r : digest(list, is);
	if (r < 0)
		return r;
	*verdict = json_get_bool(stamp, "unseen") ? DISKS_UNSEEN : DISKS_UNCHANGED;
	if (str_equal(was, is))
		return 0;
	/* One that is not there differs, too. */
	r = find_missing(config, verdict, reason);
	if (r < 0 || *verdict == DISKS_MISSING)
		return r;
	*verdict = DISKS_CHANGED;
	return str_format(reason, "one of its disks has changed since the guest was saved");
}

/* Whether the configuration has a disk that the guest can write. */
static bool has_writable(struct json_object *config)
{
	struct json_object *disks = get_disks(config);

	for (size_t i = 0; disks && i < json_object_array_length(disks); i++)
		if (writable_path(json_object_array_get_idx(disks, i)))
			return true;
	return false;
}

int disks_compare(const char *config_text, const char *stamp_text, enum disks_verdict *ret,
		  char **ret_reason)
{
	_cleanup_json_ struct json_object *config = NULL, *stamp = NULL;
	enum disks_verdict verdict = DISKS_UNCHANGED;
	_cleanup_free_ char *reason = NULL;
	const char *was;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r >= 0)
		r = stamp_text ? json_parse(stamp_text, strlen(stamp_text), &stamp) : -EBADMSG;
	if (r == -ENOMEM)
		return r;
	was = r < 0 ? NULL : json_get_string(stamp, "digest");
	if (r < 0) {
		verdict = config && !has_writable(config) ? DISKS_UNCHANGED : DISKS_UNKNOWN;
		r = find_missing(config, &verdict, &reason);
	} else if (was) {
		r = compare_digest(config, stamp, was, &verdict, &reason);
	} else {
		r = compare_each(config, stamp, &verdict, &reason);
	}
	if (r < 0)
		return r;
	*ret = verdict;
	*ret_reason = TAKE_PTR(reason);
	return 0;
}

/* The backing file of a loop device tells what was written while the device did not exist. */
static int describe_backing(dev_t number, struct json_object *o)
{
	_cleanup_json_ struct json_object *backing = NULL;
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int r = storage_backing_file(number, &path);

	if (r == -ENOENT)
		return 0;
	if (r >= 0 && stat(path, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	backing = json_object_new_object();
	r = backing ? describe_file(&st, backing) : -ENOMEM;
	r = r < 0 ? r : json_add_string(backing, "path", path);
	return r < 0 ? r : json_add(o, "backing", TAKE_PTR(backing));
}

/* What the first stamp says of a disk beyond what the other one does. */
static int describe_first(struct json_object *o)
{
	const char *path = json_get_string(o, "path");
	uint64_t written;
	struct stat st;
	bool shared;
	int r;

	if (str_empty(path) || json_get_bool(o, "unseen") || stat(path, &st) < 0)
		return 0;
	shared = S_ISBLK(st.st_mode) ? !storage_is_local_device(st.st_rdev)
				     : !storage_is_local_file(path);
	if (shared || !S_ISBLK(st.st_mode))
		return shared ? json_add_bool(o, "shared", true) : 0;
	r = describe_backing(st.st_rdev, o);
	r = r < 0 ? r : storage_written(st.st_rdev, &written);
	/* Without that figure it is not known whether it was written. */
	return r == -ENOMEM ? r : r < 0 ? 0 : json_add_u64(o, "written", written);
}

int disks_stamp_first(const char *config_text, size_t max, char **ret)
{
	_cleanup_json_ struct json_object *config = NULL, *list = NULL, *stamp = NULL;
	bool unseen = false;
	const char *text;
	struct uuid boot;
	size_t length;
	int r = json_parse(config_text, strlen(config_text), &config);

	r = r < 0 ? r : ledger_boot_id(&boot);
	r = r < 0 ? r : describe_all(config, true, &list, &unseen);
	for (size_t i = 0; r >= 0 && i < json_object_array_length(list); i++)
		r = describe_first(json_object_array_get_idx(list, i));
	stamp = r < 0 ? NULL : json_object_new_object();
	if (!stamp)
		return r < 0 ? r : -ENOMEM;
	r = json_add_uuid(stamp, "boot", &boot);
	r = r < 0 ? r : json_add_u64(stamp, "taken_usec", usec_now_wall());
	r = r < 0 ? r : json_add(stamp, "disks", TAKE_PTR(list));
	text = r < 0 ? NULL : json_text(stamp, &length);
	if (!text)
		return r < 0 ? r : -ENOMEM;
	return length > max ? -EMSGSIZE : str_replace(ret, text);
}

/* The age of a first stamp, as far as it matters for later writes. */
enum age {
	AGE_THIS_BOOT,
	AGE_LAST_BOOT,
	AGE_OLDER,
};

static int get_age(struct json_object *stamp, const char *ledger, enum age *ret)
{
	struct uuid then, now;
	uint64_t taken;

	if (json_get_uuid(stamp, "boot", &then) < 0 ||
	    json_get_u64(stamp, "taken_usec", &taken) < 0 || ledger_boot_id(&now) < 0)
		return -EBADMSG;
	if (uuid_equal(&then, &now))
		*ret = AGE_THIS_BOOT;
	else
		*ret = boots_between(ledger, &then, taken) ? AGE_OLDER : AGE_LAST_BOOT;
	return 0;
}

/*
 * 0 if nothing was written to the device since it was described. The count of writes must be the
 * same in the same boot, and 0 in the next boot. Called before the device is read.
 */
static int compare_written(const char *path, struct json_object *was, enum age age)
{
	struct json_object *backing = json_get(was, "backing", json_type_object);
	const char *file = json_get_string(backing, "path"), *how = NULL;
	uint64_t before, now;
	struct stat st;
	int r;

	if (json_get_u64(was, "written", &before) < 0 || stat(path, &st) < 0 ||
	    storage_written(st.st_rdev, &now) < 0)
		return -EBADMSG;
	if (age == AGE_OLDER || now != (age == AGE_THIS_BOOT ? before : 0))
		return -ESTALE;
	if (!backing)
		return 0;
	r = file ? compare_file(file, backing, &how) : -EBADMSG;
	return r < 0 ? r : how ? -ESTALE : 0;
}

static int compare_first(struct json_object *stamp, const char *path, enum age age,
			 enum disks_verdict *verdict, char **reason)
{
	struct json_object *was = path[0] ? find_description(stamp, path) : NULL;
	enum disks_verdict found = DISKS_UNCHANGED;
	const char *how = NULL;
	int r;

	if (path[0] && is_missing(path))
		return weigh_missing(verdict, path, reason);
	if (!path[0] || json_get_bool(was, "unseen") || json_get_bool(was, "shared"))
		found = DISKS_UNSEEN;
	if (!path[0] || json_get_bool(was, "unseen"))
		return weigh(verdict, found, path, NULL, reason);
	r = was ? compare_file(path, was, &how) : -EBADMSG;
	if (was && r == -EBADMSG) {
		r = found == DISKS_UNSEEN ? 0 : compare_written(path, was, age);
		r = r < 0 ? r : blockdev_compare(path, was, &how);
	}
	if (r == -ENOMEM)
		return r;
	if (r == -ENODEV)
		return weigh_missing(verdict, path, reason);
	return weigh(verdict, r < 0 || how ? DISKS_UNKNOWN : found, path, NULL, reason);
}

int disks_compare_first(const char *config_text, const char *stamp_text, const char *ledger,
			enum disks_verdict *ret, char **ret_reason)
{
	_cleanup_json_ struct json_object *config = NULL, *stamp = NULL;
	enum disks_verdict verdict = DISKS_UNCHANGED;
	_cleanup_free_ char *reason = NULL;
	struct json_object *disks;
	enum age age;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r == -ENOMEM)
		return r;
	if (r < 0 || !stamp_text || json_parse(stamp_text, strlen(stamp_text), &stamp) < 0 ||
	    get_age(stamp, ledger, &age) < 0)
		return disks_compare(config_text, NULL, ret, ret_reason);
	disks = get_disks(config);
	r = 0;
	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (path)
			r = compare_first(stamp, path, age, &verdict, &reason);
	}
	if (r < 0)
		return r;
	*ret = verdict;
	*ret_reason = TAKE_PTR(reason);
	return 0;
}

static int compare_age(const char *path, usec_t saved, enum disks_verdict *verdict, char **reason)
{
	struct stat st;

	if (is_missing(path))
		return weigh_missing(verdict, path, reason);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return weigh(verdict, DISKS_UNSEEN, path, NULL, reason);
	if (mtime_of(&st) <= saved + AGE_SLACK)
		return 0;
	return weigh(verdict, DISKS_CHANGED, path, "was written after the guest was saved", reason);
}

int disks_compare_age(const char *config_text, usec_t saved, enum disks_verdict *ret,
		      char **ret_reason)
{
	_cleanup_json_ struct json_object *config = NULL;
	enum disks_verdict verdict = DISKS_UNCHANGED;
	_cleanup_free_ char *reason = NULL;
	struct json_object *disks;
	int r = json_parse(config_text, strlen(config_text), &config);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		verdict = DISKS_UNSEEN;
	disks = r < 0 ? NULL : get_disks(config);
	r = 0;
	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *path = writable_path(json_object_array_get_idx(disks, i));

		if (path)
			r = compare_age(path, saved, &verdict, &reason);
	}
	if (r < 0)
		return r;
	*ret = verdict;
	*ret_reason = TAKE_PTR(reason);
	return 0;
}
