/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/* What an object of the file of a simulated host can hold, so that a slip is refused. */

struct sim_member {
	const char *name; /* NULL: the end of the list */
	enum json_type type;
	const struct sim_member *members; /* of an object */
	const char *(*word)(int index);   /* each word of a text, and NULL; NULL: any will do */
};

/*
 * 0, -EINVAL with *ret_reason, or -ENOMEM. where: the place of the object in the file, which the
 * reason begins with.
 */
int sim_members_check(struct json_object *o, const struct sim_member *members, const char *where,
		      char **ret_reason);

/* The index of a word. A text that is not there is the first word. */
int sim_word_lookup(const char *(*word)(int index), const char *text);
