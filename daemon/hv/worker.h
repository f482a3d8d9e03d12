/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "hv/hv.h"
#include "hv/spares.h"
#include "util/log.h"
#include "wire/frame.h"
#include "wire/operation.h"

/* For workers.c only: one operation, from the start of its worker to the end of the last one. */

struct worker {
	TAILQ_ENTRY(worker) entry;
	struct workers *owner;
	struct hv_operation operation;
	char *name; /* what operation.name points to */
	char *path; /* of its file */
	int pidfd;
	bool child; /* of this daemon */
	bool killed;
	struct watch *end;
	int channel;
	struct watch *news;
	struct framer framer;
	struct timer *timer;     /* for the lock or, while it runs, for the worker to be killed */
	usec_t last;             /* by which it must have ended ... */
	usec_t patience;         /* ... if it tells of progress so often */
	struct timespec touched; /* its file, where it has no channel to this daemon */
	usec_t lock_since;
	unsigned recoveries;
};

TAILQ_HEAD(worker_list, worker);

struct workers {
	struct loop *loop;
	char *folder;
	const struct program *program;
	const struct hv_callbacks *callbacks; /* borrowed */
	struct spares *spares;
	struct worker_list list;
};

/* Without a process. uuid: of the guest; path: of the operation file. 0 or -errno. */
int worker_new(struct workers *ws, const struct uuid *uuid, const char *path, struct worker **ret);
struct worker *worker_free(struct worker *w);

/* What is to be done, and how long that may take. 0 or -ENOMEM. */
int worker_set_request(struct worker *w, const struct operation_request *request);

/*
 * Starts a process for it, with its operation file. From here on the worker ends by itself, with
 * the callback finished(), and frees itself. 0, or -errno: none was started.
 */
int worker_run(struct worker *w, const char *verb, int record);

/*
 * Goes by the process that an earlier daemon has started. It may not have said yet who it is: to
 * start it can be the last that this daemon did. One that was killed is waited for until it ends.
 * False: it has ended, or has not said who it is.
 */
bool worker_find(struct worker *w, const struct operation_record *record);

/* For a message about it. */
struct log_fields worker_fields(const struct worker *w, const char *message_id);

DEFINE_CLEANUP(struct worker, worker_free);
