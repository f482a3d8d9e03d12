/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/image/place.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/str.h"

bool place_is_open(const struct stat *folder)
{
	return folder->st_uid != geteuid() ||
	       (!(folder->st_mode & S_ISVTX) && (folder->st_mode & (S_IWGRP | S_IWOTH)));
}

static int judge_missing(const char *folder, char **ret)
{
	_cleanup_free_ char *above = NULL;
	struct stat st;
	size_t length;

	if (lstat(folder, &st) >= 0)
		return str_format(ret, "%s is a link to what is not there", folder);
	length = (size_t)(path_base(folder) - folder);
	above = strndup(folder, length);
	if (!above)
		return -ENOMEM;
	if (length > 0 && stat(above, &st) < 0)
		return str_format(ret, "%s is not there, nor the directory above it", folder);
	if (length > 0 && access(above, W_OK) < 0)
		return str_format(ret, "%s cannot be made: %s", folder, strerror(errno));
	return 0;
}

int place_judge(const char *folder, char **ret)
{
	struct stat st;

	*ret = NULL;
	if (stat(folder, &st) < 0)
		return errno == ENOENT
			       ? judge_missing(folder, ret)
			       : str_format(ret, "%s cannot be used: %s", folder, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return str_format(ret, "%s is not a directory", folder);
	if (place_is_open(&st))
		return str_format(ret, "others than root can write %s (owner %u, mode %04o)",
				  folder, st.st_uid, st.st_mode & ALLPERMS);
	if (access(folder, W_OK) < 0)
		return str_format(ret, "%s cannot be written: %s", folder, strerror(errno));
	return 0;
}
