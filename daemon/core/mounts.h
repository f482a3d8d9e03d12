/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * The systemd units that mount a path: those of the path itself and of each of its parents. Which
 * of them exist is systemd's business. A unit may be ordered after one that does not exist.
 */

struct mount_units {
	char **names; /* without the suffix, each once */
	size_t n;
};

void mount_units_done(struct mount_units *m);

/*
 * The name of a path's unit without its suffix, as "systemd-escape --path" prints it. Returns 0,
 * -EINVAL for a path that is relative or contains "..", -ENAMETOOLONG if systemd refuses or hashes
 * a name that long, or -ENOMEM.
 */
int mount_unit_name(const char *path, char **ret);

/*
 * Adds an absolute path and its parents, without "/", which is always mounted. Parents come first.
 * A ".." ends the path: the caller has to resolve it. Errors are those of mount_unit_name(); the
 * parents that have a name have been added then.
 */
int mount_units_add(struct mount_units *m, const char *path);

/*
 * A drop-in that starts a unit after these mounts and stops it before them, whether or not they
 * succeed. Returns 0 or -ENOMEM.
 */
int mount_units_drop_in(const struct mount_units *m, char **ret);
