/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "terminal.h"
#include "wire/json.h"

/*
 * Images of a reply (may be NULL) in a table, as wide as the terminal, and below it what is wrong
 * with each.
 */
void image_table_print(FILE *out, struct json_object *images, const struct terminal *terminal);
