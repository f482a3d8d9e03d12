/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "printable.h"

#include "util/str.h"

static void clean_string(struct json_object *o)
{
	const char *text = json_object_get_string(o);
	_cleanup_free_ char *clean = NULL;

	if (str_is_printable(text) && strlen(text) == (size_t)json_object_get_string_len(o))
		return;
	clean = str_printable(text, SIZE_MAX - 1);
	json_object_set_string(o, clean ? clean : "?");
}

static void clean_elements(struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		make_printable(json_object_array_get_idx(array, i));
}

static void clean_members(struct json_object *o)
{
	struct json_object_iterator i = json_object_iter_begin(o), end = json_object_iter_end(o);

	for (; !json_object_iter_equal(&i, &end); json_object_iter_next(&i))
		make_printable(json_object_iter_peek_value(&i));
}

void make_printable(struct json_object *o)
{
	if (json_object_is_type(o, json_type_string))
		clean_string(o);
	else if (json_object_is_type(o, json_type_object))
		clean_members(o);
	else if (json_object_is_type(o, json_type_array))
		clean_elements(o);
}
