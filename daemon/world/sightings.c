/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/sightings.h"

#include "util/domid.h"
#include "util/log.h"
#include "util/str.h"

/* Changes of domains by other tools. */

/* The operation has mostly caused the changes of its domain. */
static bool has_just_ended(const struct sighting *s, const struct domain *d)
{
	return s->ended && uuid_list_has(&s->ended->uuids, &d->uuid);
}

static bool ours_to_tell(const struct sighting *s, const struct domain *d)
{
	return !d->system && !d->dying && !hv_operation(s->hv, &d->uuid) && !has_just_ended(s, d);
}

static void log_domain(const struct domain *d, const char *message_id, const char *text)
{
	struct log_fields fields = {
		.message_id = message_id,
		.domain = d->name,
		.uuid = &d->uuid,
		.domid = d->domid,
		.elapsed = USEC_INFINITY,
	};

	log_message(LOG_INFO, &fields, "%s", text);
}

static void log_rename(const struct domain *was, const struct domain *is)
{
	struct log_fields fields = {
		.message_id = MSG_DOMAIN_RENAMED,
		.domain = is->name,
		.uuid = &is->uuid,
		.domid = is->domid,
		.elapsed = USEC_INFINITY,
	};

	log_message(LOG_INFO, &fields, "was called %s before", was->name);
}

void sightings_log_differences(const struct sighting *s)
{
	const struct domain_list *old = s->old, *new = s->new;

	for (size_t i = 0; i < new->n; i++) {
		const struct domain *is = &new->domains[i];
		const struct domain *was = domain_list_find(old, &is->uuid, is->domid);

		/* A tool gives its domain a name a moment after it has made it. */
		if (!is->name || !ours_to_tell(s, is))
			continue;
		if (was && was->name && !str_equal(was->name, is->name))
			log_rename(was, is);
		else if ((!was || !was->name) && is->manager != DOMAIN_MANAGER_XENDOMAINSD)
			log_domain(is, MSG_DOMAIN_APPEARED, "has appeared");
	}
	for (size_t i = 0; i < old->n; i++) {
		const struct domain *was = &old->domains[i];
		const struct domain *is = domain_list_find(new, &was->uuid, was->domid);

		/* Dying is the end of it: what can follow only gives its memory back. */
		if ((!is || is->dying) && was->name && ours_to_tell(s, was))
			log_domain(was, MSG_DOMAIN_GONE, "is gone");
	}
}

/* Lives. */

static bool is_suspended(const struct domain *d)
{
	return d->shutdown && !d->dying && d->reason == SHUTDOWN_REASON_SUSPEND;
}

/* Workers record their operations themselves. An eject does nothing to the guest. */
static bool ours_to_record(const struct sighting *s, const struct domain *d)
{
	const struct hv_operation *op = hv_operation(s->hv, &d->uuid);

	return !d->system && d->name && (!op || op->operation == OPERATION_EJECT) &&
	       !has_just_ended(s, d);
}

/* Whether another tool has begun its life when an operation for its guest had as good as ended. */
static bool is_of_another(const struct sighting *s, const struct domain *d)
{
	if (d->system || !d->name || !has_just_ended(s, d) || hv_operation(s->hv, &d->uuid))
		return false;
	for (size_t i = 0; i < s->ended->n; i++)
		if (s->ended->items[i].result.domid == d->domid)
			return false;
	return ledger_file_is_later(s->ledger, d, d->name);
}

static bool has_domain(const struct domain_list *domains, const struct uuid *uuid)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next(domains, uuid, d)))
		if (!d->dying)
			return true;
	return false;
}

static const struct domain *find_other_that_lives(const struct domain_list *domains,
						  const struct domain *but)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next(domains, &but->uuid, d)))
		if (d->domid != but->domid && d->name && domain_has_life(d))
			return d;
	return NULL;
}

/* Whether it shut down from within, or because another tool asked it to. */
static bool ended_alone(const struct sighting *s, const struct domain *d)
{
	const struct past *past = ledger_find(ledger_file_get(s->ledger), &d->uuid);

	/* An earlier daemon may have asked it, and waited in vain. */
	return (d->reason == SHUTDOWN_REASON_POWEROFF || d->reason == SHUTDOWN_REASON_REBOOT) &&
	       !hv_has_asked(s->hv, d->domid) &&
	       !(past && past->failure && past->unended == d->domid);
}

/*
 * If another domain with the UUID runs, the life of that one goes on: the guest has rebooted, or a
 * clone has ended, or only the clone is left.
 */
