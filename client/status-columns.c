/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-columns.h"

#include <stdio.h>

#include "cell.h"
#include "guest-view.h"
#include "option-value.h"
#include "util/human.h"

#define KIB UINT64_C(1024)

/* Of what is worked out; names and paths are not copied. */
#define CELL_MAX 128

static const struct {
	const char *name, *head;
	bool right;
} columns[_COLUMN_MAX] = {
	[COLUMN_NAME] = {"name", "NAME", false},
	[COLUMN_STATE] = {"state", "STATE", false},
	[COLUMN_SINCE] = {"since", "SINCE", true},
	[COLUMN_DOING] = {"doing", "DOING", false},
	[COLUMN_RESTARTS] = {"restarts", "RESTARTS", true},
	[COLUMN_MEMORY] = {"memory", "MEMORY", true},
	[COLUMN_CPU] = {"cpu", "CPU", true},
	[COLUMN_DOMID] = {"domid", "DOMID", true},
	[COLUMN_VCPUS] = {"vcpus", "VCPUS", true},
	[COLUMN_BY] = {"by", "BY", false},
	[COLUMN_FLAGS] = {"flags", "FLAGS", false},
	[COLUMN_FROM] = {"from", "FROM", false},
	[COLUMN_UUID] = {"uuid", "UUID", false},
};

int status_columns_parse(const char *value, struct status_choice *ret)
{
	const char *names[_COLUMN_MAX];
	int n;

	for (size_t i = 0; i < _COLUMN_MAX; i++)
		names[i] = columns[i].name;
	n = option_value_list("--columns", value, names, _COLUMN_MAX, ret->columns);
	if (n < 0)
		return n;
	ret->n = (size_t)n;
	return 0;
}

void status_columns_all(struct status_choice *ret)
{
	for (ret->n = 0; ret->n < _COLUMN_MAX; ret->n++)
		ret->columns[ret->n] = ret->n;
}

static uint64_t whole_seconds(uint64_t usec)
{
	return usec - usec % USEC_PER_SEC;
}

static const char *since(struct json_object *g, char *buffer, size_t size)
{
	uint64_t usec;

	if (json_get_u64(g, "since_usec", &usec) >= 0)
		usec = usec_sub(usec_now_wall(), usec);
	else if (json_get_u64(g, "elapsed_usec", &usec) < 0)
		return "-";
	return human_duration(whole_seconds(usec), buffer, size);
}

static const char *doing(struct json_object *g, char *buffer, size_t size)
{
	const char *activity = json_get_string(g, "activity");
	const char *waits_for = json_get_string(g, "waits_for");
	uint64_t percent, left;

	if (activity && json_get_u64(g, "percent", &percent) >= 0)
		snprintf(buffer, size, "%s %llu %%", activity, (unsigned long long)percent);
	else if (!activity && waits_for && strlen(waits_for) + strlen("waits for ") >= size)
		return "waits";
	else if (!activity && waits_for)
		snprintf(buffer, size, "waits for %s", waits_for);
	else if (activity || json_get_u64(g, "restart_in_usec", &left) < 0)
		return or_dash(activity);
	else
		snprintf(buffer, size, "restarts in %s",
			 DURATION(whole_seconds(usec_add(left, USEC_PER_SEC - 1))));
	return buffer;
}

static const char *origin(struct json_object *g)
{
	const char *image = json_get_string(g, "image");
	const char *config = json_get_string(g, "configuration");

	return or_dash(image ? image : config ? config : json_get_string(g, "source"));
}

static const char *number(struct json_object *g, const char *key, char *buffer, size_t size)
{
	number_or_dash(g, key, 1, buffer, size);
	return buffer;
}

const char *status_cell(struct json_object *g, enum status_column column, char *buffer, size_t size)
{
	struct uuid uuid;
	uint64_t n;

	switch (column) {
	case COLUMN_NAME:
		return or_dash(json_get_string(g, "name"));
	case COLUMN_STATE:
		return or_dash(json_get_string(g, "state"));
	case COLUMN_SINCE:
		return since(g, buffer, size);
	case COLUMN_DOING:
		return doing(g, buffer, size);
	case COLUMN_RESTARTS:
		if (json_get_u64(g, "restarts", &n) < 0 || n == 0)
			return "-";
		return number(g, "restarts", buffer, size);
	case COLUMN_MEMORY:
		if (json_get_u64(g, "memory_kib", &n) < 0)
			return "-";
		return human_size(MIN(n, UINT64_MAX / KIB) * KIB, buffer, size);
	case COLUMN_CPU:
		if (json_get_u64(g, "cpu_time_usec", &n) < 0)
			return "-";
		return human_duration(n, buffer, size);
	case COLUMN_DOMID:
		return number(g, "domid", buffer, size);
	case COLUMN_VCPUS:
		return number(g, "vcpus", buffer, size);
	case COLUMN_BY:
		return or_dash(json_get_string(g, "manager"));
	case COLUMN_FLAGS:
		return or_dash(json_get_string(g, "flags"));
	case COLUMN_FROM:
		return origin(g);
	case COLUMN_UUID:
		/* A configuration that cannot be read has none. */
		if (json_get_uuid(g, "uuid", &uuid) < 0 || uuid_is_null(&uuid))
			return "-";
		return json_get_string(g, "uuid");
	case _COLUMN_MAX:
		break;
	}
	return "-";
}

static void add_guest(struct table *table, struct json_object *o,
		      const struct status_choice *choice, bool colour)
{
	char buffers[_COLUMN_MAX][CELL_MAX];
	const char *cells[_COLUMN_MAX];
	struct guest_view g;

	for (size_t i = 0; i < choice->n; i++)
		cells[i] = status_cell(o, (enum status_column)choice->columns[i], buffers[i],
				       CELL_MAX);
	table_row(table, cells);
	if (!colour)
		return;
	g = guest_view_of(o);
	for (size_t i = 0; i < choice->n; i++)
		if (choice->columns[i] == COLUMN_STATE)
			table_colour(table, i, guest_view_colour(&g));
}

struct table *status_columns(struct json_object *guests, const struct status_choice *choice,
			     size_t width, bool colour)
{
	struct status_choice all = *choice;
	const char *head[_COLUMN_MAX];
	size_t n = guests ? json_object_array_length(guests) : 0;
	struct table *table;

	if (choice->n == 0) {
		status_columns_all(&all);
		all.n = COLUMN_UUID;
	}
	for (size_t i = 0; i < all.n; i++)
		head[i] = columns[all.columns[i]].head;
	table = table_new(all.n, head);
	for (size_t i = 0; table && i < all.n; i++)
		if (columns[all.columns[i]].right)
			table_align_right(table, i);
	for (size_t i = 0; table && i < n; i++)
		add_guest(table, json_object_array_get_idx(guests, i), &all, colour);
	if (table && choice->n == 0)
		table_fit(table, width, COLUMN_STATE + 1);
	return table;
}
