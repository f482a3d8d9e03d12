/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "hv/hv.h"
#include "hv/sim/host.h"
#include "hv/sim/images.h"
#include "hv/sim/remains.h"
#include "io/loop.h"
#include "util/index.h"

/* The guests of the simulated host as they live: each with a domain, or without. */

/* The living part of a guest; what it is like stands in the host. */
struct actor {
	struct sim *sim;
	struct sim_guest *guest;

	bool exists; /* as a domain */
	uint32_t domid;
	usec_t built_wall;
	bool paused, shutdown, up;
	enum shutdown_reason reason;
	enum domain_manager manager;
	struct timer *life; /* the next event of its domain */
	struct timer *wake; /* when its kernel is up */
	enum shutdown_reason life_reason;
	bool life_removes; /* xl's monitor comes along */

	TAILQ_ENTRY(actor) entry; /* among those that are operated on */
	bool operating;
	struct hv_operation operation;
	struct operation_request request;
	struct timer *work;
	unsigned steps, parts; /* it has made so many, of so many */
	const struct sim_way *way;
	bool aborted, hanging;
};

struct sim {
	struct hv hv;
	struct loop *loop;
	struct sim_host *host;
	struct actor *actors; /* one for each guest of the host */
	struct index by_uuid; /* of the actors; a guest can have another one by now */
	struct index by_name; /* of the actors */
	TAILQ_HEAD(, actor) operated;
	struct sim_remains remains;
	struct sim_images *images;
	uint32_t next_domid;
	struct timer *change;
	struct timer *survey;
	bool with_configs, with_images;
};

/* Creates the domain of a guest that runs. 0 or -ENOMEM. */
int actor_init(struct actor *a, struct sim *sim, struct sim_guest *guest);

/* Its domain ends then. */
void actor_live_until(struct actor *a, usec_t delay, enum shutdown_reason reason);

/* Its domain, as the list has it. 0 or -ENOMEM. */
int actor_describe(const struct actor *a, struct domain *ret);

/* Effects of its operation: at the beginning, and on success or failure. */
void actor_begin(struct actor *a);
void actor_succeed(struct actor *a);
void actor_fail(struct actor *a);
