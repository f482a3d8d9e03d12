/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/advice.h"

#include "util/quote.h"
#include "util/str.h"

/* Whether a start is refused, or needs a decision first. */
static bool needs_decision(const struct guest *g)
{
	return g->hold || g->departed || g->unseen || guest_departure(g) || g->missing;
}

static int advise_absent(const struct guest *g, char **ret)
{
	if (g->config && g->config->error)
		return str_format(ret, "xl create --dryrun %s", QUOTED(g->config->path));
	if (g->image && g->image->error)
		return str_format(ret, "xendomainsctl image verify %s", QUOTED(g->image->path));
	if (!g->config || g->conflict || needs_decision(g))
		return 0;
	return str_format(ret, "xendomainsctl start %s", QUOTED(g->name));
}

int advice_find(const struct guest *g, enum guest_state state, char **ret)
{
	*ret = NULL;
	switch (state) {
	case GUEST_STOPPED:
	case GUEST_SAVED:
	case GUEST_FAILED:
		return g->domain ? 0 : advise_absent(g, ret);
	case GUEST_CRASHED:
		return str_format(ret, "xendomainsctl restart %s", QUOTED(g->name));
	case GUEST_PAUSED:
		return str_format(ret, "xl unpause %u", g->domain->domid);
	case GUEST_STARTING:
	case GUEST_RUNNING:
	case GUEST_SUSPENDED:
	case GUEST_SAVING:
	case GUEST_RESTORING:
	case GUEST_MIGRATING:
	case GUEST_SHUTTING_DOWN:
	case GUEST_DYING:
	case _GUEST_STATE_MAX:
	case _GUEST_STATE_INVALID:
		break;
	}
	return 0;
}
