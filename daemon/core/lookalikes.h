/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Guests whose configuration may stand for another guest, found by the texts that tell: its name,
 * its path, and what its file is called. Who asks compares.
 */
struct lookalikes {
	struct index index;
	struct guest **found; /* by the last lookalikes_find(), each once, in their order */
	size_t n_found, room;
};

/* 0 or -ENOMEM. */
int lookalikes_add(struct lookalikes *l, struct guest *g);

/*
 * Those for a guest without a configuration. name: by which it is known here, besides its own;
 * NULL: by none. 0 or -ENOMEM.
 */
int lookalikes_find(struct lookalikes *l, const struct guest *g, const char *name,
		    const struct ledger *ledger);

void lookalikes_done(struct lookalikes *l);
