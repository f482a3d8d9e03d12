/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "util/macro.h"

/* Text in columns that are as wide as the widest cell. */
struct table;

/* The head row is copied, as all rows are. NULL: no memory. */
struct table *table_new(size_t columns, const char *const *head);
struct table *table_free(struct table *table);

/* A row that finds no memory is left out. */
void table_row(struct table *table, const char *const *cells);

/* Gives a cell of the last row a colour: a parameter of SGR, such as "31". It must be constant. */
void table_colour(struct table *table, size_t column, const char *sgr);

/* Numbers: their last figures stand below each other. */
void table_align_right(struct table *table, size_t column);

/* Leaves a column out of what is printed. Not the first one. */
void table_hide(struct table *table, size_t column);

/* No cell of this column but its head says anything: all are "-". */
bool table_is_empty(const struct table *table, size_t column);

/* A first cell that is wider has a line of its own, and the other cells follow below. */
void table_limit_first(struct table *table, size_t width);

/*
 * Leaves out columns without a word in them, and then the last ones until the lines have so many
 * columns at most, but never the first kept. A first cell that takes too much of a line has one of
 * its own.
 */
void table_fit(struct table *table, size_t width, size_t kept);

/* How wide the lines are, but for first cells that have one of their own. */
size_t table_width(const struct table *table);

void table_print(const struct table *table, FILE *out);

DEFINE_CLEANUP(struct table, table_free);
