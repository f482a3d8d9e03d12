/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/identity.h"

#include "util/str.h"

struct uuid identity_of_config(const struct survey_config *config, const struct survey *survey,
			       const struct domain_list *domains, const struct ledger *ledger)
{
	const struct past *away;
	const struct uuid *drawn;

	if (config->has_uuid)
		return config->uuid;
	for (size_t i = 0; i < domains->n; i++)
		if (!domains->domains[i].system && !domains->domains[i].dying &&
		    str_equal(domains->domains[i].name, config->name))
			return domains->domains[i].uuid;
	for (size_t i = 0; i < survey->n_images; i++)
		if (!uuid_is_null(&survey->images[i].uuid) &&
		    str_equal(survey->images[i].name, config->name))
			return survey->images[i].uuid;
	away = ledger_find_away(ledger, config->name);
	if (away)
		return away->uuid;
	drawn = ledger_drawn(ledger, config->name);
	return drawn ? *drawn : UUID_NULL;
}

static int hold(struct guest *g, const char *format, ...) _printf_(2, 3);

/* The first reason counts. */
static int hold(struct guest *g, const char *format, ...)
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

/* Which image. */

bool standing_is_past(enum image_standing standing)
{
	return standing == IMAGE_OUTLIVED || standing == IMAGE_USED_UP;
}

/* Two files can hold one image: a copy was made of it. */
static bool is_same_image(const struct survey_image *a, const struct survey_image *b)
{
	return !uuid_is_null(&a->id) && uuid_equal(&a->id, &b->id);
}

static int choose_image(struct guest *g, const struct ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < g->n_images; i++) {
		const struct survey_image *image = g->images[i].image;
		enum image_standing standing = ledger_judge(ledger, &g->uuid, &image->id,
							    image->written_wall);

		g->images[i].standing = standing;
		if (standing_is_past(standing))
			continue;
		if (!g->image) {
			g->image = image;
			g->standing = standing;
		} else if (!is_same_image(g->image, image)) {
			r = hold(g,
				 "%s and %s are both images of it, and either may be the newest. "
				 "Move the other one away, or run 'xendomainsctl start --cold %s' "
				 "to start it without its memory",
				 g->image->path, image->path, g->name);
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

	if (!newest || !survey->directory || survey->unreadable || g->domain ||
	    has_image(g, &newest->id))
		return 0;
	g->missing = newest;
	/* Where it is the same directory, a person has removed the image. */
	if (str_equal(survey->directory, newest->directory))
		return 0;
	return hold(g,
		    "it was saved to %s, and that directory is not there, or is another one now. "
		    "Mount its file system; or run 'xendomainsctl start --cold %s' to start it "
		    "without its memory",
		    newest->path ? newest->path : "an image", g->name);
}

/* Configurations and images of different guests that look like the same one. */

static bool may_be_saved(const struct guest *g)
{
	return g->image && !g->domain;
}

static int hold_both(struct guest *saved, struct guest *other, const char *what, const char *value)
{
	int r = hold(
		saved,
		"its image %s is of UUID %s and name %s, but %s now %s %s. Undo that change to "
		"restore it, or run 'xendomainsctl start --cold %s' to start without its "
		"memory",
		saved->image->path, UUID_TEXT(&saved->image->uuid), saved->image->name,
		other->config->path, what, value, other->config->name);

	if (r < 0 || saved == other)
		return r;
	other->rival = saved->image;
	return hold(other, "%s", saved->hold);
}

static bool can_be_compared(const struct guest *g)
{
	return g->config && !g->config->error && !g->domain;
}

static bool comes_from(const struct guest *saved, const struct survey_config *config)
{
	return saved->past && str_equal(saved->past->source, config->path);
}

static int compare(struct guest *saved, struct guest *other)
{
	const struct survey_config *config = other->config;

	if (saved != other && str_equal(config->name, saved->image->name))
		return hold_both(saved, other, "says",
				 config->has_uuid ? UUID_TEXT(&config->uuid) : "another UUID");
	if ((saved == other || (!saved->config && comes_from(saved, config))) &&
	    !str_equal(config->name, saved->image->name))
		return hold_both(saved, other, "calls it", config->name);
	return 0;
}

static int compare_all(struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; i < inventory->n; i++)
		for (size_t j = 0; j < inventory->n && r >= 0; j++)
			if (may_be_saved(&inventory->guests[i]) &&
			    !inventory->guests[i].image->error &&
			    can_be_compared(&inventory->guests[j]))
				r = compare(&inventory->guests[i], &inventory->guests[j]);
	return r;
}

/* UUIDs that no guest can have. */

static int check_uuid(struct guest *g, const struct domain_list *domains)
{
	if (!g->config || g->config->error || !g->config->has_uuid || g->conflict)
		return 0;
	if (uuid_is_null(&g->config->uuid))
		return str_format(&g->conflict, "%s: uuid= is all zeros; give it another one",
				  g->config->path);
	for (size_t i = 0; i < domains->n; i++)
		if (domains->domains[i].system &&
		    uuid_equal(&domains->domains[i].uuid, &g->config->uuid))
			return str_format(&g->conflict,
					  "%s: uuid= is that of a domain of Xen's own; give it "
					  "another one",
					  g->config->path);
	return 0;
}

/* Domains of one UUID. */

static int find_doubles(struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i], *twin = g->twin;

		if (!twin || twin->warning)
			continue;
		r = str_format(&g->warning,
			       "has the UUID of domain %u (%s) too; give one of them another UUID",
			       twin->domain->domid, twin->name);
		r = r < 0 ? r
			  : str_format(&twin->warning,
				       "has the UUID of domain %u (%s) too; give one of them "
				       "another UUID",
				       g->domain->domid, g->name);
	}
	return r;
}

int identity_resolve(struct inventory *inventory, const struct survey *survey,
		     const struct domain_list *domains, const struct ledger *ledger)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i];

		r = choose_image(g, ledger);
		r = r < 0 ? r : look_for_missing(g, survey);
		r = r < 0 ? r : check_uuid(g, domains);
	}
	r = r < 0 ? r : compare_all(inventory);
	return r < 0 ? r : find_doubles(inventory);
}
