/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "command.h"
#include "status-select.h"

/*
 * Calls Status for guests that are named as status_keep_named() takes them; without names for all.
 * 0 and the reply (the caller's), or a negative exit status with everything said.
 */
int status_ask(const struct context *context, char **names, struct varlink_reply *ret);

/* True if the word may mean several guests. */
bool status_is_pattern(const char *word);
