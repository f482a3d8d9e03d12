/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/pace.h"
#include "engine/limits.h"
#include "engine/run.h"
#include "hv/hv.h"

/* The places for operations at one time: their number, and the runs that have one. */
struct places {
	unsigned taken, creating;
	unsigned booting;  /* of those creating: built, and not yet up */
	unsigned stopping; /* of those taken */
	unsigned cleaning, touching;
	unsigned saving, may_save;
	unsigned stalled; /* saves that stand still, and may go on: not of those saving */
	unsigned asked;   /* guests that are to go down: a worker for each comes soon */
	unsigned untold;  /* of those saving: what they write is not told */
	uint64_t saving_kib;
	unsigned restores; /* guests that are being restored, or wait for that, and do not hang ...
			    */
	unsigned large;    /* ... whose images take the disk for more than a moment */
	unsigned may_read, reading; /* images */
	unsigned flowing;           /* of these: they have begun */
	unsigned beside;            /* of an earlier daemon: what they read is not told */
	unsigned small;             /* of those reading: begun as the smallest that waited */
	uint64_t smallest_kib;      /* of those that wait, and could begin */
};

/*
 * Whether the worker of a run ends in a moment as a rule: it removes a domain, or has it go on. It
 * takes no place from a save. One that takes long leaves its place to others (engine/overdue).
 */
bool places_are_brief(const struct run *run);

/* Whether a domain that has shut down can be removed now. */
bool places_can_clean(const struct places *places, const struct executor_limits *limits);

/* Counts the place of a run, if it has one. */
void places_take(struct places *places, const struct executor_limits *limits,
		 const struct run *run);

/*
 * Counts the place of an operation that an earlier daemon began: there is no run at work on it.
 * memory_kib: of its guest.
 */
void places_take_adopted(struct places *places, const struct hv_operation *operation,
			 uint64_t memory_kib);

/* Why the stage of a run that waits cannot begin, as far as places go; WAIT_NONE: it can. */
enum wait places_wait(const struct places *places, const struct executor_limits *limits,
		      const struct run *run);

/* Whether a run that can begin has the smallest image, and a place that is for such. */
bool places_begins_small(const struct places *places, const struct executor_limits *limits,
			 const struct run *run);

/* Sets the limits that are for places, by the saves of the last stops. */
void places_set_limits(struct executor_limits *limits, const struct config *c,
		       const struct paces *paces);
