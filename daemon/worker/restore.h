/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "worker/job.h"

/* Removes the image, which the guest runs from; only the one that is meant. What fails is logged.
 */
void restore_forget(const struct job *job);
