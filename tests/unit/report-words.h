/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "engine/report.h"

/*
 * Writes "web create failed (why).|": guest, stage, result; whether a reason is given; a dot for
 * the end. The reason itself is a sentence for people, and may be worded anew at any time.
 */
static inline void report_in_words(char *text, size_t size, const struct report *r)
{
	const char *stage = stage_to_string(r->stage);
	int n = snprintf(text, size, "%s %s %s%s%s|", r->step->name, stage ? stage : "-",
			 result_to_string(r->result), r->reason ? " (why)" : "",
			 r->final ? "." : "");

	ck_assert(n > 0 && (size_t)n < size);
}

/* Adds the reason to those that were given before; a test finds words there that it gave itself. */
static inline void keep_reason(char *reasons, size_t size, const struct report *r)
{
	size_t length = strlen(reasons);
	int n = snprintf(reasons + length, size - length, "%s|", r->reason ? r->reason : "");

	ck_assert(n > 0 && (size_t)n < size - length);
}
