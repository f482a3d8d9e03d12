/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"
#include "util/time.h"

/* How fast guests are saved, and what is expected of the next stop. Rates are in KiB/s. */

/* Measures one stop, in which several guests are saved at one time. */
struct pace {
	usec_t first, last;
	uint64_t kib, disk_kib;
};

/*
 * A save begins, or one has ended that has saved so much memory. disk_kib: that was written for it.
 * Pages of zeros take hardly any time, and nothing is written for them.
 */
void pace_begin(struct pace *pace, usec_t now);
void pace_end(struct pace *pace, usec_t now, uint64_t kib, uint64_t disk_kib);

/* Of memory, and of what was written. 0: there was too little to tell. */
uint64_t pace_rate(const struct pace *pace);
uint64_t pace_disk_rate(const struct pace *pace);

#define PACES_MAX 5

/* Of the last stops, the oldest first. */
struct paces {
	uint64_t rates[PACES_MAX]; /* of memory */
	uint64_t disk[PACES_MAX];  /* of what was written */
	size_t n;
};

/* disk: of what was written; 0: not known, and so as much as of memory. */
void paces_add(struct paces *paces, uint64_t rate, uint64_t disk);

/*
 * The median, so that one stop on a disk that was busy, or idle, moves it no further than to what
 * was measured before. Never 0: until there are several, an old disk's rate stands in for each that
 * is missing.
 */
uint64_t paces_expect(const struct paces *paces);

/* What the disk has taken in the fastest of the last stops. 0: too little is known. */
uint64_t paces_disk(const struct paces *paces);

/*
 * With how many guests that are saved at one time a stop should begin, by paces_disk(): a slow disk
 * loses time between more than two. 0: too little is known.
 */
unsigned paces_places(const struct paces *paces);

/*
 * What to add after a stop that saved no guest because that seemed too slow: otherwise a disk that
 * has become fast would not be noticed. 0: nothing.
 */
uint64_t paces_forgive(const struct paces *paces);
