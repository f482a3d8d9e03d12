/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/*
 * Prints one member of each object in a list of a reply, a line each: for programs that have no
 * JSON. A name with a character that a terminal obeys, such as a newline, is left out.
 */
void names_print(FILE *out, struct json_object *parameters, const char *list, const char *member);
