/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A screen that shows what is written to a descriptor. */
struct terminal {
	bool is_one;   /* false: a file or a pipe; no line has to fit */
	bool colour;   /* colour is wanted */
	bool moves;    /* the cursor can be moved */
	size_t width;  /* in columns; SIZE_MAX: without a limit */
	size_t height; /* in lines; the same */
};

/*
 * The size is what the kernel knows, else that of COLUMNS and LINES, else 80x24. Colour is wanted
 * on a terminal, unless there is NO_COLOR, or TERM is "dumb" or missing.
 */
struct terminal terminal_of(int fd);
