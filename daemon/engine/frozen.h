/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/run.h"
#include "hv/hv.h"

/*
 * For the executor: a guest that cannot react to the request to shut down, because it was paused or
 * suspended after it was asked.
 */

/*
 * Looks at its domain, on which no worker is. True: it was suspended and runs on, and has to be
 * asked once more. One that is suspended, and that no tool saves, makes run->again fire in time.
 */
bool frozen_look(struct run *run, const struct domain *d);

/* When run->again fires: has a guest that is paused, or was left suspended, run on. d: or NULL. */
void frozen_end(const struct run *run, const struct domain *d, struct hv *hv, char *ledger,
		usec_t patience);
