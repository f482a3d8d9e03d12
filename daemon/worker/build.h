/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/task.h"

/*
 * The domain that an operation builds. It carries the operation's own sign in XenStore from its
 * first moment, so that it is told from one that another tool builds of the same guest at the same
 * time: only a domain that this operation has built may be destroyed as half built.
 */

/* A configuration (libxl's JSON) with the sign in it. 0, -EBADMSG or -ENOMEM. */
int build_sign(const struct task *task, const char *config, char **ret);

/* The domain with the sign of this operation that is not dying. 0, or -ESRCH. */
int build_find(struct task *task, struct xl_domain *ret);

/* Destroys it where it is paused: libxl removes what it could not build, and can fail. 0 or -errno.
 */
int build_remove(struct task *task);

/* The same after a build that failed, and notes if it is worth another try. */
void build_undo(struct task *task);
