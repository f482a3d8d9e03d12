/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/inventory-build.h"

#include "core/conflicts.h"
#include "core/identity.h"
#include "core/rivals.h"
#include "core/vanished.h"
#include "util/str.h"

static struct guest *find(const struct inventory *inventory, const struct uuid *uuid)
{
	return (struct guest *)inventory_find(inventory, uuid);
}

/* There is room for it, in the index too: inventory_build() made it. */
static struct guest *add_guest(struct inventory *inventory, const struct guest *guest)
{
	struct guest *g = &inventory->guests[inventory->n++];

	*g = *guest;
	index_add(&inventory->by_uuid, hash_uuid(&g->uuid), g);
	return g;
}

static struct guest *find_or_add(struct inventory *inventory, const struct uuid *uuid,
				 const char *name)
{
	struct guest *g = find(inventory, uuid);

	return g ? g : add_guest(inventory, &(struct guest){.uuid = *uuid, .name = name});
}

static bool has_image(const struct survey *survey, const struct uuid *uuid, const char *name)
{
	const struct index_entry *e = index_first(&survey->named_images, hash_text(name));

	for (; e; e = index_next(&survey->named_images, e)) {
		const struct survey_image *image = e->item;

		if (str_equal(image->name, name) && uuid_equal(&image->uuid, uuid))
			return true;
	}
	return false;
}

static bool has_domain(const struct domain_list *domains, const struct uuid *uuid, const char *name)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next(domains, uuid, d)))
		if (!d->dying && domain_is_called(d, name))
			return true;
	return false;
}

/*
 * How much tells that a configuration is that of the guest of its UUID: what runs, then the name
 * that the guest had last, then the file that it was made from. An image may be of an earlier life:
 * it counts only where the ledger knows nothing.
 */
static int kinship(const struct uuid *uuid, const struct survey_config *c,
		   const struct survey *survey, const struct domain_list *domains,
		   const struct ledger *ledger)
{
	const struct past *past = ledger_find(ledger, uuid);
	bool named = past && past->name ? str_equal(past->name, c->name)
					: has_image(survey, uuid, c->name);

	return 4 * has_domain(domains, uuid, c->name) + 2 * named +
	       (past && str_equal(past->source, c->path));
}

/* With what is in conflict with either. */
static void swap_configs(struct guest *a, struct guest *b)
{
	struct guest was = *a;

	a->config = b->config;
	a->name = b->name;
	a->conflict = b->conflict;
	b->config = was.config;
	b->name = was.name;
	b->conflict = was.conflict;
}

/* A second configuration of one UUID is a guest of its own here, so that it can be shown. */
static int add_config(struct inventory *inventory, const struct survey_config *config,
		      struct uuid uuid, const struct survey *survey,
		      const struct domain_list *domains, const struct ledger *ledger)
{
	struct guest *first = config->error ? NULL : find(inventory, &uuid);
	struct guest *g;

	if (config->error || first)
		uuid = UUID_NULL;
	g = find_or_add(inventory, &uuid, config->error ? path_base(config->path) : config->name);
	g->config = config;
	if (!first)
		return 0;
	if (kinship(&first->uuid, first->config, survey, domains, ledger) <
	    kinship(&first->uuid, g->config, survey, domains, ledger))
		swap_configs(first, g);
	return conflicts_add_uuid(first, g);
}

