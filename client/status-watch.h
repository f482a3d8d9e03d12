/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "terminal.h"
#include "util/macro.h"

/* A text that changes in place on a terminal. */
struct status_watch;

struct status_watch *status_watch_new(FILE *out);
struct status_watch *status_watch_free(struct status_watch *w);

/* Draws the text, as far as the terminal has lines for it, if that changes anything. 0 or -EIO. */
int status_watch_show(struct status_watch *w, const char *text, const struct terminal *terminal);

DEFINE_CLEANUP(struct status_watch, status_watch_free);
