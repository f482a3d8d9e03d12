/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey-job.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "util/fd.h"
#include "util/quote.h"
#include "util/str.h"
#include "wire/operation.h"
#include "worker/channel.h"
#include "worker/folder.h"
#include "worker/image/directory.h"
#include "worker/image/names.h"
#include "worker/image/place.h"
#include "worker/link.h"
#include "worker/survey-image.h"
#include "worker/survey-tell.h"
#include "worker/xl/xl.h"

/* A message holds it as a string, in which quotes and more are escaped. */
#define CONFIG_JSON_MAX (OPERATION_MESSAGE_MAX / 4)

/* Configurations. */

/* Leftover files of editors and package managers; the script started such files as guests. */
static bool is_leftover(const char *name)
{
	static const char *const parts[] = {".dpkg-", ".rpmsave", ".rpmnew", ".rpmorig", ".ucf-"};
	static const char *const ends[] = {"~", ".swp", ".swo", ".bak", ".orig"};

	for (size_t i = 0; i < ELEMENTSOF(parts); i++)
		if (strstr(name, parts[i]))
			return true;
	for (size_t i = 0; i < ELEMENTSOF(ends); i++)
		if (str_ends_with(name, ends[i]))
			return true;
	return name[0] == '.' || name[0] == '#';
}

static int make_stamp(const struct stat *st, char **ret)
{
	_cleanup_free_ char *parser = NULL;
	int r = xl_parse_stamp(&parser);

	if (r < 0)
		return r;
	return str_format(ret, "%llu:%llu:%lld:%lld.%09ld:%lld.%09ld:%s",
			  (unsigned long long)st->st_dev, (unsigned long long)st->st_ino,
			  (long long)st->st_size, (long long)st->st_mtim.tv_sec,
			  (long)st->st_mtim.tv_nsec, (long long)st->st_ctim.tv_sec,
			  (long)st->st_ctim.tv_nsec, parser);
}

/* The reason why the output of xl describes no guest, or NULL. */
static const char *find_problem(const char *text, struct json_object *config)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);

	if (!survey_is_utf8(text))
		return "it has bytes that are not UTF-8 in a value. Write the file in UTF-8";
	if (!config)
		return "xl prints invalid JSON for it";
	if (strlen(text) > CONFIG_JSON_MAX)
		return "it is too large: libxl's form of it must not exceed 256 KiB";
	return str_empty(json_get_string(info, "name")) ? "it gives the guest no name" : NULL;
}

/* The few facts that the daemon needs of a configuration. */
static int add_facts(struct json_object *o, const char *path, const struct xl_parsed *parsed)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct json_object *info;
	uint64_t memory = 0;
	const char *problem, *text;
	int r = json_parse(parsed->config, strlen(parsed->config), &config);

	if (r == -ENOMEM)
		return r;
	problem = find_problem(parsed->config, config);
	if (problem)
		return survey_set_error(o, path, problem);
	info = json_get(config, "c_info", json_type_object);
	json_get_u64(json_get(config, "b_info", json_type_object), "max_memkb", &memory);
	r = json_add_string(o, "name", json_get_string(info, "name"));
	r = r < 0 ? r : json_add_u64(o, "memory_kib", memory);
	r = r < 0 ? r : json_add_bool(o, "driver", survey_is_driver(config));
	if (parsed->has_uuid)
		r = r < 0 ? r : json_add_string(o, "uuid", json_get_string(info, "uuid"));
	if (r < 0)
		return r;
	text = json_text(config, NULL);
	return text ? json_add_string(o, "config", text) : -ENOMEM;
}

static int parse_config(struct json_object *o, const char *path)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	int r = xl_parse(path, &parsed);

	if (r < 0)
		return survey_set_error(o, path, strerror(-r));
	return parsed.error ? json_add_string(o, "error", parsed.error)
			    : add_facts(o, path, &parsed);
}

static int survey_config(int channel, const char *path, const struct stat *st,
			 struct json_object *known)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *stamp = NULL;
	int r = o ? make_stamp(st, &stamp) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "path", path);
	r = r < 0 ? r : json_add_string(o, "stamp", stamp);
	if (r < 0)
		return r;
	if (str_equal(json_get_string(known, path), stamp))
		r = json_add_bool(o, "unchanged", true);
	else
		r = parse_config(o, path);
	/* What went wrong may have been for a moment only. */
	if (r >= 0 && json_get_string(o, "error"))
		r = survey_unwatched(channel);
	return r < 0 ? r : channel_send(channel, "configuration", TAKE_PTR(o));
}

enum reading {
	READING_FAILED,
	READING_PENDING,  /* it has not answered yet */
	READING_GIVEN_UP, /* ... and is not waited for any more */
};

