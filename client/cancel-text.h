/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

/* The answer of Cancel: what was cancelled, what goes on, and what to type. */
void cancel_print(FILE *out, size_t width, struct json_object *parameters);
