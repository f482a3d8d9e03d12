/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hostdown/hostdown.h"
#include "manager/manager.h"
#include "wire/json.h"

/* Encodes the knowledge of the manager as objects of the API (wire/interface.c). NULL: no memory.
 */

struct json_object *encode_event(const struct report *e);
struct json_object *encode_host(const struct hostdown *h);

/* The answer of org.varlink.service.GetInfo. */
struct json_object *encode_info(void);

/*
 * Adds the guests of these names, or with no names all guests, to an array. 0, -ENOMEM, or -ENOENT
 * with *ret_unknown, borrowed from names, where no guest has that name.
 */
int encode_guests(const struct manager *m, const char *const *names, size_t n_names,
		  struct json_object *guests, const char **ret_unknown);

/* Adds the steps of a plan, and how long it may take. 0 or -ENOMEM. */
int encode_plan(struct json_object *o, const struct plan *plan);

/* Adds the member "settings": their source, and the refused lines. 0 or -ENOMEM. */
int encode_settings(struct json_object *o, const struct manager *m);

/* Adds all warnings, and error (may be NULL), as the member "warnings". 0 or -ENOMEM. */
int encode_warnings(struct json_object *o, const struct manager *m, const char *error);
