/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/inventory.h"

#include "core/leftover.h"
#include "util/outcome.h"
#include "util/str.h"

static void guest_done(struct guest *g)
{
	free(g->images);
	free(g->rivals);
	free(g->hold);
	free(g->departed);
	free(g->warning);
	free(g->conflict);
	free(g->own_name);
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	for (size_t i = 0; i < inventory->n; i++)
		guest_done(&inventory->guests[i]);
	index_done(&inventory->by_uuid);
	free(inventory->guests);
	free(inventory);
}

int guest_hold(struct guest *g, const char *format, ...)
{
	va_list ap;
	int r;

	if (g->hold)
		return 0;
	va_start(ap, format);
	r = str_vformat(&g->hold, format, ap);
	va_end(ap);
	return r;
}

struct guest *inventory_next(const struct inventory *inventory, const struct uuid *uuid,
			     const struct guest *after)
{
	const struct index *x = &inventory->by_uuid;
	const struct index_entry *e = after ? index_next(x, &x->entries[after - inventory->guests])
					    : index_first(x, hash_uuid(uuid));

	while (e && !uuid_equal(&((struct guest *)e->item)->uuid, uuid))
		e = index_next(x, e);
	return e ? e->item : NULL;
}

const struct guest *inventory_find(const struct inventory *inventory, const struct uuid *uuid)
{
	return uuid_is_null(uuid) ? NULL : inventory_next(inventory, uuid, NULL);
}

void inventory_set_busy(struct inventory *inventory, const struct uuid *uuid, unsigned permille)
{
	struct guest *g = NULL;

	while (!uuid_is_null(uuid) && (g = inventory_next(inventory, uuid, g))) {
		g->busy = true;
		g->done = MIN(permille, 1000U);
	}
}

bool guest_is_named(const struct guest *g, const char *name)
{
	struct uuid uuid;

	return str_equal(g->name, name) ||
	       (uuid_parse(name, &uuid) >= 0 && uuid_equal(&g->uuid, &uuid));
}

const struct guest *inventory_find_running(const struct inventory *inventory, const char *name)
{
	struct uuid uuid;
	bool by_uuid = uuid_parse(name, &uuid) >= 0;

	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (g->domain && !g->domain->dying &&
		    (str_equal(g->name, name) || (by_uuid && uuid_equal(&g->uuid, &uuid))))
			return g;
	}
	return NULL;
}

/* A file that cannot be used may be called like a guest that is there. */
static int nearness(const struct guest *g)
{
	if (uuid_is_null(&g->uuid))
		return 0;
	return g->config && (g->domain || g->n_images > 0) ? 2 : 1;
}

const struct guest *inventory_find_named(const struct inventory *inventory, const char *name)
{
	const struct guest *found = NULL;
	struct uuid uuid;

	if (uuid_parse(name, &uuid) >= 0 && inventory_find(inventory, &uuid))
		return inventory_find(inventory, &uuid);
	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (str_equal(g->name, name) && (!found || nearness(g) > nearness(found)))
			found = g;
	}
	return found;
}

/* xl gives a guest without uuid= a new UUID each time: such an image is the guest's own. */
static bool runs_on_from(const struct guest *g, const struct known_image *image)
{
	return image->followed && g->config && !g->config->has_uuid &&
	       str_equal(image->name, g->name);
}

const struct known_image *inventory_find_others_image(const struct inventory *inventory,
						      const struct guest *g, const char *path)
{
	const struct past *past = NULL;

	while ((past = ledger_next_with(inventory->ledger, path, past))) {
		bool same = uuid_equal(&past->uuid, &g->uuid);

		for (size_t j = 0; j < past->lives.n_images; j++) {
			const struct known_image *image = past->lives.images[j];

			/* One that is not certain may be the newest. */
			if ((image->standing == IMAGE_NEWEST ||
			     image->standing == IMAGE_DISPUTED) &&
			    str_equal(image->path, path) &&
			    !(same && (!image->name || str_equal(image->name, g->name))) &&
			    !runs_on_from(g, image))
				return image;
		}
	}
	return NULL;
}

