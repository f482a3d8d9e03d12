/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/identity.h"

#include "core/conflicts.h"
#include "core/departure.h"
#include "core/doubles.h"
#include "core/lookalikes.h"
#include "util/quote.h"
#include "util/str.h"

/* A migration leaves a domain that is still called so: one that lives counts more. */
static const struct domain *find_called(const struct domain_list *domains, const char *name)
{
	const struct domain *found = NULL, *d = NULL;

	while ((d = domain_list_next_called(domains, name, d)))
		if (!d->system && !d->dying &&
		    (!found || (domain_has_life(d) && !domain_has_life(found))))
			found = d;
	return found;
}

/* Whether a configuration without a UUID says the name: then all domains of the name are one guest.
 */
static bool is_by_name(const struct survey *survey, const char *name)
{
	const struct index_entry *e = name ? index_first(&survey->nameless, hash_text(name)) : NULL;

	for (; e; e = index_next(&survey->nameless, e))
		if (str_equal(((const struct survey_config *)e->item)->name, name))
			return true;
	return false;
}

static bool has_run_by_name(const struct domain_list *domains, const struct uuid *uuid,
			    const char *name)
{
	const struct domain *d = NULL;

	while ((d = domain_list_next_called(domains, name, d)))
		if (!d->system && domain_has_run(d) && !uuid_equal(&d->uuid, uuid))
			return true;
	return false;
}

/* uuid: the guest's, which an image that cannot be read does not tell. */
static enum image_standing judge(const struct uuid *uuid, const struct survey_image *image,
				 const struct survey *survey, const struct domain_list *domains,
				 const struct ledger *ledger)
{
	enum image_standing standing = ledger_judge(ledger, uuid, &image->id, image->name,
						    image->written_wall);

	if (standing_is_past(standing) || image->error || !is_by_name(survey, image->name))
		return standing;
	/* The ledger may know it by another name yet. */
	if (has_run_by_name(domains, uuid, image->name))
		return IMAGE_OUTLIVED;
	return ledger_judge_by_name(ledger, uuid, image->name, &image->id, image->written_wall);
}

bool identity_is_followed(const struct known_image *image, const struct survey *survey)
{
	return image->followed && is_by_name(survey, image->name);
}

static int rank(enum image_standing standing)
{
	return standing == IMAGE_NEWEST ? 2 : !standing_is_past(standing);
}

/* The image of a name that is most likely the guest's memory; the first of several. */
static const struct survey_image *find_image(const char *name, const struct survey *survey,
					     const struct domain_list *domains,
					     const struct ledger *ledger)
{
	const struct index_entry *e = index_first(&survey->named_images, hash_text(name));
	const struct survey_image *best = NULL;
	int best_rank = -1;

	for (; e; e = index_next(&survey->named_images, e)) {
		const struct survey_image *image = e->item;
		int r;

		if (!str_equal(image->name, name))
			continue;
		r = rank(judge(&image->uuid, image, survey, domains, ledger));
		if (r > best_rank) {
			best = image;
			best_rank = r;
		}
	}
	return best;
}

/* The guest of a name that the ledger knows to be saved, though its image is not there. */
static const struct past *find_saved(const char *name, const struct ledger *ledger)
{
	const struct past *past = NULL;

	while ((past = ledger_next_with(ledger, name, past))) {
		const struct known_image *newest = lives_newest(&past->lives);

		if (newest && !newest->followed && str_equal(newest->name, name))
			return past;
	}
	return NULL;
}

/* The domain that the ledger has seen running by this name, which has another one now. */
static const struct domain *find_renamed(const struct domain_list *domains, const char *name,
					 const struct ledger *ledger)
{
	const struct domain *first = NULL;

	for (const struct past *past = NULL; (past = ledger_next_with(ledger, name, past));) {
		const struct domain *d;

		if (past->lives.last != LIFE_BEGAN || !str_equal(past->lives.name, name))
			continue;
		d = domain_list_find(domains, &past->uuid, past->lives.domid);
		if (d && !d->system && !d->dying && (!first || d < first))
			first = d;
	}
	return first;
}

