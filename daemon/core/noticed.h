/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Since when each guest fails whose files say so, with no date of their own: the earlier inventory,
 * which may be NULL, knows, or it is now. 0 or -ENOMEM.
 */
int noticed_note(struct inventory *inventory, const struct inventory *earlier, usec_t now_wall);
