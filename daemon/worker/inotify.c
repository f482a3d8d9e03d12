/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/inotify.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include "util/macro.h"

#define CHANGES                                                                                    \
	(IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY | IN_MOVED_FROM |          \
	 IN_MOVED_TO | IN_MOVE_SELF)

/* Only this kernel writes them. linux/magic.h lacks the last two. */
static bool is_local(const struct statfs *fs)
{
	static const unsigned long kinds[] = {
		EXT4_SUPER_MAGIC,     XFS_SUPER_MAGIC,           BTRFS_SUPER_MAGIC,
		TMPFS_MAGIC,          F2FS_SUPER_MAGIC,          OVERLAYFS_SUPER_MAGIC,
		0x2fc12fc1 /* ZFS */, 0xca451a4e /* bcachefs */,
	};

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		if ((unsigned long)fs->f_type == kinds[i])
			return true;
	return false;
}

int inotify_tell(int inotify, const char *path)
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return -errno;
	if (!is_local(&fs))
		return -EREMOTE;
	return inotify_add_watch(inotify, path, CHANGES) < 0 ? -errno : 0;
}
