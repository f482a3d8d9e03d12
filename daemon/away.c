/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "away.h"

#include "util/log.h"
#include "util/str.h"

static struct log_fields make_fields(const struct hv_operation *operation, const char *message_id)
{
	return (struct log_fields){
		.message_id = message_id,
		.domain = operation->name,
		.uuid = &operation->uuid,
		.operation = operation_to_string(operation->operation),
		LOG_FIELDS_NONE,
	};
}

void away_note(struct state *state, const struct hv_operation *operation,
	       const struct operation_result *result)
{
	struct log_fields fields;

	if (operation->operation != OPERATION_MIGRATE)
		return;
	if (result->error == -ENOTRECOVERABLE) {
		fields = make_fields(operation, MSG_GUEST_UNDECIDED);
		fields.result = "failed";
		log_message(LOG_CRIT, &fields, "%s", result->reason);
	} else if (result->error >= 0 && result->target) {
		state_set_away(state, &operation->uuid, operation->name, result->target);
		fields = make_fields(operation, MSG_GUEST_MIGRATED);
		fields.result = "ok";
		log_message(LOG_NOTICE, &fields, "was migrated to %s", result->target);
	}
}

/* A paused one may be on its way here, and come to nothing; another may be a copy left here. */
static bool lives(const struct domain *d)
{
	return !d->system && !d->dying && !d->shutdown && !d->paused;
}

/* Whether there is a domain of this guest that is not dying. */
static bool has_domain(const struct domain_list *domains, const struct uuid *uuid)
{
	for (size_t i = 0; i < domains->n; i++)
		if (uuid_equal(&domains->domains[i].uuid, uuid) && !domains->domains[i].dying)
			return true;
	return false;
}

/* Somebody has looked on the other host, and done here as it was said. */
static void settle(struct state *state, const struct past *past)
{
	struct log_fields fields = {
		.message_id = MSG_GUEST_MIGRATED,
		.domain = past->away_name,
		.uuid = &past->uuid,
		.operation = operation_to_string(OPERATION_MIGRATE),
		.result = "ok",
		LOG_FIELDS_NONE,
	};

	log_message(LOG_NOTICE, &fields, "what was left of it here is removed: it runs on %s",
		    past->away);
	state_set_failure(state, &past->uuid, past->away_name, NULL);
	state_set_away(state, &past->uuid, past->away_name, past->away);
}

static void look_at_copies(struct state *state, struct hv *hv, const struct domain_list *domains)
{
	const struct history *h = state_history(state);

	for (size_t i = 0; i < h->n_pasts; i++) {
		const struct past *past = h->pasts[i];

		if (!past->away_unknown || hv_operation(hv, &past->uuid))
			continue;
		if (has_domain(domains, &past->uuid))
			state_see_copy(state, &past->uuid);
		else if (past->away_copy)
			settle(state, past);
	}
}

void away_look(struct state *state, struct hv *hv, const struct domain_list *domains)
{
	look_at_copies(state, hv, domains);
	for (size_t i = 0; i < domains->n; i++) {
		const struct domain *d = &domains->domains[i];
		const struct past *past = history_find(state_history(state), &d->uuid);

		if (past && past->away && lives(d) && !hv_operation(hv, &d->uuid))
			state_set_home(state, &d->uuid, d->name);
	}
}
