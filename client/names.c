/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "names.h"

#include "util/str.h"

static bool is_printable(const char *name)
{
	_cleanup_free_ char *clean = str_printable(name, SIZE_MAX - 1);

	return str_equal(clean, name);
}

void names_print(FILE *out, struct json_object *parameters, const char *list, const char *member)
{
	struct json_object *objects = json_get(parameters, list, json_type_array);
	size_t n = objects ? json_object_array_length(objects) : 0;

	for (size_t i = 0; i < n; i++) {
		const char *name = json_get_string(json_object_array_get_idx(objects, i), member);

		if (!str_empty(name) && is_printable(name))
			fprintf(out, "%s\n", name);
	}
}
