/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "world/world.h"

/* What the two parts of the world share: domains (world.c) and directories (world-surveys.c). */

/* A caller that waits for a survey of the directories. */
struct waiter {
	TAILQ_ENTRY(waiter) entry;
	struct world *world;
	uint64_t id;
	bool shows;     /* it decides nothing: any survey will do that still counts */
	bool current;   /* it waits for no survey, as long as the last one counts */
	usec_t within;  /* so long it waits for one */
	bool surveying; /* the survey that it waits for has begun */
	bool due;       /* and has ended */
	struct timer *limit;
	world_ready_fn fn;
	void *data;
};

TAILQ_HEAD(waiter_list, waiter);

struct world {
	struct loop *loop;
	struct hv *hv;
	struct ledger_file *ledger;
	struct world_callbacks callbacks;

	char *autostart, *save;
	struct survey *survey;
	struct survey *coming; /* that takes its place at the end of an update; NULL: none */
	struct domain_list *domains;
	struct inventory *inventory;
	char *lost;

	const struct hv_ends *ended; /* what changes their guests; NULL: nothing has; borrowed */
	struct timer *ends;          /* of operations, which are still to be told */
	struct timer *update;
	usec_t updated, rested; /* when the last look at the domains began, and the next one may */
	usec_t listed;          /* the wall clock before the domains were listed; 0: not yet */
	bool stale;             /* the list of domains is older than a look that failed */
	uint64_t arrivals;
	struct waiter_list waiters;
	uint64_t last_id;
	bool surveying;
	bool watched;                  /* the last survey was current at its end */
	bool moved;                    /* it did not read the directories that are meant now */
	usec_t survey_began, surveyed; /* the one that runs; the one that stands, 0: in parts */
	struct vanished_list vanished; /* since the survey that runs began */
};

/* Makes the inventory of these, which take the place of those before. 0 or -ENOMEM. */
int world_rebuild(struct world *w, struct survey *survey, struct domain_list *domains);

/* A survey has ended: hv_callbacks.surveyed. */
void world_on_surveyed(void *data, struct survey *survey, const char *reason);

struct waiter *waiter_free(struct waiter *waiter);