struct uuid identity_of_config(const struct survey_config *config, const struct survey *survey,
			       const struct domain_list *domains, const struct ledger *ledger)
{
	const struct domain *called;
	const struct survey_image *image;
	const struct past *away, *saved;
	const struct uuid *drawn;

	if (config->has_uuid)
		return config->uuid;
	called = find_called(domains, config->name);
	if (!called)
		called = find_renamed(domains, config->name, ledger);
	if (called)
		return called->uuid;
	image = find_image(config->name, survey, domains, ledger);
	/* One of an earlier life does not tell where the guest went since. */
	away = image && !standing_is_past(judge(&image->uuid, image, survey, domains, ledger))
		       ? NULL
		       : ledger_find_away(ledger, config->name);
	if (away)
		return away->uuid;
	if (image)
		return image->uuid;
	saved = find_saved(config->name, ledger);
	if (saved)
		return saved->uuid;
	drawn = ledger_drawn(ledger, config->name);
	return drawn ? *drawn : UUID_NULL;
}

/* Which image. */

/* Two files can hold one image: a copy was made of it. */
static bool is_same_image(const struct survey_image *a, const struct survey_image *b)
{
	return !uuid_is_null(&a->id) && uuid_equal(&a->id, &b->id);
}

/*
 * The configuration says which of the two names is the guest's. But an image that another tool has
 * written can be of a domain that ran beside it.
 */
static bool is_settled(const struct guest *g, const struct uuid *image)
{
	return g->config && !g->config->error && lives_find(&g->past->lives, image) &&
	       str_equal(lives_disputant(&g->past->lives, image), g->config->name);
}

static enum image_standing judge_for(const struct guest *g, const struct survey_image *image,
				     const struct survey *survey, const struct domain_list *domains,
				     const struct ledger *ledger)
{
	enum image_standing standing = judge(&g->uuid, image, survey, domains, ledger);

	return standing == IMAGE_DISPUTED && is_settled(g, &image->id) ? IMAGE_OUTLIVED : standing;
}

static int hold_disputed(struct guest *g, const struct survey_image *image)
{
	return guest_hold(
		g,
		"A domain with the UUID of this guest has run as %s since the guest was saved to "
		"%s. If that domain was another guest, give it another UUID, and run "
		"'xl restore %s' to bring this guest back. If it was this guest, run "
		"'xendomainsctl start --cold %s' to start it without its memory",
		lives_disputant(&g->past->lives, &image->id), image->path, QUOTED(image->path),
		AS_ARGUMENT(g->name));
}

/* Without a configuration, a domain of its name and another UUID may be this guest, or may not. */
static bool may_have_run_by_name(const struct guest *g, const struct survey_image *image,
				 enum image_standing standing, const struct domain_list *domains,
				 const struct ledger *ledger)
{
	if (g->config || image->error)
		return false;
	return has_run_by_name(domains, &g->uuid, image->name) ||
	       ledger_judge_by_name(ledger, &g->uuid, image->name, &image->id,
				    image->written_wall) != standing;
}

static int hold_by_name(struct guest *g, const struct survey_image *image)
{
	return guest_hold(g,
			  "A domain with the name of this guest and another UUID has run since the "
			  "guest was saved to %s. No configuration tells whether that domain was "
			  "this guest. If it was another guest, run 'xl restore %s' to bring this "
			  "one back. If it was this guest, its disks are newer than the image: run "
			  "'xendomainsctl image delete %s' to remove the image",
			  image->path, QUOTED(image->path), QUOTED(image->path));
}