static int guest_add_image(struct guest *g, const struct survey_image *image)
{
	struct guest_image *bigger = realloc(g->images, (g->n_images + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	g->images = bigger;
	g->images[g->n_images++] = (struct guest_image){.image = image};
	return 0;
}

/*
 * One that cannot be read is known by the name of its file. Where no ledger tells what was made
 * from a configuration, it may be of that guest, which has been given another name since.
 */
static struct guest *find_by_file(struct inventory *inventory, const char *name,
				  const struct ledger *ledger)
{
	for (size_t i = 0; i < inventory->n; i++)
		if (str_equal(inventory->guests[i].name, name))
			return &inventory->guests[i];
	for (size_t i = 0; i < inventory->n; i++) {
		const struct survey_config *c = inventory->guests[i].config;

		if (c && !c->error && rivals_by_file(c, name, ledger))
			return &inventory->guests[i];
	}
	return NULL;
}

/* The guest of a configuration whose UUID the ledger knows by this name, which it had before. */
static struct guest *find_by_old_name(struct inventory *inventory, const char *name,
				      const struct ledger *ledger)
{
	for (size_t i = 0; i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];
		const struct past *past = g->config ? ledger_find(ledger, &g->uuid) : NULL;

		if (past && str_equal(past->name, name))
			return g;
	}
	return NULL;
}

/* An image that cannot be read holds each guest that it may belong to. */
static int add_image(struct inventory *inventory, const struct survey_image *image,
		     const struct ledger *ledger)
{
	struct guest *g = NULL, *was = NULL;
	int r;

	if (uuid_is_null(&image->uuid)) {
		g = find_by_file(inventory, image->name, ledger);
		was = find_by_old_name(inventory, image->name, ledger);
	}
	if (!g && !was && image->foreign)
		return 0;
	if (!g)
		g = was ? was : find_or_add(inventory, &image->uuid, image->name);
	r = guest_add_image(g, image);
	return r < 0 || !was || was == g ? r : guest_add_image(was, image);
}

/* How much of a guest a domain holds: the domain with the most represents the guest. */
static unsigned rank_domain(const struct domain *d)
{
	switch (domain_condition(d)) {
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
		return 2;
	case DOMAIN_UNBUILT:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_SAVING:
	case DOMAIN_AWAY:
	case DOMAIN_SUSPENDED:
		return 1;
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return 0;
}

/* Whether the guest is rather this domain than the one that it has: one that lives, then its name.
 */
static bool is_rather(const struct guest *g, const struct domain *d)
{
	unsigned old = rank_domain(g->domain), new = rank_domain(d);

	if (old != new)
		return new > old;
	return g->config && domain_is_called(d, g->config->name) &&
	       !domain_is_called(g->domain, g->config->name);
}

static const char *shown_name(const struct domain *d)
{
	return d->name ? d->name : "(null)";
}

static void add_stranger(struct inventory *inventory, struct guest *g, const struct domain *d)
{
	add_guest(inventory,
		  &(struct guest){.uuid = d->uuid, .twin = g, .domain = d, .name = shown_name(d)});
}

/* A second domain of one UUID is a guest of its own. Each has the name of its own domain. */
static void add_twin(struct inventory *inventory, struct guest *g, const struct domain *d)
{
	bool rather = is_rather(g, d);
	const struct domain *other = rather ? g->domain : d;

	add_guest(inventory,
		  &(struct guest){
			  .uuid = d->uuid, .twin = g, .domain = other, .name = shown_name(other)});
	if (!rather)
		return;
	g->domain = d;
	g->name = shown_name(d);
}

static void add_domain(struct inventory *inventory, const struct domain *d)
{
	struct guest *g = find_or_add(inventory, &d->uuid, shown_name(d));

	/* A guest that is being made anew can still have its old domain dying. */
	if (g->domain && d->dying)
		return;
	if (inventory_is_stranger(g, d)) {
		add_stranger(inventory, g, d);
		return;
	}
	if (g->domain && !g->domain->dying) {
		add_twin(inventory, g, d);
		return;
	}
	g->domain = d;
	if (d->name && !d->dying)
		g->name = d->name;
}

/* The guest of a configuration has begun since the other one was saved: what it did is done. */
static bool has_run_since(const struct survey_config *c, const struct past *saved,
			  const struct ledger *ledger)
{
	const struct uuid *uuid = c->has_uuid ? &c->uuid : ledger_drawn(ledger, c->name);
	const struct past *past = uuid ? ledger_find(ledger, uuid) : NULL;

	return past && past != saved && !past->lives.ahead && !saved->lives.ahead &&
	       saved->lives.last == LIFE_SAVED && past->lives.began > saved->lives.wall;
}

/* In the place of a saved guest another one has run, by its name or from its file. */
static bool is_succeeded(const struct survey *survey, const struct past *past,
			 const struct known_image *newest, const struct ledger *ledger)
{
	for (size_t i = 0; i < survey->n_configs; i++) {
		const struct survey_config *c = &survey->configs[i];

		if (!c->error && has_run_since(c, past, ledger) &&
		    (str_equal(c->name, newest->name) ||
		     rivals_may_be(c, &past->uuid, newest->name, ledger)))
			return true;
	}
	return identity_is_followed(newest, survey);
}

/* Adds a guest that is known to be saved, and of which only the record is left here. */
static void add_missing(struct inventory *inventory, const struct survey *survey,
			const struct past *past)
{
	const struct known_image *newest = lives_newest(&past->lives);

	if (!newest || !past->name || !survey->directory || find(inventory, &past->uuid))
		return;
	/* Where it is the same directory, a person has removed the image. */
	if (str_equal(newest->directory, survey->directory) &&
	    !survey_find_broken(survey, newest->path))
		return;
	if (is_succeeded(survey, past, newest, inventory->ledger))
		return;
	find_or_add(inventory, &past->uuid, past->name);
}

/* In a migration a domain goes by another name; people know the guest by its own. */
static int name_as_known(struct guest *g)
{
	const struct domain *d = g->domain;

	if (d && g->past && g->past->away && !guest_is_alive(g))
		g->own_name = strdup(g->past->away_name);
	else if (d && d->name && !domain_is_called(d, d->name))
		g->own_name = domain_own_name(d);
	else
		return 0;
	if (!g->own_name)
		return -ENOMEM;
	g->name = g->own_name;
	return 0;
}

static int add_pasts(struct inventory *inventory, const struct ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		/* What is known of the UUID is the guest's whose it is. */
		if (!g->twin || (g->twin->domain && !g->twin->domain->dying))
			g->past = ledger_find(ledger, &g->uuid);
		r = name_as_known(g);
	}
	return r;
}

/*
 * A guest that its configuration knows by its name had another UUID in each life that another tool
 * began. How the last one of them ended says why it is down.
 */
static void find_other_life(struct guest *g, const struct inventory *inventory,
			    const struct ledger *ledger)
{
	usec_t since = g->past ? MAX(g->past->lives.wall, g->past->noted) : 0;
	const struct past *past = NULL;

	while ((past = ledger_next_with(ledger, g->name, past))) {
		usec_t ended = past->failure                     ? past->noted
			       : lives_ended_alone(&past->lives) ? past->lives.wall
								 : 0;

		if (ended > since && str_equal(past->name, g->name) &&
		    !inventory_find(inventory, &past->uuid)) {
			since = ended;
			g->other_life = past;
		}
	}
}

static void find_other_lives(struct inventory *inventory, const struct ledger *ledger)
{
	for (size_t i = 0; i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		if (g->config && !g->config->error && !g->config->has_uuid && !g->domain)
			find_other_life(g, inventory, ledger);
	}
}

/* A link without a target was not removed: its file system may not be mounted. */
static bool is_dangling(const struct survey *survey, const char *path)
{
	for (size_t i = 0; i < survey->n_dangling; i++)
		if (str_equal(survey->dangling[i], path))
			return true;
	return false;
}

/* Its configuration may be what cannot be read: the file that it was made from, or the directory.
 */
static bool is_unlisted(const struct guest *g, const struct survey *survey,
			const struct survey_config *const *broken)
{
	if (g->config || !g->domain)
		return false;
	if (g->twin && !guest_is_alive(g->twin) && g->twin->config)
		return true;
	for (; *broken; broken++)
		if (g->domain->source ? str_equal(g->domain->source, (*broken)->path)
				      : (*broken)->unanswered)
			return true;
	return survey->unlisted || is_dangling(survey, g->domain->source);
}

/* The configurations that cannot be read, up to a NULL. The caller frees the list. */
static const struct survey_config **list_broken(const struct survey *survey)
{
	const struct survey_config **broken = calloc(survey->n_configs + 1, sizeof(*broken));
	size_t n = 0;

	for (size_t i = 0; broken && i < survey->n_configs; i++)
		if (survey->configs[i].error)
			broken[n++] = &survey->configs[i];
	return broken;
}

/* A file system that is not mounted looks like an empty directory, or holds what was left there. */
static bool has_configs(const struct survey *survey)
{
	for (size_t i = 0; i < survey->n_configs; i++)
		if (!survey->configs[i].error)
			return true;
	return false;
}

/* Adds facts of the whole survey to each guest. */
static int note_doubts(struct inventory *inventory, const struct survey *survey,
		       const struct ledger *ledger)
{
	_cleanup_free_ const struct survey_config **broken = list_broken(survey);
	struct vanished_index vanished;
	bool unmounted = !has_configs(survey);
	int r = broken ? vanished_index_init(&vanished, &survey->vanished, ledger) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		g->unseen = survey->unreadable;
		g->vanished = !g->domain && vanished_index_has(&vanished, g);
		g->unlisted = is_unlisted(g, survey, broken);
		g->unmounted = unmounted;
	}
	vanished_index_done(&vanished);
	return 0;
}

