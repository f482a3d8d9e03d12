/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Finds the configurations that may stand for a guest that has left by another UUID or name, and
 * says so in guest->departed. 0 or -ENOMEM.
 */
int departure_find_all(struct inventory *inventory);