static int choose_image(struct guest *g, const struct survey *survey,
			const struct domain_list *domains, const struct ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->n_images; i++) {
		const struct survey_image *image = g->images[i].image;
		enum image_standing standing = judge_for(g, image, survey, domains, ledger);

		g->images[i].standing = standing;
		if (standing_is_past(standing))
			continue;
		if (standing == IMAGE_DISPUTED)
			r = hold_disputed(g, image);
		else if (may_have_run_by_name(g, image, standing, domains, ledger))
			r = hold_by_name(g, image);
		if (!g->image) {
			g->image = image;
			g->standing = standing;
		} else if (!is_same_image(g->image, image)) {
			r = guest_hold(
				g,
				"%s and %s are both images of it, and either may be the newest. "
				"Move the other one away, or run 'xendomainsctl start --cold %s' "
				"to start it without its memory",
				g->image->path, image->path, AS_ARGUMENT(g->name));
		}
	}
	return r;
}

/* The ledger says that it is saved, and its image is not there. */

static bool has_image(const struct guest *g, const struct uuid *id)
{
	for (size_t i = 0; i < g->n_images; i++)
		if (uuid_equal(&g->images[i].image->id, id) ||
		    uuid_is_null(&g->images[i].image->id))
			return true;
	return false;
}

static int look_for_missing(struct guest *g, const struct survey *survey)
{
	const struct known_image *newest = g->past ? lives_newest(&g->past->lives) : NULL;
	const struct survey_image *broken;

	if (!newest || survey->unreadable || g->domain || has_image(g, &newest->id) ||
	    identity_is_followed(newest, survey) ||
	    (newest->standing == IMAGE_DISPUTED && is_settled(g, &newest->id)))
		return 0;
	g->missing = newest;
	broken = survey_find_broken(survey, newest->path);
	if (broken)
		return guest_hold(
			g,
			"%s. Mend it; or run 'xendomainsctl start --cold %s' to start the guest "
			"without its memory",
			broken->error, AS_ARGUMENT(g->name));
	/* If the directory is the same, a person has removed the image. If no directory was
	 * surveyed, a person has switched saves off. */
	if (!survey->directory || str_equal(survey->directory, newest->directory))
		return 0;
	return guest_hold(
		g,
		"it was saved to %s, and that directory is not there, or is another one now. "
		"Mount its file system, or set XENDOMAINS_SAVE back; or run 'xendomainsctl start "
		"--cold %s' to start it without its memory",
		newest->path ? newest->path : "an image", AS_ARGUMENT(g->name));
}

/*
 * One guest that is here, running or saved, and a configuration of another that looks like it: a
 * change of uuid= or name= makes two guests of one, which would run on the same disks.
 */

struct pair {
	struct guest *here;
	struct guest *other; /* that the configuration stands for */
	const struct survey_config *config;
	const char *name; /* by which the guest that is here is known; NULL: it has nothing here */
	const struct ledger *ledger;
};

static const char *known_name(const struct guest *g)
{
	if (g->domain)
		return g->domain->dying || guest_is_preserved(g) ? NULL : g->name;
	if (g->image)
		return g->image->name;
	return g->missing && g->hold ? g->missing->name : NULL;
}

bool identity_by_file(const struct survey_config *c, const char *name, const struct ledger *ledger)
{
	return survey_is_file_of(c, name) && !survey_is_file_of(c, c->name) &&
	       !ledger_knows_source(ledger, c->path);
}

/* It ran by the configuration's name, which is the guest where there is no UUID. */
static bool ran_as(const struct past *past, const struct survey_config *c)
{
	return past && !c->has_uuid && str_equal(past->lives.name, c->name);
}

bool identity_is_of(const struct survey_config *c, const struct uuid *uuid, const char *name,
		    const struct ledger *ledger)
{
	const struct past *past = ledger_find(ledger, uuid);

	if (past && past->source)
		return str_equal(past->source, c->path);
	return ran_as(past, c) || (name && identity_by_file(c, name, ledger));
}

static bool can_be_compared(const struct guest *g)
{
	return g->config && !g->config->error && !(g->domain && g->domain->dying);
}

/*
 * A configuration that cannot be read has no UUID, and another tool creates a domain with a new
 * UUID from a configuration without one. So the ledger entry is found by name. If the ledger does
 * not know the file that the guest was created from, only the name of a file is left to compare.
 */