/* A file that cannot be read is a guest that is missed, and a directory may be all of them. */
static int tell_config(int channel, const char *path, bool folder, const char *why,
		       enum reading reading)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *problem = NULL;
	int r = o ? str_format(&problem, "cannot be read: %s", why) : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "path", path);
	r = r < 0 ? r : survey_set_error(o, path, problem);
	r = r < 0 ? r : json_add_bool(o, "folder", folder);
	if (reading == READING_PENDING)
		r = r < 0 ? r : json_add_bool(o, "pending", true);
	if (reading != READING_FAILED)
		r = r < 0 ? r : json_add_bool(o, "unanswered", true);
	r = r < 0 ? r : channel_send(channel, "configuration", TAKE_PTR(o));
	return r < 0 ? r : survey_unwatched(channel);
}

static int tell_unread(int channel, const char *path, bool folder, const char *why)
{
	return tell_config(channel, path, folder, why, READING_FAILED);
}

/* As file_list_read(), but a directory that is a link to nothing is not as good as empty. */
static int list_files(const char *folder, struct file_list *ret)
{
	return survey_is_dangling(folder) ? -ENOENT : file_list_read(folder, ret);
}

/* It is not refused: hosts may have been like that for years. */
static int tell_writable(int channel, const char *path, const struct stat *st)
{
	if (!(st->st_mode & S_IWOTH) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX))
		return 0;
	return survey_note(
		channel,
		"Any user can write %s: a configuration names programs that run as root. "
		"Run 'chmod o-w %s'",
		path, QUOTED(path));
}

static int survey_regular(int channel, const char *path, const struct stat *st,
			  struct json_object *known)
{
	int r;

	if (!S_ISREG(st->st_mode))
		return survey_note(channel, "%s is skipped: it is not a file", path);
	r = tell_writable(channel, path, st);
	return r < 0 ? r : survey_config(channel, path, st, known);
}

static int skip_dangling(int channel, const char *path, const char *problem)
{
	int r = survey_note(channel, "Skipping %s: %s", path, problem);

	return r < 0 ? r : channel_send(channel, "dangling", json_object_new_string(path));
}

/* What a link leads to can be a guest's configuration, or not there yet. */
static int survey_link(int channel, const char *path, struct json_object *known)
{
	_cleanup_free_ char *target = NULL, *problem = NULL;
	struct stat st;
	int r = link_follow(path, &target, &problem);

	if (r == -ENOENT)
		return skip_dangling(channel, path, problem);
	if (r < 0)
		return problem ? tell_unread(channel, path, false, problem) : r;
	if (stat(path, &st) < 0)
		return tell_unread(channel, path, false, strerror(errno));
	return survey_regular(channel, path, &st, known);
}

static int survey_file(int channel, const char *path, const struct survey_folders *folders)
{
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : tell_unread(channel, path, false, strerror(errno));
	r = survey_watch_file(channel, folders->inotify, path, &st);
	if (r < 0)
		return r;
	return S_ISLNK(st.st_mode) ? survey_link(channel, path, folders->known)
				   : survey_regular(channel, path, &st, folders->known);
}

/* A path that is not a directory holds no image. An unreadable directory may hold any image. */
static int tell_unreadable(int channel, const char *folder, const char *why, bool may_hold)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text, "%s cannot be read: %s", folder, why);

	r = r < 0 ? r : survey_unwatched(channel);
	r = r < 0 ? r : channel_send(channel, "note", json_object_new_string(text));
	if (r >= 0 && may_hold)
		r = channel_send(channel, "unreadable", json_object_new_string(text));
	return r;
}

/* "" says that there is none. */
static int tell_directory(int channel, const char *folder)
{
	_cleanup_free_ char *identity = NULL;
	int r = directory_identify(folder, &identity);

	if (r == -ENOMEM)
		return r;
	return channel_send(channel, "directory", json_object_new_string(identity ? identity : ""));
}

/* What a part holds, in bytes, if it is being written. */
static uint64_t held_by_part(int folder, const char *name)
{
	_cleanup_close_ int fd = openat(folder, name,
					O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) >= 0 && S_ISREG(st.st_mode) && image_part_is_held(fd)
		       ? (uint64_t)st.st_blocks * S_BLKSIZE
		       : 0;
}

/* What cannot be seen is taken for nothing. */
static uint64_t held_by_parts(const char *folder)
{
	DIR *directory = opendir(folder);
	const struct dirent *entry;
	uint64_t held = 0;

	while (directory && (entry = readdir(directory)))
		if (image_file_kind(entry->d_name) == IMAGE_FILE_PART)
			held += held_by_part(dirfd(directory), entry->d_name);
	if (directory)
		closedir(directory);
	return held;
}

/* Of that a person learns before the host goes down, while the memory of no guest is lost. */
static int tell_unfit(int channel, const char *folder)
{
	_cleanup_free_ char *problem = NULL;
	int r = place_judge(folder, &problem);

	if (r < 0 || !problem)
		return r;
	r = survey_note(channel,
			"no guest can be saved: %s. Set XENDOMAINS_SAVE to a directory "
			"that root alone can write",
			problem);
	return r < 0 ? r : channel_send(channel, "unfit", json_object_new_string(problem));
}

/*
 * The room for all images that are not complete: a guest whose save is under way needs what its
 * part holds, and on some file systems more. A directory that is not there is made in the one
 * above.
 */
