/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "util/str.h"
#include "util/time.h"
#include "wire/json.h"

/* The texts of cells and lines that people read. */

static inline double seconds(struct json_object *o, const char *key)
{
	uint64_t usec = 0;

	json_get_u64(o, key, &usec);
	return (double)usec / (double)USEC_PER_SEC;
}

/* A need is rounded up, and what is granted or left down. */
static inline usec_t rounded_time(uint64_t usec, bool up)
{
	return usec_add(usec, up ? USEC_PER_SEC - 1 : 0) / USEC_PER_SEC * USEC_PER_SEC;
}

static inline const char *or_dash(const char *s)
{
	return str_empty(s) ? "-" : s;
}

static inline void number_or_dash(struct json_object *o, const char *key, uint64_t unit,
				  char *buffer, size_t size)
{
	uint64_t value;

	if (json_get_u64(o, key, &value) < 0)
		snprintf(buffer, size, "-");
	else
		snprintf(buffer, size, "%llu", (unsigned long long)(value / unit));
}
