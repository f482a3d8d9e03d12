/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/run.h"

/*
 * For the executor: a domain that another tool is at work on, or may be, is left to that tool for a
 * time before a stop touches it.
 */

/* How long another tool may take to destroy a domain that it has saved. */
#define SUSPENDED_LIMIT (10 * USEC_PER_SEC)

/*
 * Whether the guest is left alone now. The run's limit is set for as long as it may be; at its end
 * hold_end() tells what follows.
 */
bool hold_check(struct run *run, const struct domain *d, usec_t stop_limit);

/*
 * Whether a guest that is to be built runs by now. Where another tool has a domain of it and
 * builds, pauses or saves that, the run records that they met: a later domain is not the one of
 * the plan.
 */
bool hold_meets(struct run *run, const struct domain_list *domains);

/* Why the guest cannot be stopped; NULL: it has been waited for long enough, and is stopped now. */
const char *hold_end(struct run *run);
