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
	uint64_t kib;
};

/* A save begins, or one has ended that has written so much. */
void pace_begin(struct pace *pace, usec_t now);
void pace_end(struct pace *pace, usec_t now, uint64_t kib);

/* 0: there was too little to tell. */
uint64_t pace_rate(const struct pace *pace);

#define PACES_MAX 5

/* Of the last stops, the oldest first. */
struct paces {
	uint64_t rates[PACES_MAX];
	size_t n;
};

void paces_add(struct paces *paces, uint64_t rate);

/*
 * The median, so that one stop on a disk that was busy, or idle, moves it no further than to what
 * was measured before. Never 0: until there are several, an old disk's rate stands in for each that
 * is missing.
 */
uint64_t paces_expect(const struct paces *paces);

/*
 * With how many guests that are saved at one time a stop should begin, by the fastest of the last
 * stops: a slow disk loses time between more than two. 0: too little is known.
 */
unsigned paces_places(const struct paces *paces);

/*
 * What to add after a stop that saved no guest because that seemed too slow: otherwise a disk that
 * has become fast would not be noticed. 0: nothing.
 */
uint64_t paces_forgive(const struct paces *paces);
