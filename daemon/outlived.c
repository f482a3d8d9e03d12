/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "outlived.h"

/* Images that another guest's domain outlives: both are of one guest, which is its name. */
static void record_replaced(struct ledger_file *file, const struct guest *g)
{
	const struct ledger *ledger = ledger_file_get(file);

	for (size_t i = 0; g->replaced && i < g->n_images; i++) {
		const struct survey_image *image = g->images[i].image;

		if (standing_is_past(g->images[i].standing) && !uuid_is_null(&image->id) &&
		    !standing_is_past(
			    ledger_judge(ledger, &g->uuid, &image->id, image->written_wall)))
			ledger_file_outlive(file, &g->uuid, g->name, &image->id);
	}
}

void outlived_record(struct ledger_file *file, const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		record_replaced(file, g);
		if (!g->domain || !domain_has_life(g->domain) || g->busy || g->shared)
			continue;
		for (size_t j = 0; j < g->n_images; j++)
			if (!standing_is_past(g->images[j].standing) &&
			    !uuid_is_null(&g->images[j].image->id))
				ledger_file_outlive(file, &g->uuid, g->name,
						    &g->images[j].image->id);
	}
}
