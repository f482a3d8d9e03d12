/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/*
 * Which file decides a setting of logind's, by the rules of logind.conf(5): the drop-ins of all
 * directories in the order of their names, the last one counts; of those with the same name, only
 * the one in the first directory is read.
 *
 * 0 with the path, and the text of the value, or NULL where no file has it; -ENOMEM. What logind
 * goes by can be another value: it reads the files when it starts, and at SIGHUP. root: "" for this
 * host.
 */
int logindconf_decides(const char *root, const char *key, char **ret, char **ret_value);
