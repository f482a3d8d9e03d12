/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"

/* Sections for 10,000 guests need a fraction of it. */
#define SETTINGS_FILE_MAX (16U << 20)

/* The files that the settings are read from. */
struct settings_paths {
	const char *variables[2]; /* either may be NULL; the first that is there counts */
	const char *native;       /* this file, and then the files NATIVE.d/ *.conf in order */
	/* As /etc/group: a directory server may not answer. NULL: groups are not looked up. */
	const char *groups;
	const char *kept; /* copy of the last good settings; NULL: none is kept */
	const char *lock; /* of the daemon that keeps it (io/instance-lock.h) */
	/*
	 * Opens the copy, and files that the variables source, which may be on any file system.
	 * Returns a descriptor or -errno. NULL: open(2).
	 */
	int (*open)(const char *path, int flags);
};

enum settings_kind {
	SETTINGS_VARIABLES,
	SETTINGS_SOURCED,
	SETTINGS_NATIVE,
	_SETTINGS_KIND_MAX,
	_SETTINGS_KIND_INVALID = -EINVAL,
};

struct settings_text {
	enum settings_kind kind;
	char *path, *text; /* the text is terminated */
	size_t size;
};

/* The settings, and the texts that they were read from. */
struct settings {
	struct config *config;
	struct settings_text *texts; /* in the order in which they count */
	size_t n_texts;
};

/*
 * Reads the files. A missing file is no error. Lines and files that cannot be read are left out,
 * and told in config->refusals. 0 or -ENOMEM.
 */
int settings_read(const struct settings_paths *paths, struct settings *ret);

/* Opens a file for reading, with these flags of open(2) besides. Returns a descriptor or -errno. */
int settings_open(const struct settings_paths *paths, const char *path, int flags);

/* Adds a text, which is copied. 0 or -ENOMEM. */
int settings_add(struct settings *s, enum settings_kind kind, const char *path, const char *text,
		 size_t size);

/* Parses the texts into s->config, without reading any file but that of the groups. */
int settings_rebuild(const struct settings_paths *paths, struct settings *s);

void settings_done(struct settings *s);
