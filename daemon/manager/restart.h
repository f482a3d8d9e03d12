/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/plan.h"
#include "world/ledger-file.h"

/*
 * Reactions to our own guests that end by themselves, as xl's monitor process has for guests of xl,
 * with a limit on how often a guest is restarted.
 */
struct reactions;

/* state stays the caller's. NULL: no memory. */
struct reactions *reactions_new(struct ledger_file *ledger);
struct reactions *reactions_free(struct reactions *rx);

/* Whether there may be anything to decide on a guest; most have nothing. */
bool reactions_concern(const struct reactions *rx, const struct guest *g);

/* True if the guest has ended, is ours, and nothing has been decided about this end of it. */
bool reactions_wanted(const struct reactions *rx, const struct guest *g);

/*
 * Decides, and logs it: what is to be done now, or _DEATH_ACTION_INVALID for a domain that stays as
 * it is, or whose restart is put off (reactions_restart_due()). With stopping, no guest is
 * restarted.
 */
enum death_action reactions_decide(struct reactions *rx, const struct guest *g,
				   const struct config *config, usec_t now, bool stopping);

/* When the guest will be restarted; USEC_INFINITY if no restart is due. */
usec_t reactions_restart_due(const struct reactions *rx, const struct guest *g);

/* Decides whether the guest gets its wish to be without its disk (domain.eject) now, and logs it.
 */
bool reactions_eject(struct reactions *rx, const struct guest *g, usec_t now);

/*
 * Decides whether a guest that has suspended after its save had ended (domain.late) is resumed now,
 * and logs it. Another tool that has saved it meanwhile has time to remove it.
 */
bool reactions_resume(struct reactions *rx, const struct guest *g, usec_t now);

/* When there is next something to decide although nothing has changed; USEC_INFINITY: never. */
usec_t reactions_next(const struct reactions *rx, usec_t now);

/* Forgets what it knew of domains that are gone. */
void reactions_forget_gone(struct reactions *rx, const struct inventory *inventory);

/* The reaction failed: it is not tried again and again. */
void reactions_give_up(struct reactions *rx, const struct uuid *uuid, uint32_t domid);

DEFINE_CLEANUP(struct reactions, reactions_free);
