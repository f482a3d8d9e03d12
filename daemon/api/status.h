/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hostdown/hostdown.h"
#include "manager/manager.h"
#include "wire/json.h"

/* What a status tells, as the API has it (wire/interface.c). */

/*
 * Adds the guests of these names, or with no names all guests, as the member "guests". steady:
 * without what changes all the time, so that two answers can be compared. 0, -ENOMEM, or -ENOENT
 * with *ret_unknown, borrowed from names, where no guest has that name.
 */
int status_add_guests(struct json_object *o, const struct manager *m, const char *const *names,
		      size_t n_names, bool steady, const char **ret_unknown);

/* What the host's way down waits for. NULL: no memory. */
struct json_object *status_host(const struct hostdown *h);

/* Adds the member "settings": their source, and the refused lines. 0 or -ENOMEM. */
int status_add_settings(struct json_object *o, const struct manager *m);

/* Adds all warnings, and error (may be NULL), as the member "warnings". 0 or -ENOMEM. */
int status_add_warnings(struct json_object *o, const struct manager *m, const char *error);