static int survey_room(int channel, const char *folder)
{
	_cleanup_free_ char *path = strdup(folder);
	struct statvfs vfs;
	int r = path ? tell_unfit(channel, folder) : -ENOMEM;

	if (r < 0)
		return r;
	r = statvfs(path, &vfs);
	while (r < 0 && errno == ENOENT && strrchr(path + 1, '/')) {
		*strrchr(path + 1, '/') = '\0';
		r = statvfs(path, &vfs);
	}
	/* This needs no message: the save will find out. */
	if (r < 0)
		return 0;
	return channel_send(channel, "room",
			    json_object_new_uint64((uint64_t)vfs.f_bavail * vfs.f_frsize +
						   held_by_parts(folder)));
}

/* Reading. */

static int send_names(int out, const struct file_list *f)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < f->n; i++) {
		_cleanup_free_ char *message = NULL;

		r = str_format(&message, "%c%s", SURVEY_NAME, f->names[i]);
		r = r < 0 ? r : fd_write_all(out, message, strlen(message) + 1);
	}
	return r;
}

static int list_images(int out, const char *folder, int inotify)
{
	_cleanup_(file_list_done) struct file_list f = {0};
	int r = survey_watch(out, inotify, folder);

	r = r < 0 ? r : tell_directory(out, folder);
	if (r < 0)
		return r;
	r = list_files(folder, &f);
	if (r == -ENOMEM)
		return r;
	return r < 0 ? tell_unreadable(out, folder, file_list_error(r), r != -ENOTDIR)
		     : send_names(out, &f);
}

/* No guest is started from it, but a running one may come from what is not mounted there. */
static int tell_gone(int out, const char *folder)
{
	int r = survey_note(out,
			    "%s is not there: no guest is started from it. Make the directory, or "
			    "mount its file system",
			    folder);

	return r < 0 ? r : channel_send(out, "unlisted", json_object_new_boolean(true));
}

static int list_configs(int out, const char *folder, int inotify)
{
	_cleanup_(file_list_done) struct file_list f = {0};
	struct stat st;
	int r = survey_watch(out, inotify, folder);

	if (r >= 0 && xl_parse_folder())
		r = survey_watch(out, inotify, xl_parse_folder());
	r = r < 0 ? r : list_files(folder, &f);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return tell_unread(out, folder, true, file_list_error(r));
	if (stat(folder, &st) >= 0)
		r = tell_writable(out, folder, &st);
	else if (errno == ENOENT)
		r = tell_gone(out, folder);
	return r < 0 ? r : send_names(out, &f);
}

static int read_config_file(int out, const char *file, const char *path,
			    const struct survey_folders *folders)
{
	int r;

	if (is_leftover(file))
		return survey_note(out, "%s is skipped: an editor or a package manager left it",
				   path);
	r = survey_file(out, path, folders);
	if (r >= 0 && !survey_is_utf8(file))
		r = survey_note(out, "%s: the name of this file is not UTF-8. Rename it", path);
	return r;
}

int survey_job_path(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    char **ret)
{
	bool images = kind == SURVEY_IMAGES || kind == SURVEY_ROOM || kind == SURVEY_IMAGE;
	const char *folder = images ? folders->save : folders->autostart;

	return str_format(ret, "%s%s%s", folder, name ? "/" : "", name ? name : "");
}

int survey_job_read(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    int out)
{
	_cleanup_free_ char *path = NULL;
	int r = survey_job_path(kind, folders, name, &path);

	if (r < 0)
		return r;
	switch (kind) {
	case SURVEY_IMAGES:
		return list_images(out, path, folders->inotify);
	case SURVEY_ROOM:
		return survey_room(out, path);
	case SURVEY_CONFIGS:
		return list_configs(out, path, folders->inotify);
	case SURVEY_IMAGE:
		return survey_image_read(out, folders->inotify, folders->save, name, path);
	case SURVEY_CONFIG:
		break;
	}
	return read_config_file(out, name, path, folders);
}

/* The directory of images is then another than any that was known. */
static int miss_images(int out, const char *folder, const char *why)
{
	int r = channel_send(out, "directory", json_object_new_string(""));

	return r < 0 ? r : tell_unreadable(out, folder, why, true);
}

int survey_job_miss(enum survey_kind kind, const struct survey_folders *folders, const char *name,
		    const char *why, bool pending, int out)
{
	_cleanup_free_ char *path = NULL;
	int r = survey_job_path(kind, folders, name, &path);

	if (r < 0)
		return r;
	switch (kind) {
	case SURVEY_IMAGES:
		return pending ? 0 : miss_images(out, path, why);
	case SURVEY_ROOM:
		/* This needs no message: the save will find out. */
		return 0;
	case SURVEY_CONFIGS:
		return pending ? 0 : tell_unread(out, path, true, why);
	case SURVEY_IMAGE:
		return survey_image_miss(out, name, path, why, pending);
	case SURVEY_CONFIG:
		break;
	}
	return tell_config(out, path, false, why, pending ? READING_PENDING : READING_GIVEN_UP);
}
