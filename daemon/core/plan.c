/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/plan.h"

#include <inttypes.h>

#include "core/guess.h"
#include "core/plan-guest.h"
#include "core/turns.h"
#include "model/image-size.h"
#include "util/str.h"

static const char *const goal_names[_GOAL_MAX] = {
	[GOAL_START] = "start",      [GOAL_START_COLD] = "start", [GOAL_STOP] = "stop",
	[GOAL_STOP_FORCED] = "stop", [GOAL_REACT] = "react",
};

bool goal_is_start(enum goal goal)
{
	return goal == GOAL_START || goal == GOAL_START_COLD;
}

const char *goal_to_string(enum goal goal)
{
	return goal_names[goal];
}

enum goal goal_from_string(const char *s)
{
	return (enum goal)str_lookup(goal_names, _GOAL_MAX, s);
}

enum goal plan_goal(enum goal goal)
{
	return goal == GOAL_STOP_FORCED ? GOAL_STOP : goal;
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_steps; i++)
		step_done(&plan->steps[i]);
	free(plan->steps);
	free(plan);
}

/* The next stage need not wait for a save that cannot succeed. */
static void plan_without_save(struct step *s)
{
	step_drop_stage(s, STAGE_SAVE);
	free(TAKE_PTR(s->reason));
	step_need_stage(s);
}

/* A save that is under way goes on; one that follows a migration may find the directory mended. */
static int plan_unfit(struct step *s, const struct guest *g, const char *unfit)
{
	if (g->busy || !step_has(s, STAGE_SAVE) || step_has(s, STAGE_MIGRATE))
		return 0;
	plan_without_save(s);
	return str_format(&s->reason, "is not saved: %s", unfit);
}

static int plan_no_room(struct step *s, uint64_t room)
{
	plan_without_save(s);
	return str_format(&s->reason,
			  "is not saved: its image may take %" PRIu64 " MiB, and there are %" PRIu64
			  " MiB left for it",
			  image_room(s->memory_kib) >> 20, room >> 20);
}

/*
 * Saves that have no room together are not begun. One that is under way counts with the others:
 * what its image holds already is part of the room. One that may not be needed, because the guest
 * is migrated, is left to find out by itself. Each counts with the room of an image that is not
 * compressed, whatever is set: how much less it takes is known when it is written, and until then
 * its worker claims all of that, so that no disk is full with a guest half saved.
 */
static int plan_room(struct plan *plan, uint64_t room)
{
	_cleanup_free_ struct step **choices = calloc(plan->n_steps + 1, sizeof(struct step *));
	size_t n = 0;
	int r = choices ? 0 : -ENOMEM;

	for (size_t i = 0; choices && i < plan->n_steps; i++)
		if (step_has(&plan->steps[i], STAGE_SAVE) &&
		    !step_has(&plan->steps[i], STAGE_MIGRATE))
			choices[n++] = &plan->steps[i];
	if (choices)
		turns_choose(choices, n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		uint64_t needs = image_room(choices[i]->memory_kib);

		if (needs > room)
			r = plan_no_room(choices[i], room);
		else
			room -= needs;
	}
	return r;
}

static bool concerns(enum goal goal, const struct guest *g)
{
	if (goal == GOAL_STOP)
		return g->domain;
	return g->config || g->hold || (g->n_images > 0 && !g->replaced);
}

static uint32_t guest_domid(const struct guest *g)
{
	return g->domain ? g->domain->domid : DOMID_NONE;
}

/* Driver domains start before the guests that use them, and stop after them. */
static unsigned guest_wave(const struct plan *plan, const struct guest *g)
{
	bool driver = (g->domain && g->domain->driver) || (g->config && g->config->driver) ||
		      (g->image && g->image->driver);

	return goal_is_start(plan->goal) ? !driver : driver;
}

static int add_step(struct plan *plan, enum goal goal, const struct config *config,
		    const struct inventory *inventory, const struct guest *g, bool named)
{
	struct step *s = &plan->steps[plan->n_steps];
	int r;

	s->uuid = g->uuid;
	s->wave = guest_wave(plan, g);
	s->domid = guest_domid(g);
	s->name = strdup(g->name);
	if (!s->name)
		return -ENOMEM;
	plan->n_steps++;
	r = str_replace(&s->other, g->other);
	if (r < 0)
		return r;
	if (goal_is_start(goal))
		r = plan_start(s, config, g, named, goal == GOAL_START_COLD);
	else if (named && g->occupied)
		r = step_conclude(s, STEP_FAILED, "%s", g->hold);
	else if (g->domain)
		r = plan_stop(s, config, inventory, g, named, goal == GOAL_STOP_FORCED);
	else
		r = step_conclude(s, STEP_OK, "does not run");
	return r >= 0 && inventory->unfit ? plan_unfit(s, g, inventory->unfit) : r;
}

static int plan_new(enum goal goal, size_t room, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return -ENOMEM;
	plan->goal = goal;
	plan->steps = calloc(room + 1, sizeof(*plan->steps));
	if (!plan->steps)
		return -ENOMEM;
	*ret = TAKE_PTR(plan);
	return 0;
}

/* Without a UUID its configuration cannot be used, and its name tells. */
static bool is_named(const struct plan *plan, const struct guest *g)
{
	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];

		if (uuid_equal(&s->uuid, &g->uuid) && s->domid == guest_domid(g) &&
		    (!uuid_is_null(&g->uuid) || str_equal(s->name, g->name)))
			return true;
	}
	return false;
}

/* For so many names at most it is guessed which guest is meant: each is compared with all guests.
 */
