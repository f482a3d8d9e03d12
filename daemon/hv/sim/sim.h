/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"
#include "io/loop.h"

/*
 * The simulated host: guests that exist in memory only, on the loop's clock. What they do, how
 * long it takes and what goes wrong stands in a file (docs/simulation.md).
 */

/* Also sets the loop's speed, which the text may give. 0, -EINVAL with *ret_reason, or -ENOMEM. */
int hv_sim_new(struct loop *loop, const char *text, size_t size, struct hv **ret,
	       char **ret_reason);