bool inventory_is_stranger(const struct guest *g, const struct domain *d)
{
	if (!d->name || (!g->config && g->n_images == 0))
		return false;
	if (g->config)
		return !domain_is_called(d, g->config->name) &&
		       !str_equal(d->source, g->config->path);
	for (size_t i = 0; i < g->n_images; i++)
		if (domain_is_called(d, g->images[i].image->name))
			return false;
	return true;
}

bool standing_is_past(enum image_standing standing)
{
	return standing == IMAGE_OUTLIVED || standing == IMAGE_USED_UP;
}

const char *standing_why_past(enum image_standing standing)
{
	return standing == IMAGE_USED_UP ? "the guest has run from it already"
					 : "the guest has run since it was saved";
}

bool guest_is_alive(const struct guest *g)
{
	return g->domain && !g->domain->dying && !g->domain->shutdown;
}

const struct past *guest_departure(const struct guest *g)
{
	const struct past *past = g->past;

	if (!past || !past->away)
		return NULL;
	return past->away_followed && g->config && !g->config->error && !g->config->has_uuid &&
			       str_equal(g->config->name, past->away_name)
		       ? NULL
		       : past;
}

bool guest_is_undecided(const struct guest *g)
{
	return g->domain && g->domain->shutdown && !g->domain->dying &&
	       g->domain->reason == SHUTDOWN_REASON_SUSPEND && !g->busy && g->past &&
	       g->past->away_unknown && !past_is_elsewhere(g->past);
}

bool guest_is_left(const struct guest *g)
{
	return g->domain && g->domain->saved && g->domain->shutdown && !g->domain->dying &&
	       g->domain->reason == SHUTDOWN_REASON_SUSPEND && !g->busy;
}

bool guest_is_preserved(const struct guest *g)
{
	return domain_may_be_preserved(g->domain) && !(g->past && g->past->lives.began > 0);
}

bool guest_is_superseded(const struct guest *g)
{
	const struct survey_config *config = g->twin ? g->twin->config : NULL;

	return config && g->twin->domain && domain_condition(g->domain) == DOMAIN_ENDED &&
	       domain_has_life(g->twin->domain) &&
	       domain_is_called(g->twin->domain, config->name) &&
	       !domain_is_called(g->domain, config->name);
}

static enum guest_state shut_down_state(const struct guest *g)
{
	switch (g->domain->reason) {
	case SHUTDOWN_REASON_SUSPEND:
		return !g->busy && domain_condition(g->domain) == DOMAIN_SUSPENDED ? GUEST_SUSPENDED
										   : GUEST_SAVING;
	case SHUTDOWN_REASON_CRASH:
	case SHUTDOWN_REASON_WATCHDOG:
		return GUEST_CRASHED;
	case SHUTDOWN_REASON_POWEROFF:
	case SHUTDOWN_REASON_REBOOT:
	case SHUTDOWN_REASON_SOFT_RESET:
	case _SHUTDOWN_REASON_MAX:
	case _SHUTDOWN_REASON_INVALID:
		break;
	}
	return GUEST_STOPPED;
}

static const char ENDED_ALONE[] = "has shut down, from within or by another tool";

/* Why a guest without a domain cannot be had, or NULL. */
static const char *standing_reason(const struct guest *g)
{
	if (g->hold)
		return g->hold;
	if (g->departed)
		return g->departed;
	if (g->image && g->image->error)
		return g->image->error;
	if (g->past && g->past->failure)
		return g->past->failure;
	if (g->image)
		return NULL;
	if (g->other_life && g->other_life->failure)
		return g->other_life->failure;
	if (g->conflict)
		return g->conflict;
	return g->config ? g->config->error : NULL;
}

/* What is known of the guest's last life. */
static const struct past *last_past(const struct guest *g)
{
	return g->other_life ? g->other_life : g->past;
}

