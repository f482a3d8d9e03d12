/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/survey-image.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/str.h"
#include "worker/channel.h"
#include "worker/image/image.h"
#include "worker/image/names.h"
#include "worker/link.h"
#include "worker/survey-tell.h"

static int add_image_error(struct json_object *o, const char *path, const char *problem,
			   bool foreign)
{
	int r = survey_set_error(o, path, problem);

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
		r = r < 0 ? r : json_add_bool(o, "driver", survey_is_driver(config));
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
	if ((uint64_t)st.st_size != image_file_size(&header))
		r = survey_set_error(o, path, "it is truncated, or data follows its end");
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
static bool is_link_to_neighbour(const char *path, const char *directory)
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
	return above && stat(above, &a) >= 0 && stat(directory, &b) >= 0 && a.st_dev == b.st_dev &&
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

static int watch_image(int channel, int inotify, const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : survey_watch_file(channel, inotify, path, &st);
}

int survey_image_read(int channel, int inotify, const char *directory, const char *file,
		      const char *path)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	bool named = false;
	int r = o ? watch_image(channel, inotify, path) : -ENOMEM;

	r = r < 0 ? r : read_image(o, path, &named);
	if (r >= 0 && is_part(file, o))
		return 0;
	if (r >= 0 && survey_is_dangling(path))
		r = survey_note(
			channel,
			"Skipping %s: the target of this link does not exist. Mount its file "
			"system, or remove the link",
			path);
	/* An image that cannot be read must hold the guest of this name, too. */
	if (r >= 0 && named && !json_get_string(o, "error") &&
	    is_link_to_neighbour(path, directory))
		return survey_note(channel,
				   "Skipping %s: it is a link to another image in this directory",
				   path);
	if (r >= 0 && !named)
		r = add_name(o, file);
	/* A restore would be told another path: JSON has no place for these bytes. */
	if (r >= 0 && !survey_is_utf8(path))
		r = survey_set_error(o, path, "the name of this file is not UTF-8. Rename it");
	r = r < 0 ? r : json_add_string(o, "path", path);
	/* What went wrong may have been for a moment only, but what is no image stays none. */
	if (r >= 0 && json_get_string(o, "error") && !json_get_bool(o, "foreign"))
		r = survey_unwatched(channel);
	return r < 0 ? r : channel_send(channel, "image", TAKE_PTR(o));
}

int survey_image_miss(int channel, const char *file, const char *path, const char *why,
		      bool pending)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	_cleanup_free_ char *problem = NULL;
	int r = o ? str_format(&problem, "cannot be read: %s", why) : -ENOMEM;

	if (r >= 0 && is_part(file, NULL))
		return 0;
	r = r < 0 ? r : survey_set_error(o, path, problem);
	r = r < 0 ? r : add_name(o, file);
	r = r < 0 ? r : json_add_string(o, "path", path);
	if (pending)
		r = r < 0 ? r : json_add_bool(o, "pending", true);
	r = r < 0 ? r : channel_send(channel, "image", TAKE_PTR(o));
	return r < 0 ? r : survey_unwatched(channel);
}
