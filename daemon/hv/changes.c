/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "util/fd.h"

int changes_open(struct changes *ret)
{
	_cleanup_close_ int files = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	_cleanup_close_ int mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (files < 0 || mounts < 0)
		return -errno;
	*ret = (struct changes){.files = TAKE_FD(files), .mounts = TAKE_FD(mounts)};
	return 0;
}

void changes_close(struct changes *c)
{
	if (c->files >= 0)
		close(c->files);
	if (c->mounts >= 0)
		close(c->mounts);
	*c = CHANGES_NONE;
}

bool changes_are_none(const struct changes *c)
{
	struct pollfd p[] = {
		{.fd = c->files, .events = POLLIN},
		/* The kernel tells of a mount as of an error. */
		{.fd = c->mounts, .events = POLLPRI},
	};

	return c->files >= 0 && c->mounts >= 0 && poll(p, ELEMENTSOF(p), 0) == 0;
}
