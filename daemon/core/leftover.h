/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"

/* Why a domain that is there and does not run is no success of a start, and what a person can do.
 */

/* 0 or -ENOMEM. */
int leftover_explain(const struct domain *d, char **ret);