static bool comes_from(const struct pair *p)
{
	const struct guest *here = p->here;
	const struct past *past = NULL;

	if (here->config)
		return false;
	if (here->domain && str_equal(here->domain->source, p->config->path))
		return true;
	if (!uuid_is_null(&here->uuid) && here->past && here->past->source)
		return str_equal(here->past->source, p->config->path);
	if (ran_as(here->past, p->config))
		return true;
	while ((past = ledger_next_with(p->ledger, p->config->path, past)))
		if (!uuid_equal(&past->uuid, &p->other->uuid) && p->name &&
		    str_equal(past->name, p->name) && str_equal(past->source, p->config->path))
			return true;
	return p->name && p->other->n_images == 0 &&
	       identity_by_file(p->config, p->name, p->ledger);
}

/* Nothing that the texts below advise can be done before its two configurations are told apart. */
static int hold_for_conflict(struct pair *p)
{
	int r = p->here->config
			? guest_hold(p->other, "%s", p->other->conflict)
			: guest_hold(p->other, "%s. The UUID of guest %s is %s", p->other->conflict,
				     p->name, UUID_TEXT(&p->here->uuid));

	return r < 0 || p->here->config || p->here->domain
		       ? r
		       : guest_hold(p->here, "%s", p->other->hold);
}

static int hold_running(struct pair *p)
{
	p->other->occupied = true;
	if (p->other->conflict)
		return hold_for_conflict(p);
	return guest_hold(
		p->other,
		"%s describes guest %s with UUID %s now, but domain %u runs from this file as %s "
		"with UUID %s. Undo the change of the file; or shut the domain down with "
		"'xl shutdown %u', and start %s then",
		p->config->path, p->config->name, UUID_TEXT(&p->other->uuid),
		p->here->domain->domid, p->name, UUID_TEXT(&p->here->uuid), p->here->domain->domid,
		p->config->name);
}

static int hold_saved(struct pair *p)
{
	const char *path = p->here->image ? p->here->image->path : p->here->missing->path;
	const char *uuid = p->config->has_uuid ? UUID_TEXT(&p->other->uuid) : NULL;
	int r;

	if (p->other->conflict)
		return hold_for_conflict(p);
	r = guest_hold(
		p->here,
		"The image %s holds %s with UUID %s, but %s names %s%s%s. Write the name and UUID "
		"of the image into the configuration to restore the guest, or run "
		"'xendomainsctl start --cold %s' to start it without its memory",
		path, p->name, UUID_TEXT(&p->here->uuid), p->config->path, p->config->name,
		uuid ? " with UUID " : "", uuid ? uuid : "", AS_ARGUMENT(p->config->name));

	if (r < 0 || p->here == p->other)
		return r;
	p->other->rival = p->here;
	return guest_hold(p->other, "%s", p->here->hold);
}

/* The configuration's domain may have written to the disks since. */
static int hold_beside_domain(struct pair *p)
{
	const char *path = p->here->image ? p->here->image->path : p->here->missing->path;

	return guest_hold(
		p->here,
		"The image %s holds %s with UUID %s, but %s now describes domain %u, which is %s "
		"with UUID %s. If that domain is this guest, move the image away. If not, stop "
		"the domain, undo any change of %s, and start %s",
		path, p->name, UUID_TEXT(&p->here->uuid), p->config->path, p->other->domain->domid,
		p->other->name, UUID_TEXT(&p->other->uuid), p->config->path, p->name);
}

static int compare(struct pair *p)
{
	bool same_name = str_equal(p->config->name, p->name);

	if (p->other->domain)
		return p->here == p->other || p->here->domain || p->here->config ||
				       (!same_name && !comes_from(p))
			       ? 0
			       : hold_beside_domain(p);
	if (p->here == p->other ? same_name : !same_name && !comes_from(p))
		return 0;
	if (p->here != p->other && !same_name && p->here->config)
		return 0;
	return p->here->domain ? hold_running(p) : hold_saved(p);
}

