/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Reads a file of shell variables (/etc/default/...) as sh would read it, without a shell:
 * comments, quotes, continued lines, export, several assignments on a line, $NAME and ${NAME} of
 * what was assigned above. Anything that a shell would have to execute is refused.
 */

/* Called for each assignment in order. A negative return ends the reading and is handed on. */
typedef int (*shell_assign_fn)(void *data, unsigned line, const char *name, const char *value);

/*
 * 0, -ENOMEM, what the callback returned, or -EINVAL; then *ret_line says where, and *ret_reason
 * (the caller's to free) why, in words for the administrator.
 */
int shell_read(const char *text, size_t size, shell_assign_fn assign, void *data,
	       unsigned *ret_line, char **ret_reason);
