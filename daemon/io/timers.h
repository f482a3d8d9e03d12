/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"

/* For the loop: timers that are set, the earliest first; of one time, the one that was set first.
 */

struct timer_place {
	usec_t at;
	uint64_t number; /* of its setting, ever */
	size_t index;    /* in the heap, and 1; 0: it is not there */
};

struct timers {
	struct timer_place **heap; /* none is earlier than the one at half its place */
	size_t n, room;
	size_t n_members; /* set or not: there is room for all of them */
	uint64_t last_number;
};

/* One more, not set, so that to set it never fails; or one less. 0 or -ENOMEM. */
int timers_join(struct timers *t);
void timers_leave(struct timers *t);

void timers_insert(struct timers *t, struct timer_place *place, usec_t at);

/* Nothing where it is not there. */
void timers_remove(struct timers *t, struct timer_place *place);

/* NULL: none is set. */
struct timer_place *timers_first(const struct timers *t);

void timers_done(struct timers *t);
