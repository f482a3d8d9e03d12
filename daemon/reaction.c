/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "reaction.h"

#include "util/log.h"
#include "util/str.h"

/* A domain that stays as it is. Its number comes back too late to be taken for another one. */
struct settled {
	struct uuid uuid;
	uint32_t domid;
};

struct reactions {
	struct state *state;
	struct settled *settled;
	size_t n_settled;
};

struct reactions *reactions_new(struct state *state)
{
	struct reactions *rx = calloc(1, sizeof(*rx));

	if (rx)
		rx->state = state;
	return rx;
}

struct reactions *reactions_free(struct reactions *rx)
{
	if (!rx)
		return NULL;
	free(rx->settled);
	free(rx);
	return NULL;
}

static bool is_settled(const struct reactions *rx, const struct domain *d)
{
	for (size_t i = 0; i < rx->n_settled; i++)
		if (rx->settled[i].domid == d->domid && uuid_equal(&rx->settled[i].uuid, &d->uuid))
			return true;
	return false;
}

void reactions_give_up(struct reactions *rx, const struct uuid *uuid, uint32_t domid)
{
	struct settled *bigger = realloc(rx->settled, (rx->n_settled + 1) * sizeof(*bigger));

	if (!bigger)
		return;
	rx->settled = bigger;
	rx->settled[rx->n_settled++] = (struct settled){.uuid = *uuid, .domid = domid};
}

bool reactions_wanted(const struct reactions *rx, const struct guest *g)
{
	const struct domain *d = g->domain;

	return d && d->shutdown && !d->dying && !g->busy &&
	       d->manager == DOMAIN_MANAGER_XENDOMAINSD && d->reason != SHUTDOWN_REASON_SUSPEND &&
	       !is_settled(rx, d);
}

static void log_decision(const struct guest *g, const char *message_id, int level, const char *text)
{
	struct log_fields fields = {
		.message_id = message_id,
		.domain = g->name,
		.uuid = &g->uuid,
		.domid = g->domain->domid,
		.result = shutdown_reason_to_string(g->domain->reason),
		.elapsed = USEC_INFINITY,
	};

	log_message(level, &fields, "has ended (%s): %s", fields.result, text);
}

/* Started again too often: it is cleaned up, stays down, and says so. */
static void hold(struct reactions *rx, const struct guest *g, const struct config *config)
{
	_cleanup_free_ char *text = NULL;

	if (str_format(&text,
		       "has ended %u times within %u s and is left down; "
		       "'xendomainsctl start %s' tries again",
		       config->restart_limit + 1,
		       (unsigned)(config->restart_interval / USEC_PER_SEC), g->name) < 0)
		return;
	log_decision(g, MSG_GUEST_HELD, LOG_ERR, text);
	state_set_failure(rx->state, &g->uuid, g->name, text);
}

enum stage reactions_decide(struct reactions *rx, const struct guest *g,
			    const struct config *config, usec_t now, bool stopping)
{
	enum death_action action = domain_death_action(g->domain);

	if (action == DEATH_PRESERVE) {
		log_decision(g, MSG_GUEST_ENDED, LOG_NOTICE, "is preserved as configured");
		reactions_give_up(rx, &g->uuid, g->domain->domid);
		return _STAGE_INVALID;
	}
	if (action == DEATH_DESTROY || stopping) {
		log_decision(g, MSG_GUEST_ENDED, LOG_INFO, "is removed");
		return STAGE_CLEAN;
	}
	if (!history_may_restart(state_history(rx->state), &g->uuid, now, config->restart_limit,
				 config->restart_interval)) {
		hold(rx, g, config);
		return STAGE_CLEAN;
	}
	log_decision(g, MSG_GUEST_ENDED, LOG_INFO, "is started again");
	state_add_restart(rx->state, &g->uuid, g->name, now);
	return STAGE_RESTART;
}
