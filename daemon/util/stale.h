/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/uuid.h"

/* Saved images that must not be restored any more, and why. */
struct stale {
	char *path;   /* NULL: it is not here, and only the ledger can be told */
	char *reason; /* NULL: the one that holds for the whole list */
	bool past;    /* the ledger says so, or will before the guest runs, wherever the file is */
	struct uuid guest, image; /* of another guest, for the ledger; null: of the guest itself */
};

struct stale_list {
	struct stale *items;
	size_t n;
};

/* Adds a copy. 0 or -ENOMEM. */
int stale_list_add(struct stale_list *list, const struct stale *stale);
void stale_list_done(struct stale_list *list);
