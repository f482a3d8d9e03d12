/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "table.h"

#include "util/str.h"

/* A cell that is longer is cut: a guest's name can have any length, and any bytes. */
#define CELL_MAX 60

struct table {
	size_t columns, rows;
	size_t *widths; /* of each column, the widest cell */
	char *text;     /* of the cells, row by row, each with its NUL byte */
	size_t size, room;
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
	free(table->text);
	free(table->widths);
	free(table);
	return NULL;
}

static bool has_room(struct table *table)
{
	size_t needed = table->size + table->columns * (CELL_MAX + STR_CUT_SIZE);
	char *bigger;

	if (needed <= table->room)
		return true;
	bigger = realloc(table->text, 2 * needed);
	if (!bigger)
		return false;
	table->text = bigger;
	table->room = 2 * needed;
	return true;
}

void table_row(struct table *table, const char *const *cells)
{
	if (!has_room(table))
		return;
	for (size_t i = 0; i < table->columns; i++) {
		size_t length = str_print(cells[i], CELL_MAX, table->text + table->size);

		table->widths[i] = MAX(table->widths[i], length);
		table->size += length + 1;
	}
	table->rows++;
}

void table_print(const struct table *table, FILE *out)
{
	const char *cell = table->text;

	for (size_t i = 0; i < table->rows * table->columns; i++) {
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			fprintf(out, "%s\n", cell);
		else
			fprintf(out, "%-*s  ", (int)table->widths[column], cell);
		cell += strlen(cell) + 1;
	}
}