static void record_end(const struct sighting *s, const struct domain *d, enum life how, bool found)
{
	const struct domain *other = find_other_that_lives(s->new, d);

	if (other)
		ledger_file_see_life(s->ledger, &other->uuid, other->name, other->domid, false,
				     s->listed);
	else
		ledger_file_end_life(
			s->ledger, &d->uuid, d->name,
			&(struct life_end){
				.how = how,
				.wall = s->listed,
				.found = found,
				.alone = how == LIFE_ENDED && !found && ended_alone(s, d),
			});
}

/* The state of a domain's life, as one look shows it. */
enum glimpse {
	NOT_BEGUN, /* or missing, or dying, or its guest is not known yet */
	ALIVE,
	SUSPENDED,
	OVER,
};

static enum glimpse glimpse(const struct domain *d)
{
	if (!d || !d->name || d->dying)
		return NOT_BEGUN;
	if (domain_has_life(d))
		return ALIVE;
	if (is_suspended(d))
		return SUSPENDED;
	return d->shutdown ? OVER : NOT_BEGUN;
}

/* The last known time of the guest, or of a domain with its name. */
static usec_t last_known(const struct sighting *s, const struct uuid *uuid, const char *name)
{
	const struct ledger *ledger = ledger_file_get(s->ledger);
	const struct past *past = ledger_find(ledger, uuid);
	usec_t last = 0;

	if (past)
		last = past->lives.wall;
	for (past = NULL; (past = ledger_next_with(ledger, name, past));)
		if (str_equal(past->name, name))
			last = MAX(last, past->lives.wall);
	return last;
}

/*
 * A preserved domain got its UUID when it had ended. Until it has the mark too, the ledger knows
 * its number as that of the guest, since the next life has not begun.
 */
static bool may_be_preserved(const struct sighting *s, const struct domain *d)
{
	return domain_may_be_preserved(d) || ledger_file_knows_domain(s->ledger, d->domid);
}

/* A save leaves a suspended domain. If it is not suspended, another tool has let it run on. */
static bool ended_after_save(const struct sighting *s, const struct domain *d)
{
	const struct past *past = ledger_find(ledger_file_get(s->ledger), &d->uuid);

	return !is_suspended(d) && past && past->lives.last == LIFE_SAVED &&
	       ledger_file_knows_life(s->ledger, &d->uuid, d->domid);
}

static bool is_known(const struct sighting *s, const struct domain *d, const char *name,
		     bool was_there)
{
	return ledger_file_knows_life(s->ledger, &d->uuid, d->domid) ||
	       (!was_there &&
		(may_be_preserved(s, d) || !ledger_file_is_later(s->ledger, d, name)));
}

/*
 * A domain that has ended has run: since the last known time, or since the last look, at which it
 * was missing or had not begun. A younger image may be from this life.
 */
static void record_unseen(const struct sighting *s, const struct domain *d, bool was_there)
{
	_cleanup_free_ char *name = domain_own_name(d);

	if (!name || (!ended_after_save(s, d) && (d->saved || is_known(s, d, name, was_there))))
		return;
	ledger_file_see_life(s->ledger, &d->uuid, name, d->domid, false,
			     s->listed_before > 0 ? s->listed_before
						  : last_known(s, &d->uuid, name) + 1);
}

/* It ended while an operation of ours was under way, when no look records that. */
static bool is_unrecorded(const struct sighting *s, const struct domain *d)
{
	const struct past *past = ledger_find(ledger_file_get(s->ledger), &d->uuid);

	return past && past->lives.last == LIFE_BEGAN && past->lives.domid == d->domid &&
	       ledger_file_knows_life(s->ledger, &d->uuid, d->domid);
}

static void record_life(const struct sighting *s, const struct domain *is)
{
	const struct domain *was = domain_list_find(s->old, &is->uuid, is->domid);
	enum glimpse before = glimpse(was), now = glimpse(is);
	bool found = s->listed_before == 0;

	if (now == ALIVE && is_of_another(s, is)) {
		ledger_file_see_life(s->ledger, &is->uuid, is->name, is->domid, false, s->listed);
		return;
	}
	if (now == before && !(now == OVER && is_unrecorded(s, is)))
		return;
	if (now == NOT_BEGUN || !ours_to_record(s, is))
		return;
	if (now == ALIVE) {
		ledger_file_see_life(s->ledger, &is->uuid, is->name, is->domid, before == SUSPENDED,
				     s->listed);
		return;
	}
	if (before == NOT_BEGUN)
		record_unseen(s, is, was);
	record_end(s, is, now == SUSPENDED ? LIFE_SUSPENDED : LIFE_ENDED, found);
}

