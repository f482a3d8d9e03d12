/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/*
 * Gives the images of the request that must not be restored names of their own. 0 or -errno: then
 * the guest must not run, for one of them could be restored over newer disks. Those that the ledger
 * calls past are not: where one keeps its name, as on a file system that cannot be written, that is
 * logged.
 */
int aside_put_stale(struct task *task);

/*
 * The guest runs: the images of other guests among them are outlived. What cannot be recorded is
 * logged.
 */
void aside_record(struct task *task);
