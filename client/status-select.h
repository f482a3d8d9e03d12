/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "guest-view.h"

/* Which guests of a reply are shown, and in which order. */

enum status_sort {
	STATUS_SORT_NONE, /* as the daemon has them */
	STATUS_SORT_STATE,
	STATUS_SORT_NAME,
	STATUS_SORT_MEMORY,
	STATUS_SORT_CPU,
	STATUS_SORT_SINCE,
	STATUS_SORT_DOMID,
	_STATUS_SORT_MAX,
	_STATUS_SORT_INVALID = -EINVAL,
};

/* States, and groups of them; empty: all guests. */
struct status_states {
	bool states[_GUEST_STATE_MAX];
	bool wanted, down, waiting;
	bool some;
};

/* Each takes the value of its option: 0, or -EINVAL with the mistake named. */
int status_states_parse(const char *value, struct status_states *ret);
int status_sort_parse(const char *value, enum status_sort *ret);

/*
 * Reduces the guests of a reply to those that are meant by the names: a name, a UUID, a domid where
 * no guest has that name, or a pattern. 0; -ENOENT and the first name that means none; or -ENOMEM.
 */
int status_keep_named(struct json_object *parameters, char *const *names, const char **ret_unknown);

/* Reduces them to those in one of the states. 0 or -ENOMEM. */
int status_keep_states(struct json_object *parameters, const struct status_states *states);

/* Sorts them. 0 or -ENOMEM. */
int status_sort(struct json_object *parameters, enum status_sort sort);

/*
 * The name of the guest that this one was meant to be: of the one that has a file of this name, or
 * of the one whose name is near. NULL: none is known. It belongs to the reply.
 */
const char *status_nearest(struct json_object *parameters, const char *name);
