/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"

/*
 * Work that waits for a disk, in a process of its own: the loop does not wait for it, and the
 * daemon can be ended whatever the disk does. The process is a copy of the daemon without its
 * descriptors, and so without its locks.
 */
struct helper;

/* In the helper. The daemon does not see what it changes in memory, and it logs nothing. 0 or
 * -errno. */
typedef int (*helper_work_fn)(const void *data);

/* error: what the work has returned; -EIO if the helper was killed. May free the helper. */
typedef void (*helper_done_fn)(void *data, int error);

/* 0, or -errno: then nothing of the work is done. */
int helper_start(struct loop *loop, helper_work_fn work, helper_done_fn done, void *data,
		 struct helper **ret);

/* The work goes on, and done is not called. */
struct helper *helper_free(struct helper *helper);

DEFINE_CLEANUP(struct helper, helper_free);
