/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "rig.h"
#include "world/world.h"

/* A world around a puppet, on the virtual clock. */
struct world_rig {
	struct world *world;
	unsigned changes, finished, losses;
	bool seen_busy; /* when the end of an operation was told */
	unsigned answers;
	char answer[100]; /* the last one; "-": none */
	usec_t answered;
	bool ask_again; /* from inside the answer */
	uint64_t id;
};

extern struct world_rig f;

/* begin() is prepare(), for a ledger or domains that are there before, and begin_prepared(). */
void begin(void);
void prepare(void);
void begin_prepared(void);
void end(void);

/* Who decides on what there is; and who only tells it. */
void refresh(usec_t limit);
void look(void);

/* The survey that is under way ends with so many configurations, NAME0 and so on; -1: it fails. */
void survey_ends(int configs, const char *name);
