/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "core/inventory.h"

/*
 * The command that a person may type for a guest in this state, whatever else is the case: *ret is
 * the caller's, and NULL where there is none. What has a condition, as a start of a guest that may
 * run elsewhere, or without its memory, is told by the reason alone. config NULL: a start
 * would be refused. 0 or -ENOMEM.
 */
int advice_find(const struct config *config, const struct guest *g, enum guest_state state,
		char **ret);

/*
 * A reason of guest_state()'s, or none, in full: why the guest does not run now, and the choices
 * that a person has, each of which costs something. *ret is the caller's, and NULL where the reason
 * says all. config NULL: as above. 0 or -ENOMEM.
 */
int advice_explain(const struct config *config, const struct guest *g, const char *reason,
		   char **ret);
