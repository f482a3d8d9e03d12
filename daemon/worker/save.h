/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/* The end of a save whose image is published: the domain goes, and the disks' stamp is written. */
int save_finish(struct task *task, const struct xl_domain *d);

/*
 * The same for a domain that an earlier operation could not destroy: only if its mark names the
 * image at the path.
 */
int save_finish_left(struct task *task, const struct xl_domain *d);
