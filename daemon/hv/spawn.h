/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * A program that stays the one that it was: an upgrade replaces the file, and what it puts there
 * belongs to another daemon, and perhaps to another Xen.
 */
struct program {
	char *path;
	int fd; /* of the file that was there first; -1: there was none */
	/* The program that libxl starts in it to save and to restore. */
	char *helper_path, *helper_link; /* NULL: none is kept */
	int helper;                      /* as fd */
};

/* 0, also where there is no such file, or -errno. */
int program_open(const char *path, struct program *ret);

/*
 * Keeps the helper, too: the upgrade to the next Debian removes its package before the reboot that
 * has to save the guests. As long as it is at its path, libxl starts it there: an update of the
 * same Xen replaces both. After that libxl starts what the variable LIBXL_SAVE_HELPER of its
 * process names, a link in the runtime directory that leads to OPERATION_FD_HELPER. The link has
 * the helper's own name, by which it is known (hv/savers.h). 0, also if there is no such file, or
 * -errno.
 */
int program_keep_helper(struct program *program, const char *helper, const char *runtime);
void program_close(struct program *program);

/*
 * Starts a worker in a session of its own, so that it outlives the daemon. given is what it finds
 * as OPERATION_FD_RECORD or OPERATION_FD_INOTIFY, may be -1, and stays the caller's. *ret_channel
 * is the daemon's end, not blocking. Returns a descriptor that is readable once the worker has
 * ended (see spawn_reap()), or -errno.
 */
int spawn_worker(const struct program *program, const char *verb, int given, int *ret_channel);

/* Takes note that a worker of ours has ended. The descriptor stays the caller's. */
void spawn_reap(int pidfd);

/*
 * Ends a worker that cannot be watched and that works on nothing, and takes over its descriptor.
 * Waits for nothing: that it has ended is taken note of when the next worker is started.
 */
void spawn_abandon(int pidfd);
