/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"

/* Says why a start fails for a domain that exists and does not run, and what a person can do.
 */

/* 0 or -ENOMEM. */
int leftover_explain(const struct domain *d, char **ret);
