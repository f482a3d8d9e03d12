/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/plan.h"
#include "state.h"

/*
 * What is done about our own guests that end by themselves: what xl's monitor process does for
 * guests of xl, with a limit on how often one is started again.
 */
struct reactions;

/* state stays the caller's. NULL: no memory. */
struct reactions *reactions_new(struct state *state);
struct reactions *reactions_free(struct reactions *rx);

/* True if the guest has ended, is ours, and nothing has been decided about this end of it. */
bool reactions_wanted(const struct reactions *rx, const struct guest *g);

/*
 * Decides, and logs it: STAGE_RESTART, STAGE_CLEAN, or _STAGE_INVALID for a domain that stays as
 * it is. With stopping, no guest is started again.
 */
enum stage reactions_decide(struct reactions *rx, const struct guest *g,
			    const struct config *config, usec_t now, bool stopping);

/* The domain could not be put in order: it is not tried again and again. */
void reactions_give_up(struct reactions *rx, const struct uuid *uuid, uint32_t domid);

DEFINE_CLEANUP(struct reactions, reactions_free);