/*
 * A guest that a stop had waited for in vain is down after all. How the stop failed is told on: it
 * may not have been saved. One that has rebooted instead is not down.
 */
static void record_late(const struct sighting *s, const struct past *past)
{
	_cleanup_free_ char *text = NULL;

	if (!past->failure || past->unended == DOMID_NONE || has_domain(s->new, &past->uuid))
		return;
	if (str_format(&text, "is down now, but too late for its stop: %s", past->failure) >= 0)
		ledger_file_set_remark(s->ledger, &past->uuid, past->name, text);
}

/* Records suspended domains, and others that a stop had left, that are gone, seen by this daemon or
 * by an earlier one. */
static void record_gone(const struct sighting *s)
{
	const struct ledger *ledger = ledger_file_get(s->ledger);

	for (size_t i = 0; i < ledger->n_pasts; i++) {
		const struct past *past = ledger->pasts[i];

		if (past->lives.last == LIFE_SUSPENDED && !has_domain(s->new, &past->uuid))
			ledger_file_see_gone(s->ledger, &past->uuid, s->listed);
		record_late(s, past);
	}
}

/* The clock was ahead, and has been set back: domains that run get the right time. */
static void check_times(const struct sighting *s)
{
	const struct ledger *ledger = ledger_file_get(s->ledger);
	usec_t now = usec_now_wall();

	for (size_t i = 0; i < ledger->n_pasts; i++) {
		const struct past *past = ledger->pasts[i];
		const struct domain *d;

		if (!lives_is_ahead(&past->lives, now))
			continue;
		d = domain_list_find(s->new, &past->uuid, past->lives.domid);
		if (d && domain_has_life(d) && past->lives.last == LIFE_BEGAN &&
		    ledger_file_knows_life(s->ledger, &past->uuid, d->domid) &&
		    ours_to_record(s, d))
			ledger_file_see_life(s->ledger, &past->uuid, d->name, d->domid, true, now);
		else
			ledger_file_doubt_times(s->ledger, &past->uuid);
	}
}

void sightings_record_lives(const struct sighting *s)
{
	for (size_t i = 0; i < s->new->n; i++)
		record_life(s, &s->new->domains[i]);
	for (size_t i = 0; i < s->old->n; i++) {
		const struct domain *was = &s->old->domains[i];
		const struct domain *is = domain_list_find(s->new, &was->uuid, was->domid);

		if ((is && !is->dying) || was->dying || !ours_to_record(s, was))
			continue;
		if (domain_has_life(was))
			record_end(s, was, LIFE_VANISHED, false);
		if (domain_has_life(was) || is_suspended(was))
			s->vanished(s->data, was);
	}
	record_gone(s);
	check_times(s);
}

/* Images that another guest's domain outlives: both are of one guest, which is its name. */
static void record_replaced(struct ledger_file *file, const struct guest *g)
{
	const struct ledger *ledger = ledger_file_get(file);

	for (size_t i = 0; g->replaced && i < g->n_images; i++) {
		const struct survey_image *image = g->images[i].image;

		if (standing_is_past(g->images[i].standing) && !uuid_is_null(&image->id) &&
		    !standing_is_past(ledger_judge(ledger, &g->uuid, &image->id, image->name,
						   image->written_wall)))
			ledger_file_outlive(file, &g->uuid, g->name, &image->id);
	}
}

void sightings_record_outlived(struct ledger_file *file, const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		record_replaced(file, g);
		if (!g->domain || !domain_has_life(g->domain) || g->busy || g->shared)
			continue;
		for (size_t j = 0; j < g->n_images; j++)
			if (!standing_is_past(g->images[j].standing) &&
			    !uuid_is_null(&g->images[j].image->id))
				ledger_file_outlive(file, &g->uuid, g->name,
						    &g->images[j].image->id);
	}
}

/* A domain that is still being built may have no name yet. */
static bool is_there(const struct domain *d)
{
	return d && !d->system && d->name && !d->dying && domain_condition(d) != DOMAIN_UNBUILT;
}

uint64_t sightings_count_arrivals(const struct sighting *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->new->n; i++) {
		const struct domain *is = &s->new->domains[i];

		if (is_there(is) && !is_there(domain_list_find(s->old, &is->uuid, is->domid)))
			n++;
	}
	return n;
}
