/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/time.h"

/*
 * How many guests are saved at one time to the disk of the images. Their number doubles as long as
 * that makes the disk clearly faster. A save that has begun is not taken back, so a number that was
 * too high only ends with the saves that it let in.
 */
struct lane {
	unsigned allowed; /* saves at one time */
	unsigned most;    /* at most so many */
	unsigned before;  /* allowed before it was doubled for a trial; 0: there was no trial yet */
	bool trying;
	uint64_t best;  /* KiB/s: with so many as before a trial; after it, the best one since */
	usec_t since;   /* the window of a measurement began; 0: none has */
	uint64_t from;  /* KiB that were written by then */
	unsigned heard; /* so often there was news in it */
};

/* Begins with first, 1 at least, while nothing is written. */
void lane_begin(struct lane *lane, unsigned first, unsigned most);

/*
 * News of a save: all have written so many KiB by now, and so many are at work. Whether another
 * number is allowed now.
 */
bool lane_tell(struct lane *lane, usec_t now, uint64_t kib, unsigned at_work);
