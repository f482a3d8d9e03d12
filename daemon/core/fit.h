/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"

/*
 * How long a stop takes, and what is done where there is less time than that: an estimate, from
 * the guests' memory and how fast it was saved the last time. A guest that cannot be saved in time
 * is shut down, if that can be done in time.
 */

/* What a shutdown counts with, where its limit is not shorter: most guests are down in half of it.
 */
#define SHUTDOWN_TIME (60 * USEC_PER_SEC)

/* Fills in when each step may be over, and plan.needs. rate: KiB/s, as paces_expect() says. */
void plan_estimate(struct plan *plan, const struct config *config, uint64_t rate);

/*
 * Makes a plan for a stop fit into limit, as far as it can: each step that is changed for that, or
 * that takes longer all the same, gets a reason. 0 or -ENOMEM.
 */
int plan_fit(struct plan *plan, const struct config *config, uint64_t rate, usec_t limit);
