/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-columns.h"

#include "cell.h"

static void add_guest(struct table *table, struct json_object *g)
{
	const char *image = json_get_string(g, "image");
	const char *config = json_get_string(g, "configuration");
	const char *source = json_get_string(g, "source");
	const char *activity = json_get_string(g, "activity");
	const char *state = or_dash(json_get_string(g, "state"));
	char domid[32], memory[32], vcpus[32], time[32], doing[128] = "-";
	uint64_t percent;

	number_or_dash(g, "domid", 1, domid, sizeof(domid));
	number_or_dash(g, "memory_kib", 1024, memory, sizeof(memory));
	number_or_dash(g, "vcpus", 1, vcpus, sizeof(vcpus));
	number_or_dash(g, "cpu_time_usec", USEC_PER_SEC, time, sizeof(time));
	if (activity && json_get_u64(g, "percent", &percent) >= 0)
		snprintf(doing, sizeof(doing), "%s %llu%%", activity, (unsigned long long)percent);
	else if (activity)
		snprintf(doing, sizeof(doing), "%s %.0f s", activity, seconds(g, "elapsed_usec"));
	table_row(table, (const char *const[]){or_dash(json_get_string(g, "name")), state, domid,
					       or_dash(json_get_string(g, "flags")), memory, vcpus,
					       time, or_dash(json_get_string(g, "manager")), doing,
					       or_dash(image    ? image
						       : config ? config
								: source)});
}

struct table *status_columns(struct json_object *guests)
{
	static const char *const head[] = {"NAME",  "STATE", "DOMID", "FLAGS", "MIB",
					   "VCPUS", "CPU s", "BY",    "DOING", "FROM"};
	struct table *table = table_new(ELEMENTSOF(head), head);
	size_t n = guests ? json_object_array_length(guests) : 0;

	for (size_t i = 0; table && i < n; i++)
		add_guest(table, json_object_array_get_idx(guests, i));
	return table;
}
