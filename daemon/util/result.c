/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/result.h"

#include "util/str.h"

static const char *const result_names[_RESULT_MAX] = {
	[RESULT_RUNNING] = "running",
	[RESULT_OK] = "ok",
	[RESULT_FAILED] = "failed",
	[RESULT_SKIPPED] = "skipped",
};

const char *result_to_string(enum result result)
{
	return result_names[result];
}

enum result result_from_string(const char *s)
{
	return (enum result)str_lookup(result_names, _RESULT_MAX, s);
}
