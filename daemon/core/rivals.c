/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/rivals.h"

#include <stdlib.h>

#include "core/lookalikes.h"
#include "util/quote.h"
#include "util/str.h"

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

static struct pair pair_of(struct guest *g, const struct ledger *ledger)
{
	return (struct pair){.here = g, .name = known_name(g), .ledger = ledger};
}

bool rivals_by_file(const struct survey_config *c, const char *name, const struct ledger *ledger)
{
	return survey_is_file_of(c, name) && !survey_is_file_of(c, c->name) &&
	       !ledger_knows_source(ledger, c->path);
}

/* It ran by the configuration's name, which is the guest where there is no UUID. */
static bool ran_as(const struct past *past, const struct survey_config *c)
{
	return past && !c->has_uuid && str_equal(past->lives.name, c->name);
}

bool rivals_may_be(const struct survey_config *c, const struct uuid *uuid, const char *name,
		   const struct ledger *ledger)
{
	const struct past *past = ledger_find(ledger, uuid);

	if (past && past->source)
		return str_equal(past->source, c->path);
	return ran_as(past, c) || (name && rivals_by_file(c, name, ledger));
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
	return p->name && p->other->n_images == 0 && rivals_by_file(p->config, p->name, p->ledger);
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

static const char *image_path(const struct guest *g)
{
	const char *path = g->image ? g->image->path : g->missing->path;

	return path ? path : "that the ledger knows";
}

/* The guest is held for another reason already, whose advice gives up this memory, too. */
static int name_rival(struct guest *g, const struct guest *rival)
{
	_cleanup_free_ char *text = NULL;
	int r = str_format(&text,
			   "%s. A cold start gives up the memory of %s with UUID %s in %s, too",
			   g->hold, rival->name, UUID_TEXT(&rival->uuid), image_path(rival));

	return r < 0 ? r : str_replace(&g->hold, text);
}

static int add_rival(struct guest *g, const struct guest *rival)
{
	const struct guest **more = reallocarray(g->rivals, g->n_rivals + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	g->rivals = more;
	g->rivals[g->n_rivals++] = rival;
	return 0;
}

static int hold_saved(struct pair *p)
{
	const char *path = image_path(p->here);
	const char *uuid = p->config->has_uuid ? UUID_TEXT(&p->other->uuid) : NULL;
	bool held;
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
	held = p->other->hold;
	r = guest_hold(p->other, "%s", p->here->hold);
	r = r < 0 ? r : add_rival(p->other, p->here);
	return r < 0 || !held ? r : name_rival(p->other, p->here);
}

/* The configuration's domain may have written to the disks since. */
static int hold_beside_domain(struct pair *p)
{
	const char *path = image_path(p->here);

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
	int r = 0;

	for (; r >= 0 && e; e = index_next(by_name, e)) {
		struct guest *other = e->item;

		if (other != p->here && str_equal(other->config->name, p->name))
			r = compare_with(p, other);
	}
	return r;
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

int rivals_hold(struct inventory *inventory, const struct ledger *ledger)
{
	_cleanup_(lookalikes_done) struct lookalikes lookalikes = {0};
	_cleanup_(index_done) struct index by_name = {0};
	int r = index_configs(inventory, &by_name, &lookalikes);

	/* What a guest's own file says of it comes first. */
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct pair p = pair_of(&inventory->guests[i], ledger);

		if (p.here->config && p.name)
			r = compare_with(&p, p.here);
	}
	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct pair p = pair_of(&inventory->guests[i], ledger);

		if (!p.here->config)
			r = compare_lookalikes(&p, &lookalikes);
		else if (p.name)
			r = compare_called(&p, &by_name);
	}
	return r;
}
