/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/config.h"
#include "io/server.h"

/* Who may call: compares the credentials of a peer, as the kernel gives them, with the settings. */

/* Which methods a caller may use, as the settings say; root may use all. */
enum access {
	ACCESS_ANYBODY,
	ACCESS_READ,
	ACCESS_CONTROL,
};

bool access_is_root(const struct connection *c);

/* config: NULL where no settings are in effect. */
bool access_is_given(enum access access, const struct connection *c, const struct config *config);

/* Whether others than root may connect. */
bool access_is_shared(const struct config *config);
