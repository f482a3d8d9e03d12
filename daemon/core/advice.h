/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * The command that a person may type, without a further thought, for a guest that is in this state:
 * *ret is the caller's, and NULL where there is none. What has a condition, as a start of a guest
 * that may run elsewhere, or without its memory, is told by the reason alone. 0 or -ENOMEM.
 */
int advice_find(const struct guest *g, enum guest_state state, char **ret);
