/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/migrated.h"

#include "util/log.h"
#include "util/result.h"
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

void migrated_note(struct ledger_file *ledger, const struct hv_operation *operation,
		   const struct operation_result *result)
{
	struct log_fields fields;

	if (operation->operation != OPERATION_MIGRATE)
		return;
	if (result->outcome == OPERATION_UNDECIDED) {
		fields = make_fields(operation, MSG_GUEST_UNDECIDED);
		fields.result = result_to_string(RESULT_FAILED);
		log_message(LOG_CRIT, &fields, "%s", result->reason);
	} else if (result->outcome == OPERATION_OK && result->target) {
		ledger_file_set_away(ledger, &operation->uuid, operation->name, result->target);
		fields = make_fields(operation, MSG_GUEST_MIGRATED);
		fields.result = result_to_string(RESULT_OK);
		log_message(LOG_NOTICE, &fields, "was migrated to %s", result->target);
	}
}

/* A paused one may be on its way here, and come to nothing; another may be a copy left here. */
static bool lives(const struct domain *d)
{
	return !d->system && !d->dying && !d->shutdown && !d->paused;
}

/* A clone that kept the UUID is not the guest that went away. */
static bool is_it(const struct past *past, const struct domain *d)
{
	return domain_is_called(d, past->away_name) ||
	       (d->source && str_equal(d->source, past->source));
}

/* Whether there is a domain of this guest that is not dying. */
static bool has_domain(const struct domain_list *domains, const struct past *past)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next(domains, &past->uuid, d)))
		if (!d->dying && is_it(past, d))
			return true;
	return false;
}

/* An administrator has looked on the other host, and done here as it was said. */
static void settle(struct ledger_file *ledger, const struct past *past)
{
	struct log_fields fields = {
		.message_id = MSG_GUEST_MIGRATED,
		.domain = past->away_name,
		.uuid = &past->uuid,
		.operation = operation_to_string(OPERATION_MIGRATE),
		.result = result_to_string(RESULT_OK),
		LOG_FIELDS_NONE,
	};

	log_message(LOG_NOTICE, &fields,
		    "The suspended domain here was removed: the guest runs on %s", past->away);
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
		if (has_domain(domains, past))
			ledger_file_see_copy(ledger, &past->uuid);
		else if (past->away_copy)
			settle(ledger, past);
	}
}

/* Another one of this guest may run here: it was migrated from this host to this host. */
static bool runs_here(const struct domain_list *domains, const struct uuid *uuid)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next(domains, uuid, d)))
		if (lives(d))
			return true;
	return false;
}

/* From now on it may run there, also where this host loses its power before xl is done. */
static void note_handed_over(struct ledger_file *ledger, const struct domain *d)
{
	_cleanup_free_ char *name = domain_own_name(d);
	struct log_fields fields = {
		.domain = name,
		.uuid = &d->uuid,
		.domid = d->domid,
		.operation = operation_to_string(OPERATION_MIGRATE),
		.elapsed = USEC_INFINITY,
	};

	if (!name)
		return;
	log_message(LOG_NOTICE, &fields, "another tool has handed it to another host");
	ledger_file_set_leaving(ledger, &d->uuid, name, AWAY_ELSEWHERE);
	/* It is not listed again where xl destroys it already. */
	ledger_file_see_copy(ledger, &d->uuid);
}

/* What xl says of a migration by the name that it gives the domain, and takes back if it fails. */
static void look_at_names(struct ledger_file *ledger, struct hv *hv,
			  const struct domain_list *domains)
{
	for (size_t i = 0; i < domains->n; i++) {
		const struct domain *d = &domains->domains[i];
		bool returned = domain_condition(d) == DOMAIN_SUSPENDED;
		const struct past *past;
		bool away;

		if (d->system || (!returned && !domain_is_handed_over(d)) ||
		    hv_operation(hv, &d->uuid))
			continue;
		past = ledger_find(ledger_file_get(ledger), &d->uuid);
		away = past && past->away;
		/* A person may have called it so all along. */
		if (domain_is_handed_over(d) && !away && !runs_here(domains, &d->uuid) &&
		    !(past && str_equal(past->name, d->name)))
			note_handed_over(ledger, d);
		else if (returned && away && past->away_unknown && past_is_elsewhere(past))
			ledger_file_set_returned(ledger, &d->uuid, d->name);
	}
}

void migrated_look(struct ledger_file *ledger, struct hv *hv, const struct domain_list *domains)
{
	look_at_names(ledger, hv, domains);
	look_at_copies(ledger, hv, domains);
	for (size_t i = 0; i < domains->n; i++) {
		const struct domain *d = &domains->domains[i];
		const struct past *past = ledger_find(ledger_file_get(ledger), &d->uuid);

		if (past && past->away && lives(d) && is_it(past, d) && !hv_operation(hv, &d->uuid))
			ledger_file_set_returned(ledger, &d->uuid, d->name);
	}
}
