/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"

/* The texts of the files of settings, and the struct config that they make. */

/*
 * Gives the text of a file that a file of variables sources; it must last until the reading ends.
 * Returns 0, -ENOMEM, or another -errno to have the line refused.
 */
struct config_source {
	int (*read)(void *data, const char *path, const char **ret_text, size_t *ret_size);
	void *data;
};

/*
 * Read a text into c. A line that is refused is left out, and told in c->refusals. 0 or -ENOMEM.
 * path is used in messages only.
 */
int config_read_variables(struct config *c, const char *path, const char *text, size_t size,
			  const struct config_source *source);
int config_read_native(struct config *c, const char *path, const char *text);
