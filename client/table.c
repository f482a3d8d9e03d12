/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "table.h"

#include "util/str.h"
#include "width.h"

#define GAP 2

#define ROOM_FIRST 256
/* A longer first cell gets a line of its own, so that the other rows keep their columns. */
#define FIRST_SHARE 2 / 5

struct cell {
	size_t text; /* its place among those of the table */
	size_t width;
	const char *colour; /* or NULL */
};

struct column {
	bool right, hidden;
};

struct table {
	size_t n_columns;
	struct column *columns;
	struct cell *cells; /* row by row */
	size_t n_cells, cells_room;
	char *texts; /* one after the other: a table of many guests has many */
	size_t texts_size, texts_room;
	size_t first_max; /* of the first column */
};

struct table *table_new(size_t columns, const char *const *head)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->n_columns = columns;
	table->first_max = SIZE_MAX;
	table->columns = calloc(columns, sizeof(*table->columns));
	if (!table->columns)
		return table_free(table);
	table_row(table, head);
	return table;
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	free(table->cells);
	free(table->texts);
	free(table->columns);
	free(table);
	return NULL;
}

/* Memory for so many items, with what is in it; NULL, and it stays as it is: there is none. */
static void *grow(void *memory, size_t *room, size_t n, size_t size)
{
	size_t wanted = *room ? *room : ROOM_FIRST;
	void *bigger;

	while (wanted < n)
		wanted *= 2;
	if (wanted == *room)
		return memory;
	bigger = realloc(memory, wanted * size);
	if (bigger)
		*room = wanted;
	return bigger;
}

static int make_room(struct table *table, const char *const *cells)
{
	size_t size = table->texts_size;
	char *texts;
	struct cell *bigger;

	for (size_t i = 0; i < table->n_columns; i++)
		size += strlen(cells[i]) + 1;
	texts = grow(table->texts, &table->texts_room, size, 1);
	if (!texts)
		return -ENOMEM;
	table->texts = texts;
	bigger = grow(table->cells, &table->cells_room, table->n_cells + table->n_columns,
		      sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	table->cells = bigger;
	return 0;
}

static const char *text_of(const struct table *table, const struct cell *cell)
{
	return table->texts + cell->text;
}

void table_row(struct table *table, const char *const *cells)
{
	if (make_room(table, cells) < 0)
		return;
	for (size_t i = 0; i < table->n_columns; i++) {
		struct cell *cell = &table->cells[table->n_cells++];

		*cell = (struct cell){.text = table->texts_size};
		table->texts_size += text_clean_to(table->texts + cell->text, cells[i]) + 1;
		cell->width = text_width(text_of(table, cell));
	}
}

void table_colour(struct table *table, size_t column, const char *sgr)
{
	if (table->n_cells >= table->n_columns)
		table->cells[table->n_cells - table->n_columns + column].colour = sgr;
}

void table_align_right(struct table *table, size_t column)
{
	table->columns[column].right = true;
}

void table_hide(struct table *table, size_t column)
{
	table->columns[column].hidden = true;
}

void table_limit_first(struct table *table, size_t width)
{
	table->first_max = width;
}

bool table_is_empty(const struct table *table, size_t column)
{
	for (size_t i = table->n_columns + column; i < table->n_cells; i += table->n_columns)
		if (!str_equal(text_of(table, &table->cells[i]), "-"))
			return false;
	return true;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = 0;

	for (size_t i = column; i < table->n_cells; i += table->n_columns)
		if (column > 0 || table->cells[i].width <= table->first_max)
			width = MAX(width, table->cells[i].width);
	return width;
}

size_t table_width(const struct table *table)
{
	size_t width = column_width(table, 0);

	for (size_t i = 1; i < table->n_columns; i++)
		if (!table->columns[i].hidden)
			width += GAP + column_width(table, i);
	return width;
}

void table_fit(struct table *table, size_t width, size_t kept)
{
	if (width != SIZE_MAX)
		table_limit_first(table, width * FIRST_SHARE);
	for (size_t i = 1; i < table->n_columns; i++)
		if (table_is_empty(table, i))
			table_hide(table, i);
	for (size_t i = table->n_columns; i > kept && table_width(table) > width; i--)
		table_hide(table, i - 1);
}

static void print_cell(FILE *out, const struct table *table, const struct cell *cell)
{
	if (cell->colour)
		fprintf(out, "\x1b[%sm%s\x1b[0m", cell->colour, text_of(table, cell));
	else
		fputs(text_of(table, cell), out);
}

static void print_row(const struct table *table, const struct cell *row, const size_t *widths,
		      FILE *out)
{
	/* No line ends in blanks: those before a cell are printed with it. */
	size_t blanks = 0;

	for (size_t i = 0; i < table->n_columns; i++) {
		size_t left = row[i].width < widths[i] ? widths[i] - row[i].width : 0;

		if (table->columns[i].hidden)
			continue;
		blanks += i > 0 ? GAP : 0;
		blanks += table->columns[i].right ? left : 0;
		text_pad(out, blanks);
		print_cell(out, table, &row[i]);
		blanks = table->columns[i].right ? 0 : left;
		if (i == 0 && row[i].width > table->first_max) {
			fputc('\n', out);
			blanks = widths[i];
		}
	}
	fputc('\n', out);
}

void table_print(const struct table *table, FILE *out)
{
	_cleanup_free_ size_t *widths = calloc(table->n_columns, sizeof(*widths));

	for (size_t i = 0; widths && i < table->n_columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; widths && i < table->n_cells; i += table->n_columns)
		print_row(table, table->cells + i, widths, out);
}
