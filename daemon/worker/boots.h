/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "util/time.h"
#include "util/uuid.h"

/*
 * Whether the ledger (NULL: there is none) knows of a boot of this host between the one that is
 * given, in which something was described at this time of the wall clock, and the one that runs. A
 * boot in which nothing was recorded is not known.
 */
bool boots_between(const char *ledger, const struct uuid *then, usec_t since);
