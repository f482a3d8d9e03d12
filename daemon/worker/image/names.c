/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/names.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/image/image.h"

int image_put_aside(const char *path, const char *reason, char **ret_aside)
{
	_cleanup_free_ char *aside = NULL;
	int r = file_put_aside(path, IMAGE_ASIDE_MARK, &aside);

	if (r < 0)
		return r;
	/* Where the file system has no place for it, the log has. */
	setxattr(aside, IMAGE_REASON_XATTR, reason, strlen(reason), 0);
	*ret_aside = TAKE_PTR(aside);
	return fsync_parent(path);
}

static bool is_image_of_another(const char *part)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_close_ int fd = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum image_problem problem;

	return fd >= 0 && image_read_header(fd, &header, &problem) >= 0 &&
	       image_file_kind_of(path_base(part), header.name) == IMAGE_FILE_IMAGE;
}

static int keep_image(const char *path)
{
	_cleanup_free_ char *file = NULL, *kept = NULL, *aside = NULL;
	int r = file_name_escape(path_base(path), &file);

	r = r < 0 ? r : str_format(&kept, "%.*s%s", (int)(path_base(path) - path), path, file);
	r = r < 0 ? r : rename_new(path, kept);
	if (r == -EEXIST)
		return image_put_aside(path, "its guest has another image", &aside);
	if (r < 0)
		return r;
	log_notice("The image %s of another guest is now called %s", path, kept);
	return fsync_parent(path);
}

int image_remove_part(const char *part)
{
	if (is_image_of_another(part))
		return keep_image(part);
	return unlink(part) < 0 && errno != ENOENT ? -errno : 0;
}

static bool is_locked(int fd, int how)
{
	return flock(fd, how | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

void image_hold_part(int fd)
{
	/* Others have it for a moment at most: image_part_is_held(). */
	while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
		;
}

int image_hold(int fd)
{
	return is_locked(fd, LOCK_SH) ? -EBUSY : 0;
}

bool image_part_is_held(int fd)
{
	return is_locked(fd, LOCK_SH);
}

static bool is_open_there(const char *path, int fd)
{
	struct stat opened, there;

	return fstat(fd, &opened) >= 0 && stat(path, &there) >= 0 &&
	       opened.st_dev == there.st_dev && opened.st_ino == there.st_ino;
}

/* A save can give its image that name at any time: so it is looked at under another one. */
int image_remove(const char *path, int fd)
{
	_cleanup_free_ char *aside = NULL;
	int r;

	if (is_locked(fd, LOCK_EX))
		return -EBUSY;
	if (!is_open_there(path, fd))
		return -ESTALE;
	r = file_put_aside(path, IMAGE_ASIDE_MARK, &aside);
	if (r < 0)
		return r;
	if (!is_open_there(aside, fd)) {
		r = rename_new(aside, path);
		if (r < 0)
			log_warning_errno(r, "Failed to give the image %s its name %s again", aside,
					  path);
		return -ESTALE;
	}
	r = unlink(aside) < 0 ? -errno : 0;
	return r < 0 ? r : fsync_parent(path);
}

int image_publish(const char *part, const char *path)
{
	int r = rename_new(part, path);

	return r < 0 ? r : fsync_parent(path);
}
