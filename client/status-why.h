/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/* "2026-11-27 18:02:11, 34 min 52 s ago", or "" where the member is missing. */
const char *status_when(struct json_object *o, const char *key, char *buffer, size_t size);

#define WHEN_MAX 80

/* Says why a guest is not as it should be, and which commands help; nothing without a reason. */
void status_print_why(FILE *out, struct json_object *guest, size_t width);

/* The commands only. */
void status_print_actions(FILE *out, struct json_object *guest);

/* All that is known of a guest, a line for each fact. */
void status_print_story(FILE *out, struct json_object *guest, size_t width);
