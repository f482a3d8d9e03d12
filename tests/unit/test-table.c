/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <string.h>

#include "table.h"
#include "unit.h"

static const char *const head[] = {"NAME", "SIZE", "NOTE"};

static char *printed(const struct table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(out);
	table_print(table, out);
	fclose(out);
	return text;
}

static struct table *make(void)
{
	struct table *table = table_new(ELEMENTSOF(head), head);

	ck_assert_ptr_nonnull(table);
	table_align_right(table, 1);
	table_row(table, (const char *const[]){"\xe6\x97\xa5", "7 MiB", "-"});
	table_row(table, (const char *const[]){"a name", "12 MiB", "-"});
	return table;
}

START_TEST(columns_are_as_wide_as_their_cells_are_shown)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *text = printed(table);

	ck_assert_str_eq(text, "NAME      SIZE  NOTE\n"
			       "\xe6\x97\xa5       7 MiB  -\n"
			       "a name  12 MiB  -\n");
	ck_assert_uint_eq(table_width(table), 20);
}
END_TEST

START_TEST(hidden_column_leaves_nothing)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *text = NULL;

	ck_assert(!table_is_empty(table, 1));
	ck_assert(table_is_empty(table, 2));
	table_hide(table, 2);
	text = printed(table);
	ck_assert_str_eq(text, "NAME      SIZE\n"
			       "\xe6\x97\xa5       7 MiB\n"
			       "a name  12 MiB\n");
	ck_assert_uint_eq(table_width(table), 14);
}
END_TEST

START_TEST(long_name_stands_on_a_line_of_its_own)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *text = NULL;

	table_hide(table, 2);
	table_limit_first(table, 4);
	text = printed(table);
	ck_assert_str_eq(text, "NAME    SIZE\n"
			       "\xe6\x97\xa5     7 MiB\n"
			       "a name\n"
			       "      12 MiB\n");
	ck_assert_uint_eq(table_width(table), 12);
}
END_TEST

START_TEST(table_that_is_too_wide_loses_its_last_columns_but_not_those_that_are_kept)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *whole = NULL, *narrow = NULL;

	table_row(table, (const char *const[]){"web", "1 GiB", "a long note"});
	table_fit(table, SIZE_MAX, 2);
	whole = printed(table);
	ck_assert_ptr_nonnull(strstr(whole, "web      1 GiB  a long note\n"));
	table_fit(table, 20, 2);
	narrow = printed(table);
	ck_assert_ptr_nonnull(strstr(narrow, "web      1 GiB\n"));
	table_fit(table, 5, 2);
	ck_assert_uint_gt(table_width(table), 5);
}
END_TEST

START_TEST(colour_takes_no_column)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *text = NULL;

	table_colour(table, 0, "31");
	text = printed(table);
	ck_assert_ptr_nonnull(strstr(text, "\n\x1b[31ma name\x1b[0m  12 MiB  -\n"));
	ck_assert_uint_eq(table_width(table), 20);
}
END_TEST

START_TEST(a_long_table_is_whole)
{
	_cleanup_(table_freep) struct table *table = make();
	_cleanup_free_ char *text = NULL;
	char name[32];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "guest%u\t", i);
		table_row(table, (const char *const[]){name, "1 MiB", "-"});
	}
	text = printed(table);
	ck_assert_ptr_nonnull(strstr(text, "\nguest0?      1 MiB  -\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nguest2999?   1 MiB  -\n"));
	ck_assert_uint_eq(table_width(table), 24);
}
END_TEST

SUITE("table", columns_are_as_wide_as_their_cells_are_shown, hidden_column_leaves_nothing,
      long_name_stands_on_a_line_of_its_own, a_long_table_is_whole,
      table_that_is_too_wide_loses_its_last_columns_but_not_those_that_are_kept,
      colour_takes_no_column);
