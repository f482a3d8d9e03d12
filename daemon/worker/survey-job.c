/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey-job.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "util/fd.h"
#include "util/quote.h"
#include "util/str.h"
#include "util/utf8.h"
#include "wire/operation.h"
#include "worker/channel.h"
#include "worker/folder.h"
#include "worker/image/directory.h"
#include "worker/image/image.h"
#include "worker/image/names.h"
#include "worker/link.h"
#include "worker/xl/xl.h"

/* A message holds it as a string, in which quotes and more are escaped. */
#define CONFIG_JSON_MAX (OPERATION_MESSAGE_MAX / 4)

static int send_note(int channel, const char *format, ...) _printf_(2, 3);

static int send_note(int channel, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	return r < 0 ? r : channel_send(channel, "note", json_object_new_string(text));
}

static bool is_utf8(const char *s)
{
	return utf8_is_valid(s, strlen(s));
}

/* Configurations. */

/* What editors and package managers leave behind; the script started such files as guests. */
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

static int set_error(struct json_object *o, const char *path, const char *problem)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text, "%s: %s", path, problem);

	return r < 0 ? r : json_add_string(o, "error", text);
}

/* Whether other guests' devices can live in it; libxl writes such a flag as a word. */
static bool is_driver(struct json_object *config)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);

	return str_equal(json_get_string(info, "driver_domain"), "True");
}

/* Why no guest can be made of what xl printed, or NULL. */
static const char *find_problem(const char *text, struct json_object *config)
{
	struct json_object *info = json_get(config, "c_info", json_type_object);

	if (!is_utf8(text))
		return "it has bytes that are not UTF-8 in a value. Write the file in UTF-8";
	if (!config)
		return "xl prints no valid JSON for it";
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
		return set_error(o, path, problem);
	info = json_get(config, "c_info", json_type_object);
	json_get_u64(json_get(config, "b_info", json_type_object), "max_memkb", &memory);
	r = json_add_string(o, "name", json_get_string(info, "name"));
	r = r < 0 ? r : json_add_u64(o, "memory_kib", memory);
	r = r < 0 ? r : json_add_bool(o, "driver", is_driver(config));
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
		return set_error(o, path, strerror(-r));
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
	r = r < 0 ? r : set_error(o, path, problem);
	r = r < 0 ? r : json_add_bool(o, "folder", folder);
	if (reading == READING_PENDING)
		r = r < 0 ? r : json_add_bool(o, "pending", true);
	if (reading != READING_FAILED)
		r = r < 0 ? r : json_add_bool(o, "unanswered", true);
	return r < 0 ? r : channel_send(channel, "configuration", TAKE_PTR(o));
}

static int tell_unread(int channel, const char *path, bool folder, const char *why)
{
	return tell_config(channel, path, folder, why, READING_FAILED);
}

/* A link that leads nowhere is there; what was removed a moment ago is not. */
static bool is_link_to_nothing(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && errno == ENOENT && lstat(path, &st) >= 0;
}

/* As file_list_read(), but a directory that is a link to nothing is not as good as empty. */
static int list_files(const char *folder, struct file_list *ret)
{
	return is_link_to_nothing(folder) ? -ENOENT : file_list_read(folder, ret);
}

/* It is not refused: hosts may have been like that for years. */
static int tell_writable(int channel, const char *path, const struct stat *st)
{
	if (!(st->st_mode & S_IWOTH) || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX))
		return 0;
	return send_note(channel,
			 "Any user can write %s: a configuration names programs that run as root. "
			 "Run 'chmod o-w %s'",
			 path, QUOTED(path));
}

static int survey_regular(int channel, const char *path, const struct stat *st,
			  struct json_object *known)
{
	int r;

	if (!S_ISREG(st->st_mode))
		return send_note(channel, "%s is skipped: it is not a file", path);
	r = tell_writable(channel, path, st);
	return r < 0 ? r : survey_config(channel, path, st, known);
}

static int skip_dangling(int channel, const char *path, const char *problem)
{
	int r = send_note(channel, "Skipping %s: %s", path, problem);

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

static int survey_file(int channel, const char *path, struct json_object *known)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : tell_unread(channel, path, false, strerror(errno));
	return S_ISLNK(st.st_mode) ? survey_link(channel, path, known)
				   : survey_regular(channel, path, &st, known);
}

