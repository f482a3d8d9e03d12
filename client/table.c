/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "table.h"

#include "util/str.h"

/* A cell that is longer is cut: a guest's name can have any length, and any bytes. */
#define CELL_MAX 60

struct table {
	size_t columns;
	size_t *widths; /* of each column, the widest cell */
	char **cells;   /* row by row */
	size_t n_cells;
};

struct table *table_new(size_t columns, const char *const *head)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->columns = columns;
	table->widths = calloc(columns, sizeof(*table->widths));
	if (!table->widths)
		return table_free(table);
	table_row(table, head);
	return table;
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	free(table->widths);
	free(table);
	return NULL;
}

void table_row(struct table *table, const char *const *cells)
{
	char **bigger = realloc(table->cells, (table->n_cells + table->columns) * sizeof(*bigger));
	size_t done = 0;

	if (!bigger)
		return;
	table->cells = bigger;
	for (; done < table->columns; done++) {
		bigger[table->n_cells + done] = str_printable(cells[done], CELL_MAX);
		if (!bigger[table->n_cells + done])
			break;
	}
	if (done < table->columns) {
		while (done > 0)
			free(bigger[table->n_cells + --done]);
		return;
	}
	for (size_t i = 0; i < done; i++)
		table->widths[i] = MAX(table->widths[i], strlen(bigger[table->n_cells + i]));
	table->n_cells += done;
}

void table_print(const struct table *table, FILE *out)
{
	for (size_t i = 0; i < table->n_cells; i++) {
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			fprintf(out, "%s\n", table->cells[i]);
		else
			fprintf(out, "%-*s  ", (int)table->widths[column], table->cells[i]);
	}
}
