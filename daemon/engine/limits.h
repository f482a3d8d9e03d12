/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "util/time.h"

/* Limits of the executor, from the settings. places.c keeps to those of what is done at one time.
 */
struct executor_limits {
	unsigned parallel;  /* operations at one time ... */
	unsigned creates;   /* ... of which so many build guests from scratch */
	bool boots_count;   /* guests that boot are among them, until create_pause is over */
	unsigned brief;     /* workers that remove domains, and as many that have domains go on */
	unsigned cpus;      /* that saves share to compress; 0: does not matter */
	unsigned streams;   /* saves, or restores, that are begun with; 0: as many as operations */
	uint64_t disk_rate; /* KiB/s that the disk of the images is known to take; 0: not known */
	uint64_t save_kib;  /* of memory, if several guests are saved at one time */
	uint64_t brief_kib; /* images of such guests take the disk for a moment only */
	usec_t create_pause;
	usec_t sysrq_pause; /* after each key */
	usec_t stop_limit;
	usec_t patience; /* with an operation that makes no progress; 0: without end */
};
