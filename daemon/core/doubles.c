/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/doubles.h"

#include "core/leftover.h"
#include "util/quote.h"
#include "util/str.h"

/* A domain that has ended, or that a migration leaves or builds, needs no advice. */
static bool is_lasting(const struct guest *g)
{
	switch (domain_condition(g->domain)) {
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_SAVING:
	case DOMAIN_SUSPENDED:
		return true;
	case DOMAIN_UNBUILT:
	case DOMAIN_AWAY:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return false;
}

static int hold_beside_ended(struct guest *g, const struct guest *stranger)
{
	uint32_t n = stranger->domain->domid;

	if (stranger->domain->manager == DOMAIN_MANAGER_XL)
		return guest_hold(g, "domain %u (%s) has its UUID, and has ended. " LEFT_TO_XL, n,
				  stranger->name);
	return guest_hold(
		g,
		"domain %u (%s) has its UUID, has ended, and is still there. 'xl destroy %u' "
		"removes it",
		n, stranger->name, n);
}

/*
 * Another tool has made a domain of the guest's UUID, by a name that is not the guest's: it may be
 * the guest, renamed, or another one. The guest could run twice beside it, on the same disks.
 */
static int hold_beside_stranger(struct guest *g, struct guest *stranger)
{
	enum domain_condition condition = domain_condition(stranger->domain);
	int r = 0;

	if (condition == DOMAIN_DYING)
		return 0;
	g->occupied = true;
	if (condition == DOMAIN_ENDED)
		return hold_beside_ended(g, stranger);
	stranger->shared = true;
	if (!stranger->warning && is_lasting(stranger))
		r = str_format(&stranger->warning,
			       "has the UUID of %s too. Give one of them another UUID, or rename "
			       "the domain if it is that guest",
			       g->name);
	return r < 0 ? r
		     : guest_hold(
			       g,
			       "domain %u (%s) has the UUID of this guest. If the domain is this "
			       "guest, run 'xl rename %u %s'. If not, give one of them another "
			       "UUID",
			       stranger->domain->domid, stranger->name, stranger->domain->domid,
			       AS_ARGUMENT(g->name));
}

static int note_double(struct guest *g, const struct guest *other)
{
	/* Of several domains, names one that has memory. */
	if (!g->other || domain_condition(other->domain) != DOMAIN_ENDED)
		g->other = other->name;
	g->shared = g->shared || domain_condition(other->domain) != DOMAIN_ENDED;
	if (g->warning || !is_lasting(g) || !is_lasting(other))
		return 0;
	return str_format(&g->warning,
			  "has the UUID of domain %u (%s) too. Give one of them another UUID",
			  other->domain->domid, other->name);
}

static bool has_ended(const struct guest *g)
{
	enum domain_condition condition = g->domain ? domain_condition(g->domain) : DOMAIN_DYING;

	return condition == DOMAIN_ENDED || condition == DOMAIN_DYING;
}

int doubles_find(struct inventory *inventory)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *g = &inventory->guests[i], *twin = g->twin;

		if (twin && has_ended(twin) && inventory_is_stranger(twin, g->domain)) {
			r = hold_beside_stranger(twin, g);
			continue;
		}
		if (twin)
			r = note_double(g, twin);
		if (r >= 0 && twin)
			r = note_double(twin, g);
	}
	return r;
}

int doubles_find_saved(struct guest *g)
{
	for (size_t i = 0; g->domain && !g->shared && i < g->n_images; i++) {
		const struct survey_image *image = g->images[i].image;

		if ((g->images[i].standing != IMAGE_NEWEST &&
		     g->images[i].standing != IMAGE_DISPUTED) ||
		    domain_is_called(g->domain, image->name))
			continue;
		g->other = image->name;
		g->shared = true;
		return str_format(&g->warning,
				  "has the UUID of %s too, which is saved in %s. Give one of them "
				  "another UUID",
				  image->name, image->path);
	}
	return 0;
}
