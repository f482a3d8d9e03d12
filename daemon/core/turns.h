/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/step.h"

/* Who comes first among guests whose memory is written or read. */

/*
 * Sorts the guests of each wave that are saved, migrated or restored: the largest first, since a
 * large one that begins last keeps all waiting for it. tight: as if all were late, since a disk
 * that is slower than expected would cut off the most guests otherwise. Those that are late
 * (step.late) come after those in time: first the guests that cannot be shut down instead, then the
 * others, each the smallest first. Guests that are equal in that keep their order, and each other
 * step its place. 0 or -ENOMEM.
 */
int turns_sort(struct step *steps, size_t n_steps, bool tight);

/*
 * Sorts guests in the order in which they are chosen to be saved, where there is not enough for
 * all: first those that cannot be shut down instead, then the others, each the smallest first, so
 * that as many as possible are.
 */
void turns_choose(struct step **steps, size_t n);
