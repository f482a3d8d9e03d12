/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/spawn.h"
#include "io/loop.h"

/*
 * Workers that have begun, and wait for their operation: to begin takes longer than to remove a
 * domain. They end where they are not needed any more, and where the daemon ends.
 */
struct spares;

int spares_new(struct loop *loop, const struct program *program, struct spares **ret);
struct spares *spares_free(struct spares *spares);

/* So many are to be there. That there are fewer is no error. */
void spares_want(struct spares *spares, unsigned n);

/*
 * Gives a worker that waits its operation file, which stays the caller's. The same as
 * spawn_worker(), or -ENOENT: there is none.
 */
int spares_take(struct spares *spares, int record, int *ret_channel);

DEFINE_CLEANUP(struct spares, spares_free);
