/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/host.h"

static void way_done(struct sim_way *w)
{
	free(w->error);
}

static void guest_done(struct sim_guest *g)
{
	free(g->name);
	free(g->config);
	free(g->config_error);
	free(g->image_error);
	free(g->ejects);
	way_done(&g->create);
	way_done(&g->restore);
	way_done(&g->save);
	way_done(&g->destroy);
	way_done(&g->migrate);
	way_done(&g->shutdown);
}

struct sim_host *sim_host_free(struct sim_host *host)
{
	if (!host)
		return NULL;
	for (size_t i = 0; i < host->n_guests; i++)
		guest_done(&host->guests[i]);
	free(host->guests);
	free(host);
	return NULL;
}

const struct sim_way *sim_guest_way(const struct sim_guest *g, enum operation operation)
{
	switch (operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTART:
	case OPERATION_SOFT_RESET:
		return &g->create;
	case OPERATION_RESTORE:
		return &g->restore;
	case OPERATION_SAVE:
		return &g->save;
	case OPERATION_MIGRATE:
		return &g->migrate;
	case OPERATION_RESUME:
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return &g->destroy;
}
