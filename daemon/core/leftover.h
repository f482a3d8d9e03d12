/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"

/* Says why a start fails for a domain that exists and does not run, and what a person can do.
 */

/*
 * Of a domain of xl's that has ended. What xl does with it is not known: a command to type could
 * destroy what xl is still writing.
 */
#define LEFT_TO_XL                                                                                 \
	"xl may take minutes to write a dump of its memory. Remove the domain only once no xl "    \
	"process is at work on it"

/* Of NAME--migratedaway. */
#define AWAY_WITH_XL                                                                               \
	"another tool has migrated it, and it may run on the other host. Look there with "         \
	"'xl list'. "

/* 0 or -ENOMEM. */
int leftover_explain(const struct domain *d, char **ret);
