/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/inventory.h"
#include "util/outcome.h"
#include "util/stale.h"

/*
 * What a start or a stop would do, worked out from a configuration and an inventory and nothing
 * else. The executor does exactly this; "plan" shows it.
 */

enum stage {
	STAGE_RESTORE,
	STAGE_CREATE,
	STAGE_RESUME,  /* what a migration, or another tool, left suspended; ends no stop's way */
	STAGE_UNPAUSE, /* so that it can react to what follows; ends no guest's way */
	STAGE_SYSRQ,   /* keys sent to its kernel; ends no guest's way either */
	STAGE_MIGRATE,
	STAGE_SAVE,
	STAGE_SHUTDOWN,
	STAGE_SHUTDOWN_ALL, /* when all other guests have their stages before this behind them */
	STAGE_DESTROY,      /* of a guest that is still there, because it is configured so */
	STAGE_RESTART,      /* destroy and create again: the guest asked for a reboot */
	STAGE_SOFT_RESET,   /* devices are made anew, memory stays: the guest boots by itself */
	STAGE_CLEAN,        /* destroy what is left of a guest that has ended */
	_STAGE_MAX,
	_STAGE_INVALID = -EINVAL,
};

enum goal {
	GOAL_START,
	GOAL_START_COLD, /* of named guests, without the memory that is saved */
	GOAL_STOP,
	GOAL_REACT, /* to one guest that ended by itself */
	_GOAL_MAX,
	_GOAL_INVALID = -EINVAL,
};

enum step_result {
	STEP_TODO,    /* stages tell */
	STEP_OK,      /* nothing to be done: it is so already */
	STEP_SKIPPED, /* not ours to touch, or not asked for */
	STEP_FAILED,  /* cannot be done at all */
};

#define STEP_STAGES_MAX 8

/* One guest's way: the stages are tried in order until one succeeds. */
struct step {
	struct uuid uuid;
	char *name;
	uint32_t domid; /* DOMID_NONE if it does not run */
	enum step_result result;
	char *reason; /* why there is no stage, or why these */
	enum stage stages[STEP_STAGES_MAX];
	size_t n_stages;
	bool wait;     /* STAGE_SHUTDOWN, until the guest is gone; else it is only asked */
	bool wait_all; /* the same for STAGE_SHUTDOWN_ALL */
	bool foreign;  /* another tool made, or suspended, the domain: it cleans up behind it */
	unsigned wave; /* not before all steps of lower waves have ended: driver domains */
	char *image;   /* to save to, or to restore */
	char *config;  /* libxl's JSON, to create from */
	char *source;  /* file that a created guest comes from */
	struct stale_list stale;      /* images that the guest outlives */
	struct uuid image_id;         /* of the image to restore; null: it is not known */
	enum image_standing standing; /* of it */
	bool cold;                    /* STAGE_CREATE: of a guest that was saved; reason says why */
	bool doubled;                 /* another domain has its UUID */
	bool saved;                   /* STAGE_CLEAN: of a guest that is saved, to image */
	enum image_policy changed, unknown; /* whether a restore that fails for it is followed */
	char *sysrq;                        /* keys for STAGE_SYSRQ */
	char *dump;    /* file for the memory of a guest that has ended; NULL: none */
	bool preserve; /* STAGE_RESTART: the old domain is kept, as another guest */
	uint64_t memory_kib;
	struct target_list targets; /* to migrate to */
	usec_t answer_limit;
	usec_t estimate; /* of a stop: when it may be over, from its begin (core/fit.h) */
	bool late;       /* ... which is more than there is time for */
};

struct plan {
	enum goal goal;
	struct step *steps;
	size_t n_steps;
	usec_t needs; /* of a stop: how long all of it may take ... */
	usec_t limit; /* ... and has been made to fit into; 0: it has not */
};

const char *stage_to_string(enum stage stage);

/*
 * Whether the next stage may follow one that ended like this and not well: a guest with an image is
 * started without its memory only where that is configured, and a guest is left alone where it is
 * not known what became of it.
 */
bool step_allows_next(const struct step *s, enum stage stage, enum operation_outcome outcome);

bool step_has(const struct step *s, enum stage stage);

/* Whether a stage only prepares the guest for the next one, which follows however it ends. */
bool stage_is_preparation(enum stage stage);

/*
 * Puts before the first stage of a stop what the domain needs for it, by what it is in now: to be
 * resumed, or to be let run. While the guest waits for its turn that can become another.
 */
void step_prepare(struct step *s, const struct domain *d);

bool goal_is_start(enum goal goal);
const char *goal_to_string(enum goal goal);
enum goal goal_from_string(const char *s);

/*
 * The plan for all guests in question or, with names, for those guests only (names are as
 * inventory_find_named() takes them). 0, -ENOMEM, or -ENOENT with *ret_unknown, borrowed from
 * names, where there is no such guest.
 */
int plan_build(enum goal goal, const struct config *config, const struct inventory *inventory,
	       const char *const *names, size_t n_names, struct plan **ret,
	       const char **ret_unknown);

/*
 * The plan that puts one guest in order that has ended, by any action but DEATH_PRESERVE. 0 or
 * -ENOMEM.
 */
int plan_reaction(const struct config *config, const struct guest *g, enum death_action action,
		  struct plan **ret);

/* Removes the steps for which drop() says so. */
void plan_drop(struct plan *plan, bool (*drop)(const void *data, const struct step *step),
	       const void *data);

void plan_free(struct plan *plan);

DEFINE_CLEANUP(struct plan, plan_free);
