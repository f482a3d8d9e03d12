/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/time.h"

/* What is being done to a guest, as the last event of it told. */
struct work {
	const char *name, *stage;
	uint64_t percent;      /* 0: it does not tell */
	uint64_t bytes, total; /* that have gone through, of about so many; 0: the same */
	usec_t elapsed;        /* of the stage, at the event */
	usec_t told;           /* when the event came */
};

/*
 * The line for it, without its end, of at most width columns: what does not fit is left out. The
 * name takes name_width columns. NULL: no memory.
 */
char *work_line(const struct work *w, size_t name_width, size_t width, usec_t now, bool utf8);

/* A copy of at most so many columns; "..." stands for the end of a longer text. NULL: no memory. */
char *cut_text(const char *s, size_t columns);
