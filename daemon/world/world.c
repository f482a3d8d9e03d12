/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/world.h"

#include "core/inventory-build.h"
#include "core/noticed.h"
#include "util/log.h"
#include "util/str.h"
#include "world/sightings.h"
#include "world/world-private.h"

/* Changes come in bursts, and guests can cause some: no more than one listing in this time. */
#define UPDATE_INTERVAL (50 * USEC_PER_MSEC)

/*
 * With thousands of domains a look takes long: after each, the daemon rests so many times as long
 * as the look took, but no longer than this.
 */
#define REST_SHARE 4
#define REST_MAX   (1 * USEC_PER_SEC)

/* How often a domain is looked at that may begin to run without an event, and after a failure. */
#define QUIET_INTERVAL (1 * USEC_PER_SEC)

/* News of the domains. */

/* Another tool may have saved it, to a file that the surveys have not seen. */
static void on_vanished(void *data, const struct domain *was)
{
	struct world *w = data;
	struct survey *survey = w->coming ? w->coming : w->survey;

	vanished_list_add(&survey->vanished, &was->uuid, was->name);
	if (w->surveying)
		vanished_list_add(&w->vanished, &was->uuid, was->name);
}

static struct sighting make_sighting(struct world *w, const struct domain_list *new, usec_t listed)
{
	return (struct sighting){
		.ledger = w->ledger,
		.hv = w->hv,
		.ended = w->ended,
		.old = w->domains,
		.new = new,
		.listed = listed,
		.listed_before = w->listed,
		.vanished = on_vanished,
		.data = w,
	};
}

static bool has_one_that_may_begin(struct world *w)
{
	for (size_t i = 0; i < w->domains->n; i++)
		if (domain_may_begin_to_run(&w->domains->domains[i]) &&
		    !hv_operation(w->hv, &w->domains->domains[i].uuid))
			return true;
	return false;
}

/* Putting it together. */

/* How much of its memory has left the guest, in thousandths. */
static unsigned how_far(const struct hv_operation *op)
{
	return op->operation == OPERATION_SAVE || op->operation == OPERATION_MIGRATE ? op->permille
										     : 0;
}

int world_rebuild(struct world *w, struct survey *survey, struct domain_list *domains)
{
	struct inventory *inventory = NULL;
	const struct hv_operation *op;
	int r = inventory_build(survey, domains, ledger_file_get(w->ledger), &inventory);

	r = r < 0 ? r : noticed_note(inventory, w->inventory, usec_now_wall());
	if (r < 0) {
		inventory_free(inventory);
		return r;
	}
	for (size_t i = 0; (op = hv_next_operation(w->hv, i)); i++)
		inventory_set_busy(inventory, &op->uuid, how_far(op));
	inventory_free(w->inventory);
	w->inventory = inventory;
	if (w->survey != survey)
		survey_free(w->survey);
	w->survey = survey;
	if (w->domains != domains)
		domain_list_free(w->domains);
	w->domains = domains;
	return 0;
}

static void rest(struct world *w)
{
	usec_t now = loop_now(w->loop), rest = REST_SHARE * (now - w->updated);

	w->rested = now + MIN(rest, REST_MAX);
}

static int look(struct world *w)
{
	struct log_fields unlisted = {.message_id = MSG_DOMAINS_UNLISTED, LOG_FIELDS_NONE};
	_cleanup_(domain_list_freep) struct domain_list *domains = NULL;
	struct sighting sighting;
	usec_t now = usec_now_wall();
	int r;

	if (w->lost)
		return -ENOTCONN;
	timer_clear(w->update);
	w->updated = loop_now(w->loop);
	r = hv_list(w->hv, &domains);
	r = r < 0 ? r : domain_list_keep_names(domains, w->domains);
	r = r < 0 ? r : domain_list_index(domains);
	if (r < 0) {
		log_message(LOG_ERR, &unlisted, "Failed to list the domains: %s", strerror(-r));
		return r;
	}
	sighting = make_sighting(w, domains, now);
	sightings_log_differences(&sighting);
	w->arrivals += sightings_count_arrivals(&sighting);
	sightings_record_lives(&sighting);
	w->listed = now;
	r = world_rebuild(w, w->coming ? w->coming : w->survey, domains);
	if (r < 0)
		return log_error_errno(r, "Failed to update the list of guests");
	TAKE_PTR(domains);
	rest(w);
	if (has_one_that_may_begin(w) && !timer_is_set(w->update))
		timer_set(w->update, w->updated + QUIET_INTERVAL);
	return 0;
}

int world_update(struct world *w)
{
	int r = look(w);

	w->stale = r < 0;
	if (r >= 0)
		w->callbacks.changed(w->callbacks.data);
	else if (!w->lost && !timer_is_set(w->update))
		timer_set(w->update, w->updated + QUIET_INTERVAL);
	return r;
}

static void on_update(void *data)
{
	world_update(data);
}

static void on_changed(void *data)
{
	struct world *w = data;

	timer_set(w->update, MAX(w->updated + UPDATE_INTERVAL, w->rested));
}

