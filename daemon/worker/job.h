/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/ledger-record.h"
#include "wire/operation.h"
#include "worker/image/pump.h"
#include "worker/peer.h"
#include "worker/xl/xl.h"

/* One operation, as its worker sees it. */
struct job {
	struct operation_record record; /* what the operation file says: the request, and marks */
	struct operation_result result; /* what it will say at the end; failed until it has ended */
	int file;                       /* the operation file, locked */
	int channel;                    /* to the daemon; it may have gone */
	struct xl *xl;
	const struct pump *pump; /* NULL, or what the progress is read from */
	uint64_t expected;       /* so many bytes will go through it, about */
	bool waiting;            /* for memory that others use or need: that is progress, too */
	uint64_t told;           /* so many had, when the daemon was told last */
	struct peer *peer;       /* NULL, or the other side of a migration */
};

/* How each operation is done. 0 or -errno, with job_explain() called for causes that the errno does
 * not tell. */
int run_create(struct job *job);
int run_restore(struct job *job);
int run_unpause(struct job *job);
int run_save(struct job *job);
int run_destroy(struct job *job);
int run_restart(struct job *job);
int run_migrate(struct job *job);
int run_resume(struct job *job);
int run_soft_reset(struct job *job);
int run_eject(struct job *job);

/*
 * Recovers the operation of a worker that died: an operation that had passed its point of no
 * return is finished (0), another is undone (-EINTR).
 */
int run_recover(struct job *job);

/*
 * Notes a point in the operation file before what follows it is done. Without the note the
 * operation must not go on. 0 or -errno.
 */
int job_mark(struct job *job, enum operation_mark mark, const char *config);
int job_mark_target(struct job *job, enum operation_mark mark, const char *target);
int job_mark_image(struct job *job, enum operation_mark mark, const struct uuid *image);

/* Says why the operation fails, in words, unless that is said already. Returns error. */
int job_explain(struct job *job, int error, const char *format, ...) _printf_(3, 4);

/* The same for a call of libxl, in libxl's words, after what (NULL: the operation itself). */
int job_explain_xl(struct job *job, int error, const char *what);

/* From time to time: tells the daemon how far the pump is, and listens to the peer. */
void job_tick(struct job *job);

/*
 * Checks that the domain of the request is there: 0 and the domain, or -ESRCH. Its number alone
 * proves nothing.
 */
int job_find_domain(struct job *job, struct xl_domain *ret);

/*
 * Gives the images of the request that must not be restored names of their own. 0 or -errno: then
 * the guest must not run, for one of them could be restored over newer disks. Those that the ledger
 * calls past are not: where one keeps its name, as on a file system that cannot be written, that is
 * logged.
 */
int job_put_aside(struct job *job);

/* Sees to memory for a guest before it is built, or says why there is too little. 0 or -errno. */
int job_make_room(struct job *job, const char *config);

/* The guest, built and paused, is marked as ours. */
int job_mark_domain(struct job *job, uint32_t domid, const char *config);
int job_mark_preserved(struct job *job, uint32_t domid);

/* Whether a domain must not run again: all of its memory is in an image. */
bool job_is_saved(struct job *job, uint32_t domid);
