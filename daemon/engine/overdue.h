/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/run.h"
#include "hv/hv.h"

/*
 * For the executor only: the worker of a stop that does not get on. A save without progress takes
 * no place, and no guest waits for a worker past its limit. Some workers cannot even be killed.
 * now: of the loop; stop_limit: for one stage, or USEC_INFINITY.
 */

void overdue_begin(struct run *run, usec_t now, usec_t stop_limit);

/* The worker has told that it gets on. */
void overdue_progress(struct run *run, usec_t now, usec_t stop_limit);

/* The run's limit is over, while a worker is at it. */
void overdue_expire(struct run *run, usec_t now, usec_t stop_limit);

/*
 * Until when the operation of an earlier daemon takes a place, as a time of the loop, unless its
 * worker tells that it gets on. USEC_INFINITY: to its end.
 */
usec_t overdue_adopted(const struct hv_operation *operation, usec_t stop_limit);

/* Whether a save or a migration of an earlier daemon stands still, and may go on. */
bool overdue_adopted_stalls(const struct hv_operation *operation, usec_t now, usec_t stop_limit);
