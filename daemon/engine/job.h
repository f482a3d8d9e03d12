/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/run.h"
#include "util/index.h"

struct executor;

/* The runs that others wait for, as last looked at: executor_look_ahead(). */
struct front {
	struct run *first; /* that has not ended, or keeps its place; NULL: none */
	unsigned wave;     /* the first of those */
	bool others;       /* one of them has a stage before the last, and is waited for */
};

/* A plan, or several, being carried out by an executor: a run for each step. */
struct job {
	TAILQ_ENTRY(job) entry;
	struct executor *ex;
	struct loop *loop;
	struct plan **plans;
	size_t n_plans;
	usec_t begun;
	TAILQ_HEAD(, run) runs;
	struct index by_uuid; /* of the runs */
	struct front front;
	unsigned waiting; /* runs whose stage has not begun, as last looked at */
	void *data;
};

TAILQ_HEAD(job_list, job);

/* Without a plan yet, or NULL. */
struct job *job_new(struct executor *ex, struct loop *loop, void *data);
void job_free(struct job *job);

/* The plan is taken over in any case. 0 or -ENOMEM. */
int job_add_plan(struct job *job, struct plan *plan);

/* The run is taken over if that succeeds. 0 or -ENOMEM. */
int job_add_run(struct job *job, struct run *run);

/* The runs of a guest, in their order. run: the one before; NULL for the first. NULL at the end. */
struct run *job_next_run(const struct job *job, const struct uuid *uuid, const struct run *run);

void *job_data(const struct job *job);

/*
 * Whether the job has dealt with the guest of a step of a plan with that goal. A guest that runs
 * again is another domain. domains: the present ones. A guest that another tool kept from the job,
 * and has released since, is not dealt with.
 */
bool job_knows(const struct job *job, enum goal goal, const struct step *step,
	       const struct domain_list *domains);

/* Whether the job has had a step with that goal for the guest, by its UUID or its name. */
bool job_has_had(const struct job *job, enum goal goal, const struct step *step);

/* Whether the guest comes up again each time that the job has stopped it. */
bool job_gives_up(const struct job *job, const struct uuid *uuid);

/* Whether the guest could not be stopped, and for that nothing was begun to start it. */
bool job_left_up(const struct job *job, const struct report *report);

/* Whether a guest of it is still on its way. */
bool job_is_open(const struct job *job);

/* Whether executor_release() has left out a guest of it. */
bool job_was_cut_short(const struct job *job);

/* True if all guests of the job are where they should be, as far as they have ended. */
bool job_succeeded(const struct job *job);

/*
 * Calls back for each guest of the job, with its present state. Leaves out stops and skips of
 * guests that were started then, starts that were skipped after a stop, and guests that another
 * tool kept from the job until a later run. A guest that could not be stopped is told once.
 */
void job_reports(const struct job *job, void (*fn)(void *data, const struct report *report),
		 void *data);
