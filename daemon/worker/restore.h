/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/* Removes the image, which the guest runs from; only the one that is meant. What fails is logged.
 */
void restore_forget(const struct task *task);

/*
 * Takes back the record that the guest runs from the image, and destroys what has not run of it.
 * Where that cannot be destroyed, the image counts as used.
 */
void restore_undo(struct task *task, uint32_t domid);