static void on_progress(void *data, const struct hv_operation *operation)
{
	struct world *w = data;

	w->callbacks.progress(w->callbacks.data, operation);
}

static void expect_changes(struct world *w, const struct hv_ends *ended)
{
	ledger_file_refresh(w->ledger);
	w->ended = ended;
	world_update(w);
	w->ended = NULL;
}

/* Many operations end together. Until its end is told, each is in flight for all callers. */
static void on_ends(void *data)
{
	struct world *w = data;
	struct hv_ends ends = hv_take_ends(w->hv);

	expect_changes(w, &ends);
	for (size_t i = 0; i < ends.n; i++)
		w->callbacks.finished(w->callbacks.data, &ends.items[i].operation,
				      &ends.items[i].result);
	hv_ends_done(&ends);
}

static void on_finished(void *data, const struct hv_operation *operation,
			const struct operation_result *result)
{
	struct world *w = data;
	struct hv_end end = {.operation = *operation, .result = *result};
	const struct hv_ends ends = {
		.items = &end, .n = 1, .uuids = {.items = &end.operation.uuid, .n = 1}};

	if (hv_add_end(w->hv, operation, result) >= 0) {
		if (!timer_is_set(w->ends))
			timer_set(w->ends, MAX(loop_now(w->loop), w->rested));
		return;
	}
	expect_changes(w, &ends);
	w->callbacks.finished(w->callbacks.data, operation, result);
}

static void on_lost(void *data, const char *reason)
{
	struct log_fields fields = {.message_id = MSG_XENSTORE_LOST, LOG_FIELDS_NONE};
	struct world *w = data;

	if (w->lost || str_replace(&w->lost, reason) < 0)
		return;
	log_message(LOG_CRIT, &fields, "Nothing can be done to guests any more: %s", reason);
	w->callbacks.lost(w->callbacks.data);
}

int world_new(struct loop *loop, struct hv *hv_taken, struct ledger_file *ledger,
	      const struct world_callbacks *callbacks, struct world **ret)
{
	_cleanup_(domain_list_freep) struct domain_list *domains = NULL;
	_cleanup_(hv_freep) struct hv *hv = hv_taken;
	_cleanup_(world_freep) struct world *w = calloc(1, sizeof(*w));
	struct sighting sighting;
	usec_t now = usec_now_wall();
	int r;

	if (!w)
		return -ENOMEM;
	*w = (struct world){.loop = loop, .ledger = ledger, .callbacks = *callbacks};
	TAILQ_INIT(&w->waiters);
	w->survey = calloc(1, sizeof(*w->survey));
	if (!w->survey)
		return -ENOMEM;
	w->survey->unlisted = true;
	hv->callbacks = (struct hv_callbacks){
		.changed = on_changed,
		.progress = on_progress,
		.finished = on_finished,
		.surveyed = world_on_surveyed,
		.lost = on_lost,
		.data = w,
	};
	w->hv = TAKE_PTR(hv);
	r = timer_new(loop, on_update, w, &w->update);
	r = r < 0 ? r : timer_new(loop, on_ends, w, &w->ends);
	r = r < 0 ? r : hv_list(w->hv, &domains);
	r = r < 0 ? r : domain_list_index(domains);
	if (r < 0)
		return r;
	w->domains = calloc(1, sizeof(*w->domains));
	if (!w->domains)
		return -ENOMEM;
	/* Domains that run now began before the first look of this daemon. */
	sighting = make_sighting(w, domains, now);
	sightings_record_lives(&sighting);
	w->listed = now;
	r = world_rebuild(w, w->survey, domains);
	if (r < 0)
		return r;
	TAKE_PTR(domains);
	*ret = TAKE_PTR(w);
	return 0;
}

struct world *world_free(struct world *w)
{
	struct waiter *waiter;

	if (!w)
		return NULL;
	while ((waiter = TAILQ_FIRST(&w->waiters)))
		waiter_free(waiter);
	hv_free(w->hv);
	timer_free(w->update);
	timer_free(w->ends);
	inventory_free(w->inventory);
	survey_free(w->survey);
	vanished_list_done(&w->vanished);
	domain_list_free(w->domains);
	free(w->autostart);
	free(w->save);
	free(w->lost);
	free(w);
	return NULL;
}

int world_set_folders(struct world *w, const char *autostart, const char *save)
{
	int r = str_replace(&w->autostart, autostart);

	/* A survey that is under way reads the old ones. */
	w->surveyed = w->survey_began = 0;
	w->moved = true;
	return r < 0 ? r : str_replace(&w->save, save);
}

struct hv *world_hv(const struct world *w)
{
	return w->hv;
}

const struct inventory *world_inventory(const struct world *w)
{
	return w->inventory;
}

const struct domain_list *world_domains(const struct world *w)
{
	return w->domains;
}

const char *world_note(const struct world *w, size_t index)
{
	return index < w->survey->n_notes ? w->survey->notes[index] : NULL;
}

bool world_is_stale(const struct world *w)
{
	return w->stale;
}

uint64_t world_arrivals(const struct world *w)
{
	return w->arrivals;
}

const char *world_lost(const struct world *w)
{
	return w->lost;
}
