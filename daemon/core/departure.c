/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/departure.h"

#include "util/quote.h"
#include "util/str.h"

static bool has_config(const struct inventory *inventory, const struct uuid *uuid)
{
	const struct guest *g = NULL;

	while ((g = inventory_next(inventory, uuid, g)))
		if (g->config)
			return true;
	return false;
}

/* An edit of name= or uuid= makes another guest of the one that has left. */
static bool may_stand_for(const struct guest *g, const struct past *past,
			  const struct inventory *inventory)
{
	if (!past->away || past->away_followed || uuid_equal(&past->uuid, &g->uuid))
		return false;
	if (!str_equal(past->away_name, g->config->name) &&
	    !(past->source && str_equal(past->source, g->config->path)))
		return false;
	return !has_config(inventory, &past->uuid);
}

/* The first one in the ledger that has left and may stand for a guest, and has a text of it. */
static const struct past *find_with(const struct guest *g, const char *text,
				    const struct inventory *inventory)
{
	const struct past *past = NULL;

	while ((past = ledger_next_with(inventory->ledger, text, past)))
		if (may_stand_for(g, past, inventory))
			return past;
	return NULL;
}

static const struct past *find_departed(const struct guest *g, const struct inventory *inventory)
{
	const struct past *called = find_with(g, g->config->name, inventory);
	const struct past *made = find_with(g, g->config->path, inventory);

	return called && made ? (called->number < made->number ? called : made)
			      : (called ? called : made);
}

static int say_departed(struct guest *g, const struct past *past)
{
	return str_format(&g->departed,
			  "%s of UUID %s %s to %s, and %s may stand for that guest. If it does not "
			  "run there, 'xendomainsctl start %s' starts this one here",
			  past->away_name, UUID_TEXT(&past->uuid),
			  past->away_unknown ? "may have been migrated" : "was migrated",
			  past->away, g->config->path, AS_ARGUMENT(g->name));
}

/* Saves the search on most hosts, where no guest was migrated. */
static bool has_departures(const struct ledger *ledger)
{
	for (size_t i = 0; i < ledger->n_pasts; i++)
		if (ledger->pasts[i]->away)
			return true;
	return false;
}

int departure_find_all(struct inventory *inventory)
{
	const struct ledger *ledger = inventory->ledger;
	int r = 0;

	if (!has_departures(ledger))
		return 0;
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];
		const struct past *past;

		if (!g->config || g->config->error || uuid_is_null(&g->uuid) ||
		    (g->domain && !g->domain->dying) || guest_departure(g))
			continue;
		past = find_departed(g, inventory);
		if (past)
			r = say_departed(g, past);
	}
	return r;
}
