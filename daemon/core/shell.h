/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Reads a file of shell variables (/etc/default/...) as sh would read it, without a shell:
 * comments, quotes, continued lines, export, several assignments on a line, $NAME and ${NAME} of
 * what was assigned above, and "source FILE" or ". FILE" of a literal path. Anything else that a
 * shell would have to execute is refused.
 */

/* Files can source files this deep, and so many together. */
#define SHELL_DEPTH_MAX   8
#define SHELL_SOURCES_MAX 64

struct shell_place {
	const char *path;
	unsigned line;
};

/* A negative return of assign or refuse ends the reading and is handed on. */
struct shell_handler {
	/* Called for each assignment in order. */
	int (*assign)(void *data, const struct shell_place *at, const char *name,
		      const char *value);
	/* Called for each refused line, which is then left out. reason is for the administrator. */
	int (*refuse)(void *data, const struct shell_place *at, const char *reason);
	/*
	 * Gives the text of a sourced file, which must last until the reading ends. 0, -ENOMEM, or
	 * another -errno to have the line refused.
	 */
	int (*source)(void *data, const char *path, const char **ret_text, size_t *ret_size);
	void *data;
};

/* Returns 0, -ENOMEM, or what a callback returned. path is only for shell_place. */
int shell_read(const struct shell_handler *handler, const char *path, const char *text,
	       size_t size);
