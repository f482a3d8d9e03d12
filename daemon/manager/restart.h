/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/plan.h"
#include "world/ledger-file.h"

/*
 * Reactions to our own guests that end by themselves, as xl's monitor process has for guests of xl,
 * with a limit on how often a guest is restarted.
 */
struct restarts;

/* state stays the caller's. NULL: no memory. */
struct restarts *restarts_new(struct ledger_file *ledger);
struct restarts *restarts_free(struct restarts *rx);

/* Whether there may be anything to decide on a guest; most have nothing. */
bool restarts_concern(const struct restarts *rx, const struct guest *g);

/* True if the guest has ended, is ours, and nothing has been decided about this end of it. */
bool restarts_wanted(const struct restarts *rx, const struct guest *g);

/*
 * Decides, and logs it: what is to be done now, or _DEATH_ACTION_INVALID for a domain that stays as
 * it is, or whose restart is put off (restarts_due()). With stopping, no guest is
 * restarted.
 */
enum death_action restarts_decide(struct restarts *rx, const struct guest *g,
				  const struct config *config, usec_t now, bool stopping);

/* When the guest will be restarted; USEC_INFINITY if no restart is due. */
usec_t restarts_due(const struct restarts *rx, const struct guest *g);

/* Decides whether the guest gets its wish to be without its disk (domain.eject) now, and logs it.
 */
bool restarts_eject(struct restarts *rx, const struct guest *g, usec_t now);

/*
 * Decides whether a guest that has suspended after its save had ended (domain.late) is resumed now,
 * and logs it. Another tool that has saved it meanwhile has time to remove it.
 */
bool restarts_resume(struct restarts *rx, const struct guest *g, usec_t now);

/* When there is next something to decide although nothing has changed; USEC_INFINITY: never. */
usec_t restarts_next(const struct restarts *rx, usec_t now);

/* Forgets what it knew of domains that are gone. */
void restarts_forget_gone(struct restarts *rx, const struct inventory *inventory);

/* The reaction failed: it is not tried again and again. */
void restarts_give_up(struct restarts *rx, const struct uuid *uuid, uint32_t domid);

DEFINE_CLEANUP(struct restarts, restarts_free);
