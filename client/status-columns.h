/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "table.h"
#include "wire/json.h"

enum status_column {
	COLUMN_NAME,
	COLUMN_STATE,
	COLUMN_SINCE,
	COLUMN_DOING,
	COLUMN_RESTARTS,
	COLUMN_MEMORY,
	COLUMN_CPU,
	COLUMN_DOMID,
	COLUMN_VCPUS,
	COLUMN_BY,
	COLUMN_FLAGS,
	COLUMN_FROM,
	COLUMN_UUID,
	_COLUMN_MAX,
};

/* The columns that are wanted; n of 0: those that fit. */
struct status_choice {
	size_t columns[_COLUMN_MAX];
	size_t n;
};

/* Takes the value of --columns: 0, -EINVAL with the mistake named, or -ENOMEM. */
int status_columns_parse(const char *value, struct status_choice *ret);

/* All columns, whether or not they fit. */
void status_columns_all(struct status_choice *ret);

/* The text of a cell, "-" if there is none: in the buffer, or a string of the guest. */
const char *status_cell(struct json_object *guest, enum status_column column, char *buffer,
			size_t size);

/*
 * A table with a row for each guest of a reply. Columns that are not chosen by name are left out
 * where they say nothing, and from the right until the lines are no wider than width. NULL: no
 * memory.
 */
struct table *status_columns(struct json_object *guests, const struct status_choice *choice,
			     size_t width, bool colour);
