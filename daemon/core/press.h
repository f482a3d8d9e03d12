/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/time.h"

/*
 * Saves that share a disk and will not all be over in time: which of them are given up, so that the
 * others are.
 */
struct flight {
	uint64_t left; /* KiB that are still to be written */
	usec_t until;  /* so much time it has ... */
	usec_t own;    /* ... and takes at the pace that it has had; USEC_INFINITY: not known */
	bool may_end;  /* its guest can be shut down instead */
	bool kept;     /* in any case */
	bool given_up; /* the answer */
	void *data;    /* the caller's */
};

/*
 * Gives up only saves that would be cut off, first those whose guests can be shut down instead, of
 * these the one that has furthest to go. rate: KiB/s of all together; 0: not known. at_once: else
 * none is given up before the others need the disk for themselves, for it may become faster.
 * Changes the order.
 */
void press_judge(struct flight *flights, size_t n, uint64_t rate, bool at_once);

/* How fast all are, as measured from time to time: zeros before the first time. */
struct flow {
	usec_t since; /* 0: a measurement begins with the next word */
	uint64_t from;
	uint64_t rate; /* KiB/s; 0: not known */
};

/* So many KiB have been written by now, ever. */
void flow_tell(struct flow *flow, usec_t now, uint64_t kib);
