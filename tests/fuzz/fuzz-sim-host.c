/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "fuzz.h"
#include "hv/sim/load.h"
#include "hv/sim/read.h"
#include "util/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(sim_host_freep) struct sim_host *host = NULL;
	_cleanup_free_ char *reason = NULL;
	const struct sim_load load = {.streams = 2, .creates = 2};
	int r = sim_host_read((const char *)data, size, &host, &reason);

	HOLDS(r == 0 || r == -EINVAL);
	HOLDS(r == 0 ? host && !reason : !host && !str_empty(reason));
	for (size_t i = 0; host && i < host->n_guests; i++) {
		const struct sim_guest *g = &host->guests[i];

		HOLDS(!str_empty(g->name));
		HOLDS(g->manager >= 0 && g->manager < _DOMAIN_MANAGER_MAX);
		HOLDS(g->on_crash >= 0 && g->on_crash < _DEATH_ACTION_MAX);
		/* It divides by what was read. */
		sim_load_part(host, g, OPERATION_SAVE, &load, 1);
		sim_load_part(host, g, OPERATION_CREATE, &load, 1);
	}
	return 0;
}
