/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/inventory.h"
#include "core/step.h"

/*
 * What a start or a stop would do, worked out from a configuration and an inventory and nothing
 * else. The executor does exactly this; "plan" shows it.
 */

enum goal {
	GOAL_START,
	GOAL_START_COLD, /* of named guests, without the memory that is saved */
	GOAL_STOP,
	GOAL_STOP_FORCED, /* of named guests, also of libvirt's */
	GOAL_REACT,       /* to one guest that ended by itself */
	_GOAL_MAX,
	_GOAL_INVALID = -EINVAL,
};

struct plan {
	enum goal goal;
	struct step *steps;
	size_t n_steps;
	usec_t needs;   /* of a stop: how long all of it may take ... */
	usec_t limit;   /* ... and has been made to fit into; 0: it has not */
	bool squeezed;  /* guests are shut down that are saved where there is time */
	usec_t longest; /* ... and if no guest that is shut down reacts; USEC_INFINITY: no end */
};

bool goal_is_start(enum goal goal);
const char *goal_to_string(enum goal goal);
enum goal goal_from_string(const char *s);

/* The goal of the plan that is made for a goal. */
enum goal plan_goal(enum goal goal);

/*
 * The plan, whose goal is GOAL_STOP for GOAL_STOP_FORCED, for all guests in question or, with
 * names, for those guests only (names are as inventory_find_named() takes them; to a stop, a UUID
 * is each domain that has it). A name that is not known costs itself only: its step has failed, and
 * its UUID is null. 0 or -ENOMEM.
 */
int plan_build(enum goal goal, const struct config *config, const struct inventory *inventory,
	       const char *const *names, size_t n_names, struct plan **ret);

/*
 * The plan that puts one guest in order that has ended, by any action but DEATH_PRESERVE. 0 or
 * -ENOMEM.
 */
int plan_reaction(const struct config *config, const struct guest *g, enum death_action action,
		  struct plan **ret);

/*
 * For a plan that is only shown: says which guests are waited for, because an operation or another
 * tool is at work on them, and promises nothing that is decided when that has ended. 0 or -ENOMEM.
 */
int plan_explain_waits(struct plan *plan, const struct inventory *inventory);

/* Removes the steps for which drop() says so. */
void plan_drop(struct plan *plan, bool (*drop)(const void *data, const struct step *step),
	       const void *data);

void plan_free(struct plan *plan);

DEFINE_CLEANUP(struct plan, plan_free);
