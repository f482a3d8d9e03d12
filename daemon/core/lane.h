/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/time.h"

/*
 * How many guests are saved at one time to the disk of the images. Their number doubles as long as
 * that makes the disk clearly faster. Where more made it clearly slower, and where as many as may
 * be are clearly slower than it is known to be, fewer are tried: half of them each time, as long as
 * that makes it faster. A save that has begun is not taken back, so a number that was too high only
 * ends with the saves that it let in.
 */
struct lane {
	unsigned allowed; /* saves at one time */
	unsigned most;    /* at most so many */
	unsigned before;  /* allowed before the last trial; 0: there was none yet */
	bool trying;      /* to have more ... */
	bool lowering;    /* ... or fewer */
	uint64_t known;   /* KiB/s of an earlier stop; 0: not known */
	uint64_t best;    /* KiB/s: with so many as before a trial; after it, the best one since */
	usec_t since;     /* the window of a measurement began; 0: none has */
	unsigned during;  /* so many are at work in it */
	uint64_t from;    /* KiB that were written by then */
	unsigned heard;   /* so often there was news in it */
};

/* Begins with first, 1 at least, while nothing is written. known: KiB/s, or 0. */
void lane_begin(struct lane *lane, unsigned first, unsigned most, uint64_t known);

/*
 * News of a save: all have written so many KiB by now, and so many are at work. Whether another
 * number is allowed now.
 */
bool lane_tell(struct lane *lane, usec_t now, uint64_t kib, unsigned at_work);
