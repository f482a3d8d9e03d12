/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/executor.h"
#include "rig.h"

/* Plans carried out on a puppet, on the virtual clock. One at a time. */
struct stage_rig {
	struct executor *ex;
	struct domain_list *list;
	char said[4000];    /* "1 save running|1 save ok|1 save ok.|": a dot for the end */
	char reasons[4000]; /* of all that was said since the test began */
	unsigned finished;
	bool succeeded;
	struct plan *extension; /* for the job that drains */
	usec_t deadline;        /* of each job; USEC_INFINITY: none */
};

extern struct stage_rig f;

/* An executor with these limits, of which 0 is none: BEGIN(.parallel = 8, .stop_limit = LIMIT). */
struct rig_limits {
	unsigned parallel, streams, creates; /* without creates: as many */
	bool boots_count;
	unsigned cpus;
	uint64_t save_kib, disk_rate, brief_kib;
	usec_t create_pause, stop_limit;
};

#define BEGIN(...) begin(&(const struct rig_limits){__VA_ARGS__})

void begin(const struct rig_limits *limits);
void end(void);

/* What happens at once, with the domains listed anew. */
void look_again(void);

/* A plan, and a step for a guest that is called as its number; its stages end with _STAGE_MAX. */
struct plan *new_plan(enum goal goal);
struct step *add_step(struct plan *plan, unsigned number, const enum stage *stages);
struct job *run_plan(struct plan *plan);

#define STAGES(...) ((const enum stage[]){__VA_ARGS__, _STAGE_MAX})

/* What was asked of the hypervisor, and told to followers, since the last time. */
void expect_calls(const char *calls);
void expect_said(const char *said);

/* Whether a reason had these words, which the test gave itself. */
bool reason_had(const char *words);
