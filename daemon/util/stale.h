/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"

/* Saved images that must not be restored any more, and why. */
struct stale {
	char *path;
	char *reason; /* NULL: the one that holds for the whole list */
	bool past;    /* the ledger says so, or will before the guest runs, wherever the file is */
};

struct stale_list {
	struct stale *items;
	size_t n;
};

/* 0 or -ENOMEM. */
int stale_list_add(struct stale_list *list, const char *path, const char *reason, bool past);
void stale_list_done(struct stale_list *list);
