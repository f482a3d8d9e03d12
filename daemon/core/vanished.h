/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"

/*
 * Domains that went at once (survey.vanished), found by the UUID and the texts that say which guest
 * one was. Each is borrowed.
 */
struct vanished_index {
	const struct vanished_list *list;
	const struct ledger *ledger;
	struct index index;
};

/* 0 or -ENOMEM. */
int vanished_index_init(struct vanished_index *v, const struct vanished_list *list,
			const struct ledger *ledger);
void vanished_index_done(struct vanished_index *v);

/*
 * Whether a guest may be one of them: by its UUID or name, or because its configuration was of one
 * before that was given another name or UUID.
 */
bool vanished_index_has(const struct vanished_index *v, const struct guest *g);
