/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "util/macro.h"

/*
 * Whether what a worker has read since may be another by now. The daemon opens the descriptors, and
 * the worker says on the first one what it reads (worker/inotify.h), so that the daemon itself
 * touches no file that may not answer. The kernel collects what happens, and wakes no process that
 * does not ask for it.
 */
struct changes {
	int files;  /* an inotify descriptor; -1: they are not watched */
	int mounts; /* /proc/self/mountinfo */
};

#define CHANGES_NONE                                                                               \
	(struct changes)                                                                           \
	{                                                                                          \
		.files = -1, .mounts = -1                                                          \
	}

/* 0 or -errno. */
int changes_open(struct changes *ret);
void changes_close(struct changes *c);

/* Whether nothing has changed. False where it is not known. */
bool changes_are_none(const struct changes *c);
