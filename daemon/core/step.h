/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/domain.h"
#include "core/lives.h"
#include "model/stage.h"
#include "util/outcome.h"
#include "util/stale.h"

/* One guest's part of a plan: the stages that it may go through, and what they need. */

enum step_result {
	STEP_TODO,    /* stages tell */
	STEP_OK,      /* nothing to do: the guest is in this state already */
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
	bool lasting;  /* refused for what files say: status tells that while it is so */
	bool wait;     /* STAGE_SHUTDOWN, until the guest is gone; else it is only asked */
	bool wait_all; /* the same for STAGE_SHUTDOWN_ALL */
	bool foreign;  /* another tool made, or suspended, the domain: it cleans up after it */
	unsigned wave; /* not before all steps of lower waves have ended: driver domains */
	char *image;   /* to save to, or to restore */
	enum compression compression; /* STAGE_SAVE */
	char *config;                 /* libxl's JSON, to create from */
	char *source;                 /* file that a created guest comes from */
	struct stale_list stale;      /* images that the guest outlives */
	struct uuid image_id; /* of the image to restore, null: it is not known; save: of another
				 guest's newest image, which may be at the path */
	enum image_standing standing; /* of it */
	bool cold;                    /* STAGE_CREATE: of a guest that was saved; reason says why */
	char *other;                  /* another domain of its UUID, by its name; NULL: none */
	bool stays;                   /* not stopped while a domain that is up has a device in it */
	bool saved;                   /* STAGE_CLEAN: of a guest that is saved, to image */
	enum image_policy changed, unknown; /* whether a restore that fails for it is followed */
	char *sysrq;                        /* keys for STAGE_SYSRQ */
	char *dump;    /* file for the memory of a guest that has ended; NULL: none */
	bool preserve; /* STAGE_RESTART: the old domain is kept, as another guest */
	uint64_t memory_kib;
	unsigned done; /* of a stop: thousandths of it that are saved or migrated already */
	struct target_list targets; /* to migrate to */
	usec_t answer_limit;
	usec_t estimate; /* of a stop: when it may be over, from its begin (core/fit.h) */
	bool late;       /* ... which is more than there is time for */
};

/*
 * Whether the next stage may follow one that ended like this and not well: a guest with an image is
 * started without its memory only where that is configured, and a guest is left alone where it is
 * not known what became of it.
 */
bool step_allows_next(const struct step *s, enum stage stage, enum operation_outcome outcome);

bool step_has(const struct step *s, enum stage stage);

/* Of the guest's memory, what is still to be saved, migrated or restored, in KiB. */
uint64_t step_memory_left(const struct step *s);

/* The stage that is to bring the guest where it should be; the others stand in for it. */
enum stage step_main_stage(const struct step *s);

/* Whether the guest can be shut down, if nothing else stops it. */
bool step_may_shut_down(const struct step *s);

/*
 * Makes a step of a stop fit the condition that the domain is in now: a suspended domain is resumed
 * first, a paused one is unpaused, and one whose memory is in its image is cleaned up.
 */
void step_prepare(struct step *s, const struct domain *d);

/* Adds a stage after the others; STEP_STAGES_MAX is enough for each plan. */
void step_add_stage(struct step *s, enum stage stage);

/* Removes a stage, if it is there. */
void step_drop_stage(struct step *s, enum stage stage);

/* Ends a step without a stage, and says why. 0 or -ENOMEM. */
int step_conclude(struct step *s, enum step_result result, const char *format, ...) _printf_(3, 4);

/* Where no stage is left that ends the guest's way the step has failed, for the reason that it has.
 */
void step_need_stage(struct step *s);

/* Frees what a step holds. */
void step_done(struct step *s);
