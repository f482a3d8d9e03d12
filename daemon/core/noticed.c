/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/noticed.h"

#include "util/str.h"

/* A reason of guest_state()'s that nothing on record tells, or NULL. */
static const char *reason_of_files(const struct guest *g)
{
	const char *reason;

	guest_state(g, &reason);
	return reason && (reason == g->hold || reason == g->conflict ||
			  (g->config && reason == g->config->error) ||
			  (g->image && reason == g->image->error))
		       ? reason
		       : NULL;
}

/* 0: it is new. */
static usec_t find_earlier(const struct index *x, const struct guest *g)
{
	const struct index_entry *e;

	for (e = index_first(x, g->noticed_for); e; e = index_next(x, e)) {
		const struct guest *earlier = e->item;

		if (earlier->noticed_for == g->noticed_for && str_equal(earlier->name, g->name))
			return earlier->noticed;
	}
	return 0;
}

int noticed_note(struct inventory *inventory, const struct inventory *earlier, usec_t now_wall)
{
	_cleanup_(index_done) struct index x = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && earlier && i < earlier->n; i++)
		if (earlier->guests[i].noticed > 0)
			r = index_add(&x, earlier->guests[i].noticed_for, &earlier->guests[i]);
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];
		const char *reason = reason_of_files(g);

		if (!reason)
			continue;
		g->noticed_for = hash_text(reason);
		g->noticed = find_earlier(&x, g);
		if (g->noticed == 0)
			g->noticed = now_wall;
	}
	return r;
}
