/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"

/*
 * Estimates how long a stop takes, from the guests' memory and the speed of the last saves, and
 * fits a plan into less time: a guest that cannot be saved in time is shut down, if that can be
 * done in time.
 */

/* What a shutdown counts with, where its limit is not shorter: most guests are down in half of it.
 */
#define SHUTDOWN_TIME (60 * USEC_PER_SEC)

/* The same with that limit, for one guest. */
usec_t fit_shutdown_time(usec_t stop_limit);

/* Fills in when each step may be over, and plan.needs. rate: KiB/s, as paces_expect() says. */
void plan_estimate(struct plan *plan, const struct config *config, uint64_t rate);

/*
 * Makes a plan for a stop fit, as far as it can. limit: how long the host waits; 0: it does not.
 * end: after what time systemd forces it down; USEC_INFINITY: it does not. save: for how long
 * guests can be saved because of that, as fit_save_time() said when the stop began. A save that
 * takes longer than limit makes way for a shutdown that does not. A save that is not over in save
 * makes way for a shutdown in any case. The smallest guests are saved, so that as many are as
 * possible, and first of all those that cannot be shut down. Steps change their order:
 * turns_sort(). Each step that is changed for that, or that takes longer all the same, gets a
 * reason. 0 or -ENOMEM.
 */
int plan_fit(struct plan *plan, const struct config *config, uint64_t rate, usec_t limit,
	     usec_t save, usec_t end);

/*
 * For how long guests can be saved where systemd forces the host down after end: the rest of the
 * time is for guests that are shut down instead.
 */
usec_t fit_save_time(usec_t end);
