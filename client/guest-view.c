/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "guest-view.h"

/* Red, yellow, green. */
#define COLOUR_BAD   "31"
#define COLOUR_ALERT "33"
#define COLOUR_GOOD  "32"

/* What "status" thinks of a state. */
static const struct {
	unsigned rank;
	bool up, moving;
} facts[_GUEST_STATE_MAX] = {
	[GUEST_FAILED] = {.rank = 0},
	[GUEST_CRASHED] = {.rank = 1},
	[GUEST_DYING] = {.rank = 2},
	[GUEST_SUSPENDED] = {.rank = 3},
	[GUEST_PAUSED] = {.rank = 7, .up = true},
	[GUEST_SHUTTING_DOWN] = {.rank = 8, .up = true, .moving = true},
	[GUEST_SAVING] = {.rank = 9, .up = true, .moving = true},
	[GUEST_MIGRATING] = {.rank = 10, .up = true, .moving = true},
	[GUEST_RESTORING] = {.rank = 11, .moving = true},
	[GUEST_STARTING] = {.rank = 12, .moving = true},
	[GUEST_RUNNING] = {.rank = 13, .up = true},
	[GUEST_SAVED] = {.rank = 14},
	[GUEST_STOPPED] = {.rank = 15},
};

#define RANK_WAITS           4
#define RANK_WANTED_STOPPED  5
#define RANK_WANTED_SAVED    6
#define RANK_OF_LATER_STATES 7

/* A guest that is down comes up later: after a pause, or after others. */
static bool is_waiting(struct json_object *o, enum guest_state state)
{
	uint64_t usec;

	return json_get_u64(o, "restart_in_usec", &usec) >= 0 ||
	       (json_get_string(o, "waits_for") && state >= 0 && state < _GUEST_STATE_MAX &&
		!facts[state].up);
}

struct guest_view guest_view_of(struct json_object *o)
{
	const char *name = json_get_string(o, "name");
	enum guest_state state = guest_state_from_string(json_get_string(o, "state"));

	return (struct guest_view){
		.o = o,
		.name = name ? name : "-",
		.state = state,
		.wanted = json_get_bool(o, "wanted") && !json_get_string(o, "migrated_to"),
		.waits = is_waiting(o, state),
	};
}

static bool is_known(const struct guest_view *g)
{
	return g->state >= 0 && g->state < _GUEST_STATE_MAX;
}

bool guest_view_is_up(const struct guest_view *g)
{
	return is_known(g) && facts[g->state].up;
}

static bool is_lost(const struct guest_view *g)
{
	return g->state == GUEST_FAILED || g->state == GUEST_CRASHED;
}

bool guest_view_is_missing(const struct guest_view *g)
{
	return is_lost(g) || (g->wanted && (!guest_view_is_up(g) || g->state == GUEST_PAUSED));
}

bool guest_view_is_moving(const struct guest_view *g)
{
	return g->waits || (is_known(g) && facts[g->state].moving);
}

bool guest_view_is_down(const struct guest_view *g)
{
	return is_known(g) && !guest_view_is_up(g) && !guest_view_is_moving(g);
}

bool guest_view_counts(const struct guest_view *g)
{
	return g->wanted || guest_view_is_up(g) || is_lost(g);
}

unsigned guest_view_rank(const struct guest_view *g)
{
	if (!is_known(g))
		return RANK_OF_LATER_STATES;
	if (facts[g->state].rank > RANK_WAITS && g->waits)
		return RANK_WAITS;
	if (g->state == GUEST_STOPPED && g->wanted)
		return RANK_WANTED_STOPPED;
	if (g->state == GUEST_SAVED && g->wanted)
		return RANK_WANTED_SAVED;
	return facts[g->state].rank;
}

const char *guest_view_colour(const struct guest_view *g)
{
	if (is_lost(g))
		return COLOUR_BAD;
	if (g->state == GUEST_RUNNING)
		return COLOUR_GOOD;
	return g->wanted || guest_view_is_moving(g) ? COLOUR_ALERT : NULL;
}