#define GUESSES_MAX 3

/* meant: a guest's name, or NULL. */
static int add_unknown(struct plan *plan, const char *name, const char *meant)
{
	struct step *s = &plan->steps[plan->n_steps];

	s->domid = DOMID_NONE;
	s->name = strdup(name);
	if (!s->name)
		return -ENOMEM;
	plan->n_steps++;
	return step_conclude(
		s, STEP_FAILED,
		"no guest has this name or UUID%s.%s%s%s Run 'xendomainsctl status' to "
		"list guests and unreadable files",
		strpbrk(name, "*?[") ? " (names are not patterns)" : "",
		meant ? " Did you mean \"" : "", meant ? meant : "", meant ? "\"?" : "");
}

static const struct guest *find_named(const struct inventory *inventory, const char *name,
				      bool stop)
{
	/* A configuration that got another UUID is of the same name, and no domain. */
	const struct guest *g = stop ? inventory_find_running(inventory, name) : NULL;

	return g ? g : inventory_find_named(inventory, name);
}

/* A UUID means each domain that has it. */
static int add_others(struct plan *plan, enum goal goal, const struct config *config,
		      const struct inventory *inventory, const struct uuid *uuid)
{
	const struct guest *g = NULL;
	int r = 0;

	while (r >= 0 && (g = inventory_next(inventory, uuid, g)))
		if (g->domain && !g->domain->dying && !is_named(plan, g))
			r = add_step(plan, goal, config, inventory, g, true);
	return r;
}

static int add_named(struct plan *plan, enum goal goal, const struct config *config,
		     const struct inventory *inventory, const char *name)
{
	bool stop = plan->goal == GOAL_STOP;
	const struct guest *g = find_named(inventory, name, stop);
	struct uuid uuid;
	int r = 0;

	if (!g)
		return add_unknown(plan, name,
				   plan->n_steps < GUESSES_MAX ? guess_guest(inventory, name)
							       : NULL);
	if (!is_named(plan, g))
		r = add_step(plan, goal, config, inventory, g, true);
	if (r >= 0 && stop && uuid_parse(name, &uuid) >= 0)
		r = add_others(plan, goal, config, inventory, &uuid);
	return r;
}

int plan_build(enum goal goal, const struct config *config, const struct inventory *inventory,
	       const char *const *names, size_t n_names, struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	bool stop = goal == GOAL_STOP || goal == GOAL_STOP_FORCED;
	int r = plan_new(plan_goal(goal), n_names + inventory->n, &plan);

	for (size_t i = 0; r >= 0 && i < n_names; i++)
		r = add_named(plan, goal, config, inventory, names[i]);
	for (size_t i = 0; r >= 0 && n_names == 0 && i < inventory->n; i++)
		if (concerns(plan->goal, &inventory->guests[i]))
			r = add_step(plan, goal, config, inventory, &inventory->guests[i], false);
	if (r >= 0 && stop && inventory->room_known)
		r = plan_room(plan, inventory->room);
	r = r < 0 ? r : turns_sort(plan->steps, plan->n_steps, false);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

int plan_reaction(const struct config *config, const struct guest *g, enum death_action action,
		  struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct step *s;
	int r = plan_new(GOAL_REACT, 1, &plan);

	if (r < 0)
		return r;
	s = &plan->steps[plan->n_steps++];
	*s = (struct step){.uuid = g->uuid, .domid = g->domain->domid};
	r = str_replace(&s->name, g->name);
	r = r < 0 ? r : str_replace(&s->other, g->other);
	r = r < 0 ? r : plan_end(s, config, g, action);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

static const struct guest *guest_of_step(const struct inventory *inventory, const struct step *s)
{
	const struct guest *g = NULL;

	while ((g = inventory_next(inventory, &s->uuid, g)))
		if (s->domid == DOMID_NONE || (g->domain && g->domain->domid == s->domid))
			return g;
	return NULL;
}

static int leave_for_later(struct step *s)
{
	s->n_stages = 0;
	free(TAKE_PTR(s->reason));
	return step_conclude(s, STEP_SKIPPED,
			     "an operation on it is under way. A start waits until that has ended, "
			     "and then decides");
}

/* The stages follow if the domain is still there then. */
static int wait_for_tool(struct step *s, const char *does)
{
	step_drop_stage(s, STAGE_RESUME);
	step_drop_stage(s, STAGE_UNPAUSE);
	return s->reason ? 0
			 : str_format(&s->reason,
				      "another tool is %s it (domain %u). A stop waits for that",
				      does, s->domid);
}

int plan_explain_waits(struct plan *plan, const struct inventory *inventory)
{
	bool starts = goal_is_start(plan->goal);
	int r = 0;

	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++) {
		struct step *s = &plan->steps[i];
		const struct guest *g = guest_of_step(inventory, s);

		if (!g || (g->busy && !starts) || s->result != STEP_TODO)
			continue;
		if (g->busy)
			r = leave_for_later(s);
		else if (starts || !g->domain)
			continue;
		else if (domain_condition(g->domain) == DOMAIN_UNBUILT)
			r = wait_for_tool(s, "building");
		else if (domain_condition(g->domain) == DOMAIN_SAVING)
			r = wait_for_tool(s, "saving or migrating");
	}
	return r;
}

void plan_drop(struct plan *plan, bool (*drop)(const void *data, const struct step *step),
	       const void *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->n_steps; i++)
		if (drop(data, &plan->steps[i]))
			step_done(&plan->steps[i]);
		else
			plan->steps[kept++] = plan->steps[i];
	plan->n_steps = kept;
}
