/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/identity.h"

#include "core/conflicts.h"
#include "core/departure.h"
#include "core/doubles.h"
#include "core/rivals.h"
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
	r = r < 0 ? r : rivals_hold(inventory, ledger);
	r = r < 0 ? r : departure_find_all(inventory);
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		r = conflicts_hold(&inventory->guests[i]);
		r = r < 0 ? r : doubles_find_saved(&inventory->guests[i]);
	}
	return r;
}
