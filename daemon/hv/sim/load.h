/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/sim/host.h"

/* What operations on the simulated host share: its disk and its CPUs. */

/* The operations at work. */
struct sim_load {
	unsigned streams; /* saves and restores */
	unsigned creates;
};

/* Whether operations on the host slow each other down at all. */
bool sim_load_matters(const struct sim_host *host);

void sim_load_add(struct sim_load *load, enum operation operation);

/* How many parts an operation has. After each it tells how far it is, and looks at the load again.
 */
unsigned sim_load_parts(const struct sim_host *host, const struct sim_guest *g,
			enum operation operation);

/* How long one of so many parts of an operation takes, while such a load is on the host. */
usec_t sim_load_part(const struct sim_host *host, const struct sim_guest *g,
		     enum operation operation, const struct sim_load *load, unsigned parts);