static bool ended_alone(const struct guest *g)
{
	const struct past *past = last_past(g);

	return past && !g->domain && lives_ended_alone(&past->lives) &&
	       past->lives.wall >= past->noted;
}

/* What a person should know of a guest that is where it should be, or NULL. */
static const char *note_of(const struct guest *g)
{
	const struct past *past = g->past;

	if (g->conflict)
		return g->conflict;
	/* A domain that is there came up after it, or without us. */
	if (past && past->refusal && !past->remark && !g->domain)
		return past->refusal;
	return ended_alone(g) ? ENDED_ALONE : past ? past->remark : NULL;
}

static enum guest_state state_of_domain(const struct guest *g)
{
	const struct domain *d = g->domain;

	if (d->dying)
		return GUEST_DYING;
	if (guest_is_left(g) || (domain_condition(d) == DOMAIN_AWAY && !g->busy))
		return GUEST_FAILED;
	if (d->shutdown)
		return shut_down_state(g);
	return d->paused ? GUEST_PAUSED : GUEST_RUNNING;
}

static const char *reason_of_domain(const struct guest *g, enum guest_state state)
{
	if (g->warning)
		return g->warning;
	if (g->past && g->past->failure)
		return g->past->failure;
	if (state != GUEST_FAILED)
		return note_of(g);
	return guest_is_left(g) ? LEFT_BEHIND_WORDS
				: AWAY_WITH_XL "If it runs there, destroy this domain; if not, "
					       "rename it to its own name, and start it";
}

enum guest_state guest_state(const struct guest *g, const char **ret_reason)
{
	enum guest_state state;

	if (guest_is_undecided(g)) {
		*ret_reason = g->past->failure ? g->past->failure : g->past->away_reason;
		return GUEST_FAILED;
	}
	if (g->domain) {
		state = state_of_domain(g);
		*ret_reason = reason_of_domain(g, state);
		return state;
	}
	if (guest_departure(g) && !g->past->failure) {
		*ret_reason = g->past->away_reason;
		return g->past->away_unknown ? GUEST_FAILED : GUEST_STOPPED;
	}
	*ret_reason = standing_reason(g);
	if (*ret_reason)
		return GUEST_FAILED;
	*ret_reason = note_of(g);
	return g->image ? GUEST_SAVED : GUEST_STOPPED;
}

bool guest_reason_is_past(const struct guest *g, const char *reason)
{
	const struct past *past = g->past;

	return reason == ENDED_ALONE ||
	       (past &&
		(reason == past->failure || reason == past->remark || reason == past->refusal));
}

usec_t guest_reason_since(const struct guest *g, const char *reason)
{
	const struct past *past = g->past;

	if (reason && g->other_life && reason == g->other_life->failure)
		return g->other_life->noted;
	if (reason && past && (reason == past->failure || reason == past->remark))
		return past->noted;
	if (reason == ENDED_ALONE)
		return guest_since(g, GUEST_STOPPED, reason);
	return reason ? g->noticed : 0;
}

usec_t guest_since(const struct guest *g, enum guest_state state, const char *reason)
{
	const struct past *past = last_past(g);
	const struct lives *l = past && !past->lives.ahead ? &past->lives : NULL;

	switch (state) {
	case GUEST_RUNNING:
		return g->domain ? g->domain->built_wall : 0;
	case GUEST_SAVED:
		return l && l->last == LIFE_SAVED ? l->wall : g->image ? g->image->written_wall : 0;
	case GUEST_STOPPED:
	case GUEST_CRASHED:
		/* 0: it is not gone yet. */
		if (l && l->last == LIFE_SUSPENDED)
			return l->gone;
		return l && !l->found && (l->last == LIFE_ENDED || l->last == LIFE_VANISHED)
			       ? l->wall
			       : 0;
	case GUEST_FAILED:
		return guest_reason_since(g, reason);
	case GUEST_PAUSED:
	case GUEST_STARTING:
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
