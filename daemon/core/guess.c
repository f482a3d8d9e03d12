/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/guess.h"

#include <inttypes.h>
#include <stdio.h>

#include "util/nearest.h"
#include "util/str.h"

static bool has_domid(const struct guest *g, const char *name)
{
	char domid[sizeof("4294967295")];

	if (!g->domain)
		return false;
	snprintf(domid, sizeof(domid), "%" PRIu32, g->domain->domid);
	return str_equal(domid, name);
}

static bool has_file(const struct guest *g, const char *name)
{
	return g->config && str_equal(path_base(g->config->path), path_base(name));
}

const char *guess_guest(const struct inventory *inventory, const char *name)
{
	struct nearest nearest = {.word = name};

	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (has_domid(g, name) || has_file(g, name))
			return g->name;
		if (g->domain || g->config || !g->replaced)
			nearest_consider(&nearest, g->name);
	}
	return nearest.found;
}
