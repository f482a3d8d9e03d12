/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/inotify.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/vfs.h>

#include "util/macro.h"
#include "worker/link.h"

#define CHANGES                                                                                    \
	(IN_ATTRIB | IN_CREATE | IN_DELETE | IN_DELETE_SELF | IN_MODIFY | IN_MOVED_FROM |          \
	 IN_MOVED_TO | IN_MOVE_SELF)

/* Of what is on the way: when its name leads elsewhere. */
#define OF_DIRECTORY (IN_DELETE_SELF | IN_MOVE_SELF)
#define OF_LINK      (OF_DIRECTORY | IN_ATTRIB)

/*
 * Only this kernel writes them, and it tells of each write. Of an overlay it does not, where the
 * lower directory is written. linux/magic.h lacks the last two.
 */
static bool is_local(const struct statfs *fs)
{
	static const unsigned long kinds[] = {
		EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,      BTRFS_SUPER_MAGIC,         TMPFS_MAGIC,
		F2FS_SUPER_MAGIC, 0x2fc12fc1 /* ZFS */, 0xca451a4e /* bcachefs */,
	};

	for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
		if ((unsigned long)fs->f_type == kinds[i])
			return true;
	return false;
}

static int tell_of_step(void *data, const char *path, const struct stat *st)
{
	const int *inotify = data;
	uint32_t changes = S_ISLNK(st->st_mode) ? OF_LINK : OF_DIRECTORY;
	int r = inotify_add_watch(*inotify, path, changes | IN_MASK_ADD | IN_DONT_FOLLOW);

	return r < 0 ? -errno : 0;
}

int inotify_tell(int inotify, const char *path)
{
	int r = link_walk(path, tell_of_step, &inotify);
	struct statfs fs;

	if (r < 0)
		return r;
	if (statfs(path, &fs) < 0)
		return -errno;
	if (!is_local(&fs))
		return -EREMOTE;
	return inotify_add_watch(inotify, path, CHANGES | IN_MASK_ADD) < 0 ? -errno : 0;
}