/* Images. */

static int add_image_error(struct json_object *o, const char *path, const char *problem,
			   bool foreign)
{
	int r = set_error(o, path, problem);

	return r < 0 ? r : json_add_bool(o, "foreign", foreign);
}

static int add_image_facts(struct json_object *o, int fd, const struct image_header *header)
{
	_cleanup_json_ struct json_object *config = NULL;
	struct uuid id;
	usec_t written;
	int r = image_identify(fd, header, &id, &written);

	r = r < 0 ? r : json_add_string(o, "name", header->name);
	r = r < 0 ? r : json_add_uuid(o, "id", &id);
	r = r < 0 ? r : json_add_u64(o, "written_usec", written);
	if (json_parse(header->config, strlen(header->config), &config) >= 0)
		r = r < 0 ? r : json_add_bool(o, "driver", is_driver(config));
	return r < 0 ? r : json_add_uuid(o, "uuid", &header->uuid);
}

static int read_image(struct json_object *o, const char *path, bool *ret_named)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *unopened = NULL;
	_cleanup_close_ int fd = link_open(path, O_RDONLY | O_NONBLOCK, &unopened);
	enum image_problem problem;
	struct stat st;
	int r;

	if (fd == -ENOMEM)
		return fd;
	/* A link without a target makes no guest, but holds one that is known otherwise. */
	if (fd < 0)
		return add_image_error(o, path, unopened, fd == -ENOENT);
	if (fstat(fd, &st) < 0)
		return add_image_error(o, path, strerror(errno), false);
	if (!S_ISREG(st.st_mode))
		return add_image_error(o, path, "it is not a file", true);
	r = image_read_header(fd, &header, &problem);
	if (r == -EBADMSG || r == -ENOEXEC)
		return add_image_error(o, path, image_problem_to_string(problem), r == -ENOEXEC);
	if (r < 0)
		return add_image_error(o, path, strerror(-r), false);
	*ret_named = true;
	r = add_image_facts(o, fd, &header);
	if (r < 0 && r != -ENOMEM)
		r = add_image_error(o, path, strerror(-r), false);
	r = r < 0 ? r : json_add_u64(o, "size", (uint64_t)st.st_size);
	if (r < 0 || !header.ours)
		return r;
	if ((uint64_t)st.st_size != (uint64_t)header.stream + header.facts.stream_bytes)
		r = set_error(o, path, "it is cut short, or goes on behind its end");
	return r;
}

/* What the name of the file says, where the file itself does not. */
static int add_name_of_file(struct json_object *o, const char *file)
{
	_cleanup_free_ char *name = NULL;
	int r = file_name_unescape(file, &name);

	if (r == -ENOMEM)
		return r;
	return json_add_string(o, "name", r < 0 ? file : name);
}

/* Where a link leads to an image in the same directory, that is surveyed itself. */
static bool is_link_to_neighbour(const char *path, const char *folder)
{
	enum image_file kind;
	_cleanup_free_ char *target = NULL, *problem = NULL, *above = NULL;
	struct stat a, b;

	if (lstat(path, &a) < 0 || !S_ISLNK(a.st_mode) || link_follow(path, &target, &problem) < 0)
		return false;
	kind = image_file_kind(path_base(target));
	if (kind != IMAGE_FILE_IMAGE && kind != IMAGE_FILE_CONSUMED)
		return false;
	above = strndup(target, (size_t)(path_base(target) - target));
	return above && stat(above, &a) >= 0 && stat(folder, &b) >= 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* The name that the guest's image has while it is not restored. */
static int add_name(struct json_object *o, const char *file)
{
	size_t suffix = image_file_kind(file) == IMAGE_FILE_CONSUMED ? strlen(IMAGE_CONSUMED_SUFFIX)
								     : 0;
	_cleanup_free_ char *base = strndup(file, strlen(file) - suffix);

	return base ? add_name_of_file(o, base) : -ENOMEM;
}

static bool is_part(const char *file, struct json_object *image)
{
	return image_file_kind_of(file, json_get_string(image, "name")) == IMAGE_FILE_PART;
}

static int survey_image(int channel, const char *folder, const char *file, const char *path)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	bool named = false;
	int r = o ? read_image(o, path, &named) : -ENOMEM;

	if (r >= 0 && is_part(file, o))
		return 0;
	if (r >= 0 && is_link_to_nothing(path))
		r = send_note(channel,
			      "Skipping %s: the target of this link does not exist. Mount its file "
			      "system, or remove the link",
			      path);
	/* An image that cannot be read must hold the guest of this name, too. */
	if (r >= 0 && named && !json_get_string(o, "error") && is_link_to_neighbour(path, folder))
		return send_note(channel,
				 "Skipping %s: it is a link to another image in this directory",
				 path);
	if (r >= 0 && !named)
		r = add_name(o, file);
	/* A restore would be told another path: JSON has no place for these bytes. */
	if (r >= 0 && !is_utf8(path))
		r = set_error(o, path, "the name of this file is not UTF-8. Rename it");
	r = r < 0 ? r : json_add_string(o, "path", path);
	return r < 0 ? r : channel_send(channel, "image", TAKE_PTR(o));
}

