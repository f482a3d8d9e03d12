/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/* What a reply tells only of a guest that is asked for alone, each fact for print. */
typedef void (*print_fact_fn)(FILE *out, const char *key, const char *value, size_t width);

/* Its disks, and the policy that holds for it. */
void status_print_facts(FILE *out, struct json_object *guest, size_t width, print_fact_fn print);