/* Images of earlier lives go aside with those of the guest that has taken the name, or the file. */
static void note_former(const struct pair *p)
{
	if (p->here == p->other || p->here->n_images == 0 || p->here->config ||
	    (!str_equal(p->here->name, p->config->name) && !comes_from(p)))
		return;
	p->other->former = p->here;
	p->here->replaced = true;
}

static int compare_with(struct pair *p, struct guest *other)
{
	p->other = other;
	p->config = other->config;
	if (!can_be_compared(other))
		return 0;
	if (p->name)
		return compare(p);
	note_former(p);
	return 0;
}

/* A guest with a configuration is the guest of that one, or of another one with the same name. */
static int compare_called(struct pair *p, const struct index *by_name)
{
	const struct index_entry *e = index_first(by_name, hash_text(p->name));
	bool done = false;
	int r = 0;

	for (; r >= 0 && e; e = index_next(by_name, e)) {
		struct guest *other = e->item;

		if (!str_equal(other->config->name, p->name))
			continue;
		if (!done && other > p->here)
			r = compare_with(p, p->here);
		done = done || other >= p->here;
		r = r < 0 ? r : compare_with(p, other);
	}
	return r < 0 || done ? r : compare_with(p, p->here);
}

/* A guest without one may be that of each configuration that looks like it. */
static int compare_lookalikes(struct pair *p, struct lookalikes *lookalikes)
{
	int r;

	if (!p->name && p->here->n_images == 0)
		return 0;
	r = lookalikes_find(lookalikes, p->here, p->name, p->ledger);
	for (size_t i = 0; r >= 0 && i < lookalikes->n_found; i++)
		r = compare_with(p, lookalikes->found[i]);
	return r;
}

static int index_configs(struct inventory *inventory, struct index *by_name,
			 struct lookalikes *lookalikes)
{
	bool all_have_one = true;
	int r = 0;

	for (size_t i = 0; i < inventory->n; i++)
		all_have_one &= inventory->guests[i].config != NULL;
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		if (!can_be_compared(g))
			continue;
		r = index_add(by_name, hash_text(g->config->name), g);
		if (!all_have_one)
			r = r < 0 ? r : lookalikes_add(lookalikes, g);
	}
	return r;
}

static int compare_all(struct inventory *inventory, const struct ledger *ledger)
{
	_cleanup_(lookalikes_done) struct lookalikes lookalikes = {0};
	_cleanup_(index_done) struct index by_name = {0};
	int r = index_configs(inventory, &by_name, &lookalikes);

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct pair p = {
			.here = &inventory->guests[i],
			.name = known_name(&inventory->guests[i]),
			.ledger = ledger,
		};

		if (!p.here->config)
			r = compare_lookalikes(&p, &lookalikes);
		else if (p.name)
			r = compare_called(&p, &by_name);
	}
	return r;
}

/* It would be restored as any unknown one, once the loss is forgotten. */
static bool has_forgotten_image(const struct guest *g)
{
	for (size_t i = 0; i < g->n_images; i++)
		if (g->images[i].standing == IMAGE_FORGOTTEN)
			return true;
	return false;
}

bool identity_is_settled(const struct inventory *inventory, const struct survey *survey)
{
	if (survey->unlisted || survey->unreadable)
		return false;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if ((g->config && g->unplaced) || has_forgotten_image(g))
			return false;
	}
	return true;
}

int identity_resolve(struct inventory *inventory, const struct survey *survey,
		     const struct domain_list *domains, const struct ledger *ledger)
{
	int r = doubles_find(inventory);

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		g->unplaced = ledger_may_be_away(ledger, &g->uuid, g->name);
		g->migrates = ledger->migrates;
		r = choose_image(g, survey, domains, ledger);
		r = r < 0 ? r : look_for_missing(g, survey);
	}
	r = r < 0 ? r : compare_all(inventory, ledger);
	r = r < 0 ? r : departure_find_all(inventory);
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		r = conflicts_hold(&inventory->guests[i]);
		r = r < 0 ? r : doubles_find_saved(&inventory->guests[i]);
	}
	return r;
}
