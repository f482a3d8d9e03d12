/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/* The parts of restart and soft reset that recovery needs too. 0 or -errno, explained. */

/* Keeps the old domain under the UUID of the request, unless that is done already, and marks it. */
int death_preserve(struct task *task, uint32_t domid);

/* Marks a domain that has been reset, and lets it go. */
int death_release(struct task *task);

/*
 * Destroys the domain of the request and what this operation has built, if either is there, and
 * creates the guest from the configuration that was kept. Other domains of its UUID are not
 * touched.
 */
int death_recreate(struct task *task);
