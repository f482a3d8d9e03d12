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

void away_note(struct ledger_file *ledger, const struct hv_operation *operation,
	       const struct operation_result *result)
{
	struct log_fields fields;

	if (operation->operation != OPERATION_MIGRATE)
		return;
	if (result->outcome == OPERATION_UNDECIDED) {
		fields = make_fields(operation, MSG_GUEST_UNDECIDED);
		fields.result = "failed";
		log_message(LOG_CRIT, &fields, "%s", result->reason);
	} else if (result->outcome == OPERATION_OK && result->target) {
		ledger_file_set_away(ledger, &operation->uuid, operation->name, result->target);
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
static void settle(struct ledger_file *ledger, const struct past *past)
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
	ledger_file_set_failure(ledger, &past->uuid, past->away_name, NULL);
	ledger_file_set_away(ledger, &past->uuid, past->away_name, past->away);
}

static void look_at_copies(struct ledger_file *ledger, struct hv *hv,
			   const struct domain_list *domains)
{
	const struct ledger *h = ledger_file_get(ledger);

	for (size_t i = 0; i < h->n_pasts; i++) {
		const struct past *past = h->pasts[i];

		if (!past->away_unknown || hv_operation(hv, &past->uuid))
			continue;
		if (has_domain(domains, &past->uuid))
			ledger_file_see_copy(ledger, &past->uuid);
		else if (past->away_copy)
			settle(ledger, past);
	}
}

void away_look(struct ledger_file *ledger, struct hv *hv, const struct domain_list *domains)
{
	look_at_copies(ledger, hv, domains);
	for (size_t i = 0; i < domains->n; i++) {
		const struct domain *d = &domains->domains[i];
		const struct past *past = ledger_find(ledger_file_get(ledger), &d->uuid);

		if (past && past->away && lives(d) && !hv_operation(hv, &d->uuid))
			ledger_file_set_home(ledger, &d->uuid, d->name);
	}
}
