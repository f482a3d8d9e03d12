/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "util/macro.h"

/* Text in columns that are as wide as what stands in them. */
struct table;

/* The head row is copied, as all rows are. NULL: no memory. */
struct table *table_new(size_t columns, const char *const *head);
struct table *table_free(struct table *table);

/* A row that finds no memory is left out. */
void table_row(struct table *table, const char *const *cells);
void table_print(const struct table *table, FILE *out);

DEFINE_CLEANUP(struct table, table_free);
