/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/lane.h"
#include "core/press.h"
#include "engine/executor.h"
#include "engine/job.h"
#include "engine/places.h"

/* Shared by the files of the executor. */

/* Grace period for another toolstack to remove its domain that has shut down. */
#define FOREIGN_CLEANUP_LIMIT (10 * USEC_PER_SEC)

struct executor {
	struct loop *loop;
	struct hv *hv;
	char *ledger;
	struct executor_callbacks callbacks;
	struct executor_limits limits;
	struct job_list jobs;
	struct runs *runs;                 /* all of them */
	const struct domain_list *domains; /* the newest, borrowed; NULL until there is one */
	struct timer *kick;
	struct timer *progress; /* when it is told to the followers, for all runs together */
	usec_t told;            /* the last time */
	struct lane lane;       /* of the disk that guests are saved to ... */
	struct lane read_lane;  /* ... and restored from */
	unsigned saving;      /* guests, as last counted; 0: what some of them write is not told */
	usec_t heard;         /* the last word of a save that goes on ... */
	usec_t woke;          /* ... and the first one after a silence */
	struct flow flow;     /* of what is written to it */
	uint64_t written_kib; /* of the memory of guests that are saved, ever */
	unsigned reading;     /* images, as last counted; 0: not all of them flow, or others do */
	uint64_t read_kib;    /* of the memory of guests that are restored, ever */
};

/* The first guest of its job that a run waits for; NULL: none. */
const struct run *executor_awaited(const struct run *run);

/* Counts the guests that wait, and sees to it that followers are told of those, soon. */
void executor_note_waits(struct executor *ex);

/* Tells the followers of a job what its guests wait for. */
void executor_tell_waits(struct job *job);

/* Tells the followers of its job. */
void executor_tell(struct run *run, const struct report *report);

/* Has followers told of the progress, and of what guests wait for, within a second. */
void executor_plan_progress(struct executor *ex);

/* The timer for the progress of all. */
void executor_on_progress(void *data);

/* The run that began the operation in flight for a guest; another job's can wait for its end. */
struct run *executor_find_at_work(const struct executor *ex, const struct uuid *uuid);

/* Gives the run's machine an event, and does what follows from that. */
void executor_feed(struct run *run, enum machine_event event, const char *reason);

/* Asks the guest once more: it has another domain, or goes on. */
void executor_ask_anew(struct run *run);

/* Tells the runs what has become of their domains. The places that are taken are counted on. */
void executor_look_at_domains(struct executor *ex, struct places *places);

/* Whether the guest has ended by itself, and its domain is still there. */
bool executor_has_shut_down(const struct run *run);

/*
 * Such a domain is removed, if there is a place for a worker now. Without one the run waits where
 * it is, so that what becomes of the domain meanwhile counts.
 */
void executor_clean_in_turn(struct run *run, struct places *places);

/* Its toolstack has not removed it: that is done in turn, as for a domain of ours. */
void executor_clean_soon(struct run *run);

/*
 * Whether an event comes too late: the domain of the run is removed, also if its sequence ends.
 * That it was cancelled is kept.
 */
bool executor_cleans_anyway(struct run *run, enum machine_event event, const char *reason);

/* Whether there is a domain of it that runs after all, so that what was cancelled counts again. */
bool executor_is_spared(const struct run *run, const struct domain *d);

/*
 * Counts the places of operations that an earlier daemon began. Returns when the next of them
 * leaves its place while it goes on, as a time of the loop; USEC_INFINITY: none does.
 */
usec_t executor_take_adopted(const struct executor *ex, struct places *places);

/*
 * How many guests may be saved now, for the places that are counted. Returns when that changes if
 * no save tells anything new, as a time of the loop; USEC_INFINITY: it does not.
 */
usec_t executor_open_lane(struct executor *ex, struct places *places);

/* The same of the images that are read. After executor_look_ahead() for each job. */
void executor_open_reads(struct executor *ex, struct places *places);

/* In how many threads each save compresses, so that all of them find the CPUs that there are. */
unsigned executor_save_threads(const struct executor *ex);

/* A guest is written, or read, that far, if that is what its worker does. Before its run says so.
 */
void executor_moved(struct run *run, unsigned permille);
void executor_wrote(struct run *run, unsigned permille);
void executor_has_read(struct run *run, unsigned permille);

/* Looks once at what all turns of a job depend on: it holds while runs only begin and end. */
void executor_look_ahead(struct job *job);

/*
 * Until when a run waits for others at most: USEC_INFINITY, for their ends; 0: it is its turn.
 * After executor_look_ahead().
 */
usec_t executor_turn(const struct run *run, usec_t now);

/*
 * All runs by the UUID of their guest: a job for each guest that has ended can be thousands. 0 or
 * -ENOMEM.
 */
int runs_new(struct runs **ret);
struct runs *runs_free(struct runs *runs);

/* A run is about to be added to its job. 0 or -ENOMEM. */
int executor_index_run(struct executor *ex, struct run *run);

/* Runs have been taken out, or were not added after all: they are about to be freed. */
void executor_drop_runs(struct executor *ex);

/* The runs of a guest that are on their way, in all jobs; after: NULL for the first. NULL at the
 * end. */
struct run *executor_next_run(const struct executor *ex, const struct uuid *uuid,
			      const struct run *after);
