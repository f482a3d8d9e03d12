/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/*
 * When logind began to wait for guests: a file in the runtime directory, for a daemon that takes
 * over in the meantime. Where the file cannot be written, that daemon does not know it.
 */

void window_note(const char *folder, usec_t begin);
void window_forget(const char *folder);

/* 0, -ENOENT if there is none, or another -errno. */
int window_recall(const char *folder, usec_t *ret_begin);
