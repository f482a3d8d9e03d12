/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/guest-state.h"
#include "wire/json.h"

/* A guest of a reply of Status, as "status" and "check" judge it. */
struct guest_view {
	struct json_object *o;
	const char *name;
	enum guest_state state; /* _GUEST_STATE_INVALID: only a later daemon knows it */
	bool wanted;            /* it has a configuration, and was not migrated to another host */
	bool waits; /* it is down, and comes up later by itself: it is its turn, or is restarted */
};

struct guest_view guest_view_of(struct json_object *o);

/* Its domain exists, and is not lost. */
bool guest_view_is_up(const struct guest_view *g);

/* It has failed, or should run and is paused or not up. */
bool guest_view_is_missing(const struct guest_view *g);

/* It is down, and neither being started nor waiting for its restart. */
bool guest_view_is_down(const struct guest_view *g);

/* An operation is under way, or it waits to come up. */
bool guest_view_is_moving(const struct guest_view *g);

/* It belongs to those of which it is said how many run. */
bool guest_view_counts(const struct guest_view *g);

/* The worse, the less. */
unsigned guest_view_rank(const struct guest_view *g);

/* The SGR parameter for its state. */
const char *guest_view_colour(const struct guest_view *g);
