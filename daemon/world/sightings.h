/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"
#include "hv/hv.h"
#include "world/ledger-file.h"

/*
 * Compares two looks at the domains: logs the changes that other tools made, and records in the
 * ledger what they mean for the lives of guests.
 */

struct sighting {
	struct ledger_file *ledger;
	struct hv *hv;
	const struct hv_ends *ended; /* operations that have just ended; NULL: none; borrowed */
	const struct domain_list *old, *new;
	usec_t listed;        /* the wall clock before they were listed: the time of each record */
	usec_t listed_before; /* the same of the old ones; 0: this is the first look */

	/* A domain with memory is gone, and nothing of ours has taken it away. */
	void (*vanished)(void *data, const struct domain *was);
	void *data;
};

/* Logs what others did to domains. */
void sightings_log_differences(const struct sighting *sighting);

/* How many domains have come up. */
uint64_t sightings_count_arrivals(const struct sighting *sighting);

/* Workers record their operations themselves. */
void sightings_record_lives(const struct sighting *sighting);

/* The images that guests outlive which run now. */
void sightings_record_outlived(struct ledger_file *file, const struct inventory *inventory);