int inventory_build(const struct survey *survey, const struct domain_list *domains,
		    const struct ledger *ledger, struct inventory **ret)
{
	_cleanup_(inventory_freep) struct inventory *inventory = calloc(1, sizeof(*inventory));
	size_t room = survey->n_configs + survey->n_images + domains->n + ledger->n_pasts + 1;
	int r = 0;

	/* Without an index, a guest that exists would count as missing. */
	if (!survey_is_indexed(survey) || !domain_list_is_indexed(domains))
		return -EINVAL;
	if (!inventory)
		return -ENOMEM;
	inventory->guests = calloc(room, sizeof(*inventory->guests));
	if (!inventory->guests || index_reserve(&inventory->by_uuid, room) < 0)
		return -ENOMEM;
	inventory->ledger = ledger;
	inventory->room = survey->room;
	inventory->room_known = survey->room_known;
	inventory->unfit = survey->unfit;
	if (!str_empty(survey->directory))
		inventory->directory = survey->directory;

	for (size_t i = 0; i < survey->n_configs; i++) {
		const struct survey_config *c = &survey->configs[i];

		r = add_config(inventory, c,
			       c->error ? UUID_NULL
					: identity_of_config(c, survey, domains, ledger),
			       survey, domains, ledger);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; r >= 0 && i < survey->n_images; i++)
		r = add_image(inventory, &survey->images[i], ledger);
	if (r < 0)
		return r;
	for (size_t i = 0; i < domains->n; i++)
		if (!domains->domains[i].system)
			add_domain(inventory, &domains->domains[i]);
	for (size_t i = 0; i < ledger->n_pasts; i++)
		add_missing(inventory, survey, ledger->pasts[i]);
	r = note_doubts(inventory, survey, ledger);
	r = r < 0 ? r : add_pasts(inventory, ledger);
	if (r >= 0)
		find_other_lives(inventory, ledger);
	r = r < 0 ? r : conflicts_find(inventory, domains);
	r = r < 0 ? r : identity_resolve(inventory, survey, domains, ledger);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(inventory);
	return 0;
}
