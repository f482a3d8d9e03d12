/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/*
 * The end of a migration, from the moment that the guest stands still here until one side lets it
 * run: what the migration itself and its recovery share. At any time at most one side may.
 */

/* Gives the domain the name of a guest that is away. 0 or -errno, explained. */
int handover_rename(struct task *task, uint32_t domid);

/*
 * The guest stays here: it gets its name back and runs on, if it stood still. Nothing may be known
 * to run elsewhere, or to be let run. Returns error, with more of an explanation if it cannot.
 */
int handover_take_back(struct task *task, uint32_t domid, int error);

/* Records that the guest runs on the host, and removes its domain d here. d: NULL if it is gone. */
int handover_finish(struct task *task, const struct xl_domain *d, const char *host);

/*
 * Makes the outcome undecided. Returns -ENOTRECOVERABLE, for the log; why: what is known; d: NULL
 * if nothing is left here.
 */
int handover_undecided(struct task *task, const struct xl_domain *d, const char *host,
		       const char *why);
