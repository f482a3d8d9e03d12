/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/ledger-record.h"
#include "wire/operation.h"
#include "worker/image/pump.h"
#include "worker/peer.h"
#include "worker/xl/xl.h"

/* One operation, as its worker sees it. */
struct task {
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

/* How each operation is done. 0 or -errno, with task_explain() called for causes that the errno
 * does not tell. */
int run_create(struct task *task);
int run_restore(struct task *task);
int run_unpause(struct task *task);
int run_save(struct task *task);
int run_destroy(struct task *task);
int run_restart(struct task *task);
int run_migrate(struct task *task);
int run_resume(struct task *task);
int run_soft_reset(struct task *task);
int run_eject(struct task *task);

/*
 * Recovers the operation of a worker that died: an operation that had passed its point of no
 * return is finished (0), another is undone (-EINTR).
 */
int run_recover(struct task *task);

/*
 * Notes a point in the operation file before what follows it is done. Without the note the
 * operation must not go on. 0 or -errno.
 */
int task_mark(struct task *task, enum operation_mark mark, const char *config);
int task_mark_target(struct task *task, enum operation_mark mark, const char *target);
int task_mark_image(struct task *task, enum operation_mark mark, const struct uuid *image);

/* Says why the operation fails, in words, unless that is said already. Returns error. */
int task_explain(struct task *task, int error, const char *format, ...) _printf_(3, 4);

/* The same for a call of libxl, in libxl's words, after what (NULL: the operation itself). */
int task_explain_xl(struct task *task, int error, const char *what);

/* From time to time: tells the daemon how far the pump is, and listens to the peer. */
void task_tick(struct task *task);

/*
 * Checks that the domain of the request is there: 0 and the domain, or -ESRCH. Its number alone
 * proves nothing.
 */
int task_find_domain(struct task *task, struct xl_domain *ret);

/* Sees to memory for a guest before it is built, or says why there is too little. 0 or -errno. */
int task_make_room(struct task *task, const char *config);

/* The guest, built and paused, is marked as ours. */
int task_mark_domain(struct task *task, uint32_t domid, const char *config);
int task_mark_preserved(struct task *task, uint32_t domid);

/*
 * Whether a domain must not run again, because all of its memory is in an image: 1, 0, or -errno,
 * explained, where that cannot be known.
 */
int task_is_saved(struct task *task, uint32_t domid);
