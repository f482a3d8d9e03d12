/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <check.h>
#include <stdio.h>

#include "engine/report.h"

/* Writes "web create failed: no room.|": guest, stage, result, reason; a dot for the end. */
static inline void report_in_words(char *text, size_t size, const struct report *r)
{
	const char *stage = stage_to_string(r->stage);
	int n = snprintf(text, size, "%s %s %s%s%s%s|", r->step->name, stage ? stage : "-",
			 result_to_string(r->result), r->reason ? ": " : "",
			 r->reason ? r->reason : "", r->final ? "." : "");

	ck_assert(n > 0 && (size_t)n < size);
}
