/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image-names.h"

#include <sys/xattr.h>

#include "util/fd.h"
#include "util/str.h"

enum image_file image_file_kind(const char *name)
{
	if (name[0] == '.')
		return IMAGE_FILE_OTHER;
	if (strstr(name, IMAGE_ASIDE_MARK))
		return IMAGE_FILE_ASIDE;
	if (str_ends_with(name, IMAGE_PART_SUFFIX))
		return IMAGE_FILE_PART;
	return str_ends_with(name, IMAGE_CONSUMED_SUFFIX) ? IMAGE_FILE_CONSUMED : IMAGE_FILE_IMAGE;
}

int image_part_path(const char *path, char **ret)
{
	return str_format(ret, "%s" IMAGE_PART_SUFFIX, path);
}

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

int image_publish(const char *part, const char *path)
{
	int r = rename_new(part, path);

	return r < 0 ? r : fsync_parent(path);
}
