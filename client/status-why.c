/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-why.h"

#include <time.h>

#include "cell.h"
#include "guest-view.h"
#include "status-columns.h"
#include "status-facts.h"
#include "util/human.h"
#include "width.h"

/* Of the lines of a paragraph after its first. */
#define INDENT 4

/* Where the values of a story begin. */
#define VALUE_INDENT 15

const char *status_when(struct json_object *o, const char *key, char *buffer, size_t size)
{
	char date[32];
	uint64_t usec;
	struct tm tm;
	time_t time;

	buffer[0] = '\0';
	if (json_get_u64(o, key, &usec) < 0)
		return buffer;
	time = (time_t)(usec / USEC_PER_SEC);
	if (!localtime_r(&time, &tm) || strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm) == 0)
		return buffer;
	usec = usec_sub(usec_now_wall(), usec);
	snprintf(buffer, size, "%s, %s ago", date, DURATION(usec - usec % USEC_PER_SEC));
	return buffer;
}

void status_print_actions(FILE *out, struct json_object *guest)
{
	struct json_object *actions = json_get(guest, "actions", json_type_array);

	for (size_t i = 0; actions && i < json_object_array_length(actions); i++) {
		struct json_object *action = json_object_array_get_idx(actions, i);

		/* It is to be pasted: no line is wrapped or cut. */
		if (json_object_is_type(action, json_type_string))
			fprintf(out, "  run: %s\n", json_object_get_string(action));
	}
}

void status_print_why(FILE *out, struct json_object *guest, size_t width)
{
	struct json_object *actions = json_get(guest, "actions", json_type_array);
	const char *reason = json_get_string(guest, "reason");
	_cleanup_free_ char *text = NULL;
	struct guest_view g;
	char when[WHEN_MAX];
	int r;

	if (!reason && !actions)
		return;
	g = guest_view_of(guest);
	/* A guest that is saved, and need not run, asks for nothing. */
	if (!reason && !guest_view_is_missing(&g))
		return;
	status_when(guest, "reason_usec", when, sizeof(when));
	if (reason)
		r = str_format(&text, "%s: %s%s%s%s", g.name, reason, when[0] ? " (" : "", when,
			       when[0] ? ")" : "");
	else
		r = str_format(&text, "%s: %s, and should run", g.name,
			       or_dash(json_get_string(guest, "state")));
	if (r >= 0)
		text_wrap(out, text, width, INDENT);
	status_print_actions(out, guest);
}

static void print_fact(FILE *out, const char *key, const char *value, size_t width)
{
	_cleanup_free_ char *text = NULL;

	if (str_empty(value) || str_equal(value, "-"))
		return;
	if (str_format(&text, "%s:%*s%s", key,
		       (int)(VALUE_INDENT - MIN(strlen(key) + 1, (size_t)VALUE_INDENT - 1)), "",
		       value) >= 0)
		text_wrap(out, text, width, VALUE_INDENT);
}

static void print_cell(FILE *out, const char *key, struct json_object *g, enum status_column column,
		       size_t width)
{
	char buffer[128];

	print_fact(out, key, status_cell(g, column, buffer, sizeof(buffer)), width);
}

static bool is_told(const char *key)
{
	static const char *const told[] = {
		"name",          "uuid",        "domid",      "state",           "wanted",
		"manager",       "flags",       "memory_kib", "vcpus",           "cpu_time_usec",
		"configuration", "image",       "source",     "activity",        "elapsed_usec",
		"percent",       "migrated_to", "since_usec", "restart_in_usec", "restarts",
		"reason",        "reason_usec", "actions",    "waits_for",       "disks",
		"policy",
	};

	return str_lookup(told, ELEMENTSOF(told), key) >= 0;
}

/* What only a later daemon tells has the name that it has in JSON. */
static void print_others(FILE *out, struct json_object *o, size_t width)
{
	struct json_object_iterator i, end;

	if (!json_object_is_type(o, json_type_object))
		return;
	i = json_object_iter_begin(o);
	end = json_object_iter_end(o);
	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i)) {
		const char *key = json_object_iter_peek_name(&i);
		struct json_object *value = json_object_iter_peek_value(&i);

		if (is_told(key))
			continue;
		if (json_object_is_type(value, json_type_object))
			print_others(out, value, width);
		else if (value)
			print_fact(out, key, json_object_get_string(value), width);
	}
}

void status_print_story(FILE *out, struct json_object *g, size_t width)
{
	char when[WHEN_MAX];

	print_cell(out, "name", g, COLUMN_NAME, width);
	print_cell(out, "state", g, COLUMN_STATE, width);
	if (status_when(g, "since_usec", when, sizeof(when))[0])
		print_fact(out, "since", when, width);
	else
		print_cell(out, "for", g, COLUMN_SINCE, width);
	print_cell(out, "doing", g, COLUMN_DOING, width);
	print_fact(out, "why", json_get_string(g, "reason"), width);
	print_fact(out, "why since", status_when(g, "reason_usec", when, sizeof(when)), width);
	print_fact(out, "wanted",
		   json_get_bool(g, "wanted") ? "yes, it has a configuration in XENDOMAINS_AUTO"
					      : "no",
		   width);
	print_fact(out, "migrated to", json_get_string(g, "migrated_to"), width);
	print_cell(out, "restarts", g, COLUMN_RESTARTS, width);
	print_fact(out, "configuration", json_get_string(g, "configuration"), width);
	print_fact(out, "image", json_get_string(g, "image"), width);
	print_fact(out, "source", json_get_string(g, "source"), width);
	print_cell(out, "uuid", g, COLUMN_UUID, width);
	print_cell(out, "domid", g, COLUMN_DOMID, width);
	print_cell(out, "by", g, COLUMN_BY, width);
	print_cell(out, "memory", g, COLUMN_MEMORY, width);
	print_cell(out, "vcpus", g, COLUMN_VCPUS, width);
	print_cell(out, "cpu", g, COLUMN_CPU, width);
	print_cell(out, "flags", g, COLUMN_FLAGS, width);
	status_print_facts(out, g, width, print_fact);
	print_others(out, g, width);
	status_print_actions(out, g);
}
