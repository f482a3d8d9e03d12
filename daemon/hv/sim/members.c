/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/members.h"

#include <stdio.h>

#include "util/nearest.h"
#include "util/str.h"

#define NAME_MAX_SHOWN 64

static const struct sim_member *find(const struct sim_member *members, const char *name)
{
	for (; members->name; members++)
		if (str_equal(members->name, name))
			return members;
	return NULL;
}

/* 0: the reason stands there. */
static int refused(int r)
{
	return r < 0 ? r : -EINVAL;
}

static int refuse_unknown(const struct sim_member *members, const char *name, const char *where,
			  char **ret_reason)
{
	_cleanup_free_ char *clean = str_printable(name, NAME_MAX_SHOWN), *known = NULL;
	struct nearest nearest = {.word = name};
	size_t size;
	FILE *out;

	for (const struct sim_member *m = members; m->name; m++)
		nearest_consider(&nearest, m->name);
	if (!clean)
		return -ENOMEM;
	if (nearest.found)
		return refused(str_format(ret_reason,
					  "%s: unknown member \"%s\". Did you mean \"%s\"?", where,
					  clean, nearest.found));
	out = open_memstream(&known, &size);
	if (!out)
		return -ENOMEM;
	for (const struct sim_member *m = members; m->name; m++)
		fprintf(out, "%s%s", m == members ? "" : ", ", m->name);
	if (fclose(out) == EOF)
		return -ENOMEM;
	return refused(str_format(ret_reason, "%s: unknown member \"%s\". It can have: %s", where,
				  clean, known));
}

static const char *type_words(enum json_type type)
{
	switch (type) {
	case json_type_boolean:
		return "true or false";
	case json_type_int:
		return "a whole number, 0 or more";
	case json_type_object:
		return "an object: {...}";
	case json_type_array:
		return "a list: [...]";
	case json_type_string:
	case json_type_null:
	case json_type_double:
		break;
	}
	return "a text: \"...\"";
}

static int refuse_word(const struct sim_member *m, const char *where, char **ret_reason)
{
	_cleanup_free_ char *known = NULL;
	size_t size;
	FILE *out = open_memstream(&known, &size);

	if (!out)
		return -ENOMEM;
	for (int i = 0; m->word(i); i++)
		fprintf(out, "%s%s", i == 0 ? "" : ", ", m->word(i));
	if (fclose(out) == EOF)
		return -ENOMEM;
	return refused(
		str_format(ret_reason, "%s: \"%s\" must be one of: %s", where, m->name, known));
}

static int check_inner(struct json_object *value, const struct sim_member *m, const char *where,
		       char **ret_reason)
{
	_cleanup_free_ char *inner = NULL;
	int r = str_format(&inner, "%s, \"%s\"", where, m->name);

	return r < 0 ? r : sim_members_check(value, m->members, inner, ret_reason);
}

static int check_value(struct json_object *value, const struct sim_member *m, const char *where,
		       char **ret_reason)
{
	if (!json_object_is_type(value, m->type) ||
	    (m->type == json_type_int && json_object_get_int64(value) < 0))
		return refused(str_format(ret_reason, "%s: \"%s\" must be %s", where, m->name,
					  type_words(m->type)));
	if (m->word && sim_word_lookup(m->word, json_object_get_string(value)) < 0)
		return refuse_word(m, where, ret_reason);
	return m->members ? check_inner(value, m, where, ret_reason) : 0;
}

int sim_members_check(struct json_object *o, const struct sim_member *members, const char *where,
		      char **ret_reason)
{
	json_object_object_foreach(o, name, value)
	{
		const struct sim_member *m = find(members, name);
		int r = m ? check_value(value, m, where, ret_reason)
			  : refuse_unknown(members, name, where, ret_reason);

		if (r < 0)
			return r;
	}
	return 0;
}

int sim_word_lookup(const char *(*word)(int index), const char *text)
{
	for (int i = 0; text && word(i); i++)
		if (str_equal(word(i), text))
			return i;
	return text ? -EINVAL : 0;
}
