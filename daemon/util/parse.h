/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Each takes the whole string or refuses it: 0, -EINVAL, or -ERANGE for a number out of bounds. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);

/* true/false, yes/no, on/off, 1/0, in any case. */
int parse_bool(const char *s, bool *ret);
