/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "core/machine.h"
#include "engine/report.h"
#include "io/loop.h"
#include "wire/operation.h"

/* For the executor only. */

struct job;

/* Why the stage of a run has not begun. */
enum wait {
	WAIT_NONE,
	WAIT_GUEST,     /* others of its job come before it */
	WAIT_OPERATION, /* an earlier one on it, of whatever job or daemon */
	WAIT_TOOL,      /* another tool is at work on its domain */
	WAIT_PLACE,     /* as many as may be are at work ... */
	WAIT_DISK,      /* ... on the disk of the images */
};

/* A guest on its way. */
struct run {
	TAILQ_ENTRY(run) entry;
	struct job *job;
	struct step *step;      /* borrowed */
	struct machine machine; /* of the step */
	uint32_t domid;         /* now; a guest that reboots gets another */
	uint32_t worked_domid;  /* of the last operation */
	unsigned round;         /* the number of its plan in the job */
	size_t number;          /* its own there, and in the index of the job */
	size_t place;           /* in that of the executor */
	unsigned repeats; /* of stages whose operation failed for a cause that was over then */
	usec_t started, stage_started, work_started, ended;
	usec_t first_try;        /* of the stage */
	size_t tried;            /* the stage that it is of, by its index */
	unsigned permille, told; /* of its stage; and what its followers have been told of that */
	usec_t flows_since;      /* its first progress ... */
	unsigned flowed;         /* ... was that far; 0: there is none yet */
	uint64_t bytes, total, written;
	struct timer
		*limit; /* of the stage, of its worker, of another tool that holds it, of a pause */
	struct timer *linger; /* for a domain that has shut down and is not gone */
	struct timer *again;  /* when a request without an answer is repeated */
	const char *keys;     /* of SysRq that are still to be sent; borrowed from the step */
	bool began;
	bool asked;                      /* to shut down, in whatever stage */
	bool answered;                   /* the guest has taken the request to shut down */
	enum domain_condition condition; /* since it was asked, as last looked at */
	enum wait wait;                  /* as last looked at, while its machine waits */
	char *wait_told;                 /* what followers have been told that it waits for */
	bool held;                       /* by another tool, which is at work on the domain */
	enum domain_condition held_for;
	bool hold_over; /* the time to wait for a suspended domain is over */
	bool stalled;   /* its worker does not get on: it takes no place */
	bool small;     /* begun in the place that is for small images */
	bool left;      /* its domain has shut down, and its toolstack does not remove it */
	bool unclean;   /* its domain has shut down, and waits for a worker that removes it */
	bool given_up;  /* its worker was told to end early, for it would not be in time */
	bool overdue;   /* its worker has not ended in time: no guest waits for it any more */
	bool rebooting; /* its domain has ended with a reboot, which another tool sees to */
	bool met;       /* while it waited to be started another tool had a domain of it */
	bool released;  /* its sequence was cancelled before it had ended */
	bool pausing;   /* ended, and keeps its place until its guest is up */
};

struct run_timers {
	timer_fn limit, linger, again;
};

/* A run of a step, waiting for its turn; its timers call back with it. 0 or -ENOMEM. */
int run_new(struct loop *loop, struct job *job, struct step *step, enum goal goal,
	    const struct run_timers *timers, struct run **ret);
void run_free(struct run *run);

/* The guest's domain: its last one, else the one that has its UUID now; or NULL. */
const struct domain *run_find_domain(const struct run *run, const struct domain_list *domains);

/* Whether it waits for its turn to build a domain, which the plan knew none of. */
bool run_is_to_be_built(const struct run *run);

/* The tool that made the domain removes it once it has shut down, or lets the guest reboot. */
bool run_is_for_others(const struct run *run);

/* The event that the result of its operation is for its machine, given the present domains. */
enum machine_event run_event(struct run *run, const struct operation_result *result,
			     const struct domain_list *domains);

/* Why its stage cannot begin now that it is its turn; NULL: it can. 0 or -ENOMEM. */
int run_find_obstacle(const struct run *run, const struct domain_list *domains, char **ret);

/* Whether others may have to wait for it: it has not ended, or keeps its place. */
bool run_is_awaited(const struct run *run);

/*
 * Whether a run must wait for another one of its job. Driver domains start before the guests that
 * use them, and stop after them. The last stage comes when all other guests are done.
 */
bool run_comes_behind(const struct run *run, const struct run *other);

/* Its present stage and state. */
struct report run_report(const struct run *run, usec_t now);

/*
 * The operation for its stage; in the state of cleaning up, the one that cleans up. Its
 * pointers belong to the step.
 */
struct operation_request run_request(const struct run *run, char *ledger, usec_t stop_deadline,
				     usec_t patience);
struct operation_request run_cleanup(const struct run *run, usec_t patience);

/* Whether a guest that does what its stage asks for shuts down. */
bool run_asks_to_end(const struct run *run);

/* Whether its stage is done only when the guest is gone, or once it is asked. */
bool run_waits(const struct run *run);

/* Whether the guest was created because its image could not be restored. */
bool run_is_cold(const struct run *run);

/* Whether its stage sends the guest's memory away: its worker tells of progress all the while. */
bool run_streams(const struct run *run);

/* Whether its stage writes an image, or reads one. */
bool run_saves(const struct run *run);
bool run_restores(const struct run *run);
