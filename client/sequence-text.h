/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/* A start, stop or restart in words. Strings of the objects have been made printable. */

/*
 * The lines for an event of a guest, of width columns at most (SIZE_MAX: no limit), each with its
 * end. NULL: there is none, for there is no news, or no memory. bars: what begins is shown by
 * these.
 */
char *sequence_event_text(struct json_object *event, size_t width, bool bars);

/*
 * What a start, stop or restart (the method) has come to: what failed and why, how many guests did
 * what, and what to do.
 */
void sequence_print_outcome(FILE *out, size_t width, struct json_object *outcome,
			    const char *method);
