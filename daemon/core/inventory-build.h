/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Guests come in the order of their configurations' file names, then those with an image only,
 * then other domains by domid. Survey and domains must be indexed: else -EINVAL. 0 or -errno.
 */
int inventory_build(const struct survey *survey, const struct domain_list *domains,
		    const struct ledger *ledger, struct inventory **ret);
