/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Configurations that can be read and not used, and why (guest.conflict): two of one name or UUID,
 * and UUIDs that no guest can have. Each of two names the other: the order of files decides
 * nothing.
 */

/* A second configuration of the first guest's UUID is a guest of its own. 0 or -ENOMEM. */
int conflicts_add_uuid(struct guest *first, struct guest *second);

/* For an inventory in which each guest has its configuration. 0 or -ENOMEM. */
int conflicts_find(struct inventory *inventory, const struct domain_list *domains);

/*
 * Holds a guest in conflict, unless its image is known to be its newest: its files do not tell
 * which guest it is. 0 or -ENOMEM.
 */
int conflicts_hold(struct guest *g);
