/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "results.h"

enum result result_of(struct json_object *o)
{
	return result_from_string(json_get_string(o, "result"));
}

unsigned count_results(struct json_object *list, enum result result)
{
	unsigned n = 0;

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		n += result_of(json_object_array_get_idx(list, i)) == result;
	return n;
}
