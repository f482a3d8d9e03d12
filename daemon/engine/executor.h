/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/machine.h"
#include "engine/limits.h"
#include "engine/report.h"
#include "hv/hv.h"
#include "io/loop.h"

/*
 * Carries out plans. Each plan is a job; each of its steps runs as a machine (core/machine.h). The
 * executor decides whose turn it is, starts operations, asks guests to shut down, keeps the time,
 * and feeds what the hypervisor reports back into the machines.
 */
struct executor;
struct job;

struct executor_callbacks {
	void (*report)(void *data, struct job *job, const struct report *report);
	/* A guest waits for what waits_for says. NULL: that is not heard. */
	void (*waits)(void *data, struct job *job, const struct report *report);
	/*
	 * Every guest of the job is done. Returns true if the job goes on: guests were added
	 * (executor_extend()), or the job waits for another operation, after which this is
	 * called again.
	 */
	bool (*drained)(void *data, struct job *job);
	/* When the job should be over, as a time of loop_now(); USEC_INFINITY: whenever it is. */
	usec_t (*deadline)(void *data, const struct job *job);
	/* The job has ended, and is freed after the call. */
	void (*finished)(void *data, struct job *job);
	void *data;
};

/* ledger: path for operation_request.ledger; copied. */
int executor_new(struct loop *loop, struct hv *hv, const char *ledger,
		 const struct executor_callbacks *callbacks, struct executor **ret);
struct executor *executor_free(struct executor *ex);

/* Holds from the next operation on, and for guests that have been asked to shut down. */
void executor_set_limits(struct executor *ex, const struct executor_limits *limits);

/* Begins a job, from the loop. The plan is taken over in any case. 0 or -errno. */
int executor_run(struct executor *ex, struct plan *plan, void *data, struct job **ret);

/* Adds the steps of a further plan to a job that has not finished. */
int executor_extend(struct executor *ex, struct job *job, struct plan *plan);

/* Asks drained() again, from the loop, where it has said that there is something to wait for. */
void executor_kick(struct executor *ex);

/* Guests of the job whose stage has not begun are skipped, for this reason. */
void executor_cancel(struct executor *ex, struct job *job, const char *reason);

/*
 * The same; and those that were asked to shut down are not waited for any more, but for a guest
 * that has not got all of its SysRq keys.
 */
void executor_release(struct executor *ex, struct job *job, const char *reason);

/*
 * The same for the stop of a host that stays up. A driver domain, which guests that come back need,
 * is still waited for, SHUTDOWN_TIME at most.
 */
void executor_rest(struct executor *ex, struct job *job, const char *reason);

/* As executor_cancel() for a guest in whatever job is to start it. */
void executor_cancel_start(struct executor *ex, const struct uuid *uuid, const char *reason);

/*
 * Guests of a stop that wait to be saved or migrated have their next stage instead, if that is a
 * shutdown. An operation in flight goes on.
 */
void executor_hurry(struct executor *ex, struct job *job, const char *reason);

/*
 * To be called every second while guests are saved. Saves that cannot all be over in their time, at
 * the pace that they have together, are given up, those that have furthest to go, so that the
 * others are; but not before the others need the disk for themselves. end: when systemd forces the
 * host down; USEC_INFINITY: not soon. Before such an end each save or migration that would come too
 * late is given up at once, where a shutdown can follow. Saves of all jobs count. Returns whether
 * guests are saved.
 */
bool executor_press(struct executor *ex, usec_t end);

/*
 * Guests of the job that were asked before since, and are still there, are not waited for any
 * longer: they go on to their next stage, or have failed. What a worker does goes on.
 */
void executor_expire(struct executor *ex, struct job *job, usec_t since, const char *reason);

/*
 * Takes a guest out of a job that stops it: where it waits, or has been asked to shut down with a
 * limit that ends after deadline (a time of loop_now()). Otherwise its stage comes to its end, and
 * no other one follows.
 */
enum executor_take {
	EXECUTOR_NOT_THERE, /* it is not on its way in that job */
	EXECUTOR_LEFT,      /* its stage goes on */
	EXECUTOR_TAKEN,     /* it is free */
};

enum executor_take executor_take(struct executor *ex, const struct job *job,
				 const struct uuid *uuid, usec_t deadline, const char *reason);

/*
 * Until when a driver domain waits at most for a guest that is at work in whatever job, where a
 * stop that began at begun is to be over at deadline. USEC_INFINITY: for its end. 0: not at all.
 */
usec_t executor_driver_turn(const struct executor *ex, const struct uuid *uuid, usec_t begun,
			    usec_t deadline);

/*
 * Where the hypervisor's callbacks go. The list is borrowed until the next one comes; it must be
 * new when an operation has finished.
 */
void executor_domains_changed(struct executor *ex, const struct domain_list *domains);
void executor_progress(struct executor *ex, const struct hv_operation *operation);
void executor_operation_finished(struct executor *ex, const struct hv_operation *operation,
				 const struct operation_result *result);

/* The machine that is at work on a guest, or NULL; *ret_since is when its stage began. */
const struct machine *executor_machine(const struct executor *ex, const struct uuid *uuid,
				       usec_t *ret_since);

DEFINE_CLEANUP(struct executor, executor_free);
