/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/pace.h"

#include <limits.h>
#include <string.h>

/* Until it was measured: what an old disk can take. */
#define ASSUMED_RATE (50ULL * 1024)

/* One measurement decides nothing. */
#define RATES_MIN 3

/* A rate that was measured on less says little. */
#define MEASURED_KIB_MIN (64ULL * 1024)

/* A disk has a place for each so many KiB/s. A disk that turns has few, and needs no more. */
#define PLACE_RATE (64ULL * 1024)
/* One writes while the other one suspends its guest, or syncs. */
#define PLACES_MIN 2U

void pace_begin(struct pace *pace, usec_t now)
{
	if (pace->first == 0)
		pace->first = now;
}

void pace_end(struct pace *pace, usec_t now, uint64_t kib, uint64_t disk_kib)
{
	pace->last = now;
	pace->kib += kib;
	pace->disk_kib += disk_kib;
}

static uint64_t find_rate(const struct pace *pace, uint64_t kib)
{
	usec_t elapsed = usec_sub(pace->last, pace->first);

	if (pace->first == 0 || elapsed == 0 || pace->kib < MEASURED_KIB_MIN)
		return 0;
	return MAX(kib * USEC_PER_SEC / elapsed, 1ULL);
}

uint64_t pace_rate(const struct pace *pace)
{
	return find_rate(pace, pace->kib);
}

uint64_t pace_disk_rate(const struct pace *pace)
{
	return pace->disk_kib > 0 ? find_rate(pace, pace->disk_kib) : 0;
}

void paces_add(struct paces *paces, uint64_t rate, uint64_t disk)
{
	if (paces->n == PACES_MAX) {
		memmove(&paces->rates[0], &paces->rates[1],
			(PACES_MAX - 1) * sizeof(paces->rates[0]));
		memmove(&paces->disk[0], &paces->disk[1], (PACES_MAX - 1) * sizeof(paces->disk[0]));
		paces->n--;
	}
	paces->disk[paces->n] = disk > 0 ? disk : rate;
	paces->rates[paces->n++] = rate;
}

/* The lower one in the middle: to hope for too much costs a guest its save. */
uint64_t paces_expect(const struct paces *paces)
{
	uint64_t sorted[PACES_MAX];
	size_t n = 0;

	while (n < RATES_MIN || n < paces->n) {
		uint64_t rate = n < paces->n ? paces->rates[n] : ASSUMED_RATE;
		size_t at = n++;

		for (; at > 0 && sorted[at - 1] > rate; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = rate;
	}
	return sorted[(n - 1) / 2];
}

uint64_t paces_disk(const struct paces *paces)
{
	uint64_t fastest = 0;

	if (paces->n < RATES_MIN)
		return 0;
	/* A stop of few guests does not tell all that the disk can do. */
	for (size_t i = 0; i < paces->n; i++)
		fastest = MAX(fastest, paces->disk[i]);
	return fastest;
}

unsigned paces_places(const struct paces *paces)
{
	uint64_t places = MIN(paces_disk(paces) / PLACE_RATE, (uint64_t)UINT_MAX);

	return paces->n < RATES_MIN ? 0 : MAX((unsigned)places, PLACES_MIN);
}

uint64_t paces_forgive(const struct paces *paces)
{
	uint64_t rate = paces_expect(paces);

	return rate < ASSUMED_RATE ? MIN(2 * rate, ASSUMED_RATE) : 0;
}