static int miss_image(int channel, const char *file, const char *path, const char *why,
		      bool pending)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *problem = NULL;
	int r = o ? str_format(&problem, "cannot be read: %s", why) : -ENOMEM;

	if (r >= 0 && is_part(file, NULL))
		return 0;
	r = r < 0 ? r : set_error(o, path, problem);
	r = r < 0 ? r : add_name(o, file);
	r = r < 0 ? r : json_add_string(o, "path", path);
	if (pending)
		r = r < 0 ? r : json_add_bool(o, "pending", true);
	return r < 0 ? r : channel_send(channel, "image", TAKE_PTR(o));
}

/* No image is in what is no directory. In one that cannot be read there may be any. */
static int tell_unreadable(int channel, const char *folder, const char *why, bool may_hold)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text, "%s cannot be read: %s", folder, why);

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

/* A directory that is not there is made in the one above. */
static int survey_room(int channel, const char *folder)
{
	_cleanup_free_ char *path = strdup(folder);
	struct statvfs vfs;
	int r = path ? statvfs(path, &vfs) : -1;

	while (r < 0 && path && errno == ENOENT && strrchr(path + 1, '/')) {
		*strrchr(path + 1, '/') = '\0';
		r = statvfs(path, &vfs);
	}
	/* This needs no message: the save will find out. */
	if (r < 0)
		return path ? 0 : -ENOMEM;
	return channel_send(channel, "room",
			    json_object_new_uint64((uint64_t)vfs.f_bavail * vfs.f_frsize));
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

static int list_images(int out, const char *folder)
{
	_cleanup_(file_list_done) struct file_list f = {0};
	int r = tell_directory(out, folder);

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
	int r = send_note(out,
			  "%s is not there: no guest is started from it. Make the directory, or "
			  "mount its file system",
			  folder);

	return r < 0 ? r : channel_send(out, "unlisted", json_object_new_boolean(true));
}

static int list_configs(int out, const char *folder)
{
	_cleanup_(file_list_done) struct file_list f = {0};
	struct stat st;
	int r = list_files(folder, &f);

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

static int read_config_file(int out, const char *file, const char *path, struct json_object *known)
{
	int r;

	if (is_leftover(file))
		return send_note(out, "%s is skipped: an editor or a package manager left it",
				 path);
	r = survey_file(out, path, known);
	if (r >= 0 && !is_utf8(file))
		r = send_note(out, "%s: the name of this file is not UTF-8. Rename it", path);
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
		return list_images(out, path);
	case SURVEY_ROOM:
		return survey_room(out, path);
	case SURVEY_CONFIGS:
		return list_configs(out, path);
	case SURVEY_IMAGE:
		return survey_image(out, folders->save, name, path);
	case SURVEY_CONFIG:
		break;
	}
	return read_config_file(out, name, path, folders->known);
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
		return miss_image(out, name, path, why, pending);
	case SURVEY_CONFIG:
		break;
	}
	return tell_config(out, path, false, why, pending ? READING_PENDING : READING_GIVEN_UP);
}
