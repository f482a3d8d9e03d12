/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/result.h"
#include "wire/json.h"

/*
 * The result of an event, an outcome or a step. _RESULT_INVALID: there is none, or one that only a
 * later daemon knows.
 */
enum result result_of(struct json_object *o);

/* How many of a list, which may be NULL, have that result. */
unsigned count_results(struct json_object *list, enum result result);
