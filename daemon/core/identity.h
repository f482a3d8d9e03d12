/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Matches domains, images and configurations to guests: the one module that decides which of a
 * guest's images is its memory, and which guests must not be started before a person has decided
 * (guest.hold). It matches by UUID first, then by name. A conflict is held and named, never
 * guessed.
 */

/*
 * The guest that a configuration without a UUID stands for: the one of its name that runs, else the
 * one that is saved (in the newest image, where the ledger knows it), else the one that was
 * migrated away, else the one that a UUID was drawn for.
 */
struct uuid identity_of_config(const struct survey_config *config, const struct survey *survey,
			       const struct domain_list *domains, const struct ledger *ledger);

/* Whether the guest that is its name has run since it was saved to the image, with another UUID. */
bool identity_is_followed(const struct known_image *image, const struct survey *survey);

/*
 * Whether the ledger tells of each guest that could be started where it is, and no image is held or
 * trusted for what records are lost.
 */
bool identity_is_settled(const struct inventory *inventory, const struct survey *survey);

/* For an inventory in which each guest has its parts. 0 or -ENOMEM. */
int identity_resolve(struct inventory *inventory, const struct survey *survey,
		     const struct domain_list *domains, const struct ledger *ledger);
