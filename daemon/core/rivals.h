/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * A guest that is here, running or saved, and a configuration of another that looks like it: a
 * change of uuid= or name= makes two guests of one, which would run on the same disks.
 */

/*
 * Whether a configuration may be of the guest of a name because its file is called so, though it
 * says another name: where the ledger does not know what was made from it, nothing else tells.
 */
bool rivals_by_file(const struct survey_config *c, const char *name, const struct ledger *ledger);

/*
 * Whether a configuration may be of a guest that had this UUID and this name: its file, or its name
 * was that of the guest's last life, or its file is called so.
 */
bool rivals_may_be(const struct survey_config *c, const struct uuid *uuid, const char *name,
		   const struct ledger *ledger);

/* Holds both, for an inventory in which each guest has its parts and its image. 0 or -ENOMEM. */
int rivals_hold(struct inventory *inventory, const struct ledger *ledger);
