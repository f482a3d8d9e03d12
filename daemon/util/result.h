/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* How a guest fares in a start, a stop or a restart: in one stage of it, or in the end. */
enum result {
	RESULT_RUNNING, /* it has not ended */
	RESULT_OK,
	RESULT_FAILED,
	RESULT_SKIPPED, /* it was left out, or is not wanted any more */
	_RESULT_MAX,
	_RESULT_INVALID = -EINVAL,
};

const char *result_to_string(enum result result);
enum result result_from_string(const char *s);
