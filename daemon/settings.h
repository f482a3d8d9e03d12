/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"

/* Where the configuration stands. */
struct settings_paths {
	const char *variables[2]; /* either may be NULL; the first that is there counts */
	const char *native;       /* this file, and then the files NATIVE.d/ *.conf in order */
	/* As /etc/group: a directory server may not answer. NULL: groups are not looked up. */
	const char *groups;
};

/*
 * Reads the files into a new configuration. Files that are not there are no error. 0, -EINVAL
 * with *ret_reason (file, line, and what to do about it), or -ENOMEM.
 */
int settings_read(const struct settings_paths *paths, struct config **ret, char **ret_reason);
