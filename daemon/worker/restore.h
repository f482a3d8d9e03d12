/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/job.h"

/* The name of an image that a guest is being let go from. 0 or -ENOMEM. */
int restore_consumed_path(const struct job *job, char **ret);

/* Notes that it was restored, and removes it: the guest runs. What fails is logged. */
void restore_forget(const struct job *job);

/* Brings the image back under its own name: the guest did not run. 0 or -errno. */
int restore_give_back(const struct job *job);
