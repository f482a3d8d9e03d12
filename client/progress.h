/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/*
 * On a terminal: what is under way stands in lines at the bottom, which change in place. They take
 * no more lines than there are on the screen, less two, and are never as wide.
 */
struct progress;

struct progress *progress_new(FILE *out);
struct progress *progress_free(struct progress *p);

/* text, if there is one, says what has happened, and stays on the screen. It ends with a newline.
 */
void progress_event(struct progress *p, struct json_object *event, const char *text);

/* The time goes on. */
void progress_draw(struct progress *p);

/* Removes the lines at the bottom. */
void progress_end(struct progress *p);
