/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "hv/spawn.h"
#include "io/loop.h"

/*
 * Operations as worker processes. For each there is a file, named after the guest's UUID, that the
 * worker keeps locked while it lives, and that says what it does and how it ended
 * (wire/operation.h). That is how a new daemon finds the workers of an old one, and how a worker
 * that was killed is noticed, and its operation is recovered by another worker. A worker whose
 * daemon has ended touches the file where it would have told that it gets on.
 */
struct workers;

/*
 * Takes on what is in the directory, which is made if it is not there. Of the callbacks, which are
 * borrowed, progress() and finished() come from the loop. 0 or -errno.
 */
int workers_new(struct loop *loop, const char *folder, const struct program *program,
		const struct hv_callbacks *callbacks, struct workers **ret);

/* The workers go on. */
struct workers *workers_free(struct workers *ws);

/* As hv_operate() and the calls after it in hv/hv.h. */
int workers_operate(struct workers *ws, const struct operation_request *request);
void workers_expect(struct workers *ws, unsigned removals);
void workers_abort(struct workers *ws, const struct uuid *uuid);
const struct hv_operation *workers_find(struct workers *ws, const struct uuid *uuid);
const struct hv_operation *workers_at(struct workers *ws, size_t index);

DEFINE_CLEANUP(struct workers, workers_free);
