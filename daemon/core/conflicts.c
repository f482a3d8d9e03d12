/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/conflicts.h"

#include "util/str.h"

/* Two files for one guest: neither is used, and each says so, for the order decides nothing. */
static int add_conflict(struct guest *g, const char *what, const char *value, const char *other)
{
	return g->conflict ? 0
			   : str_format(&g->conflict,
					"%s and %s have the same %s%s%s. Neither is used: remove "
					"one, or give it another %s",
					g->config->path, other, what, value ? " " : "",
					value ? value : "", what);
}

/* value: that they share; NULL: there is more than one. */
static int add_conflicts(struct guest *a, struct guest *b, const char *what, const char *value)
{
	int r = add_conflict(a, what, value, b->config->path);

	return r < 0 ? r : add_conflict(b, what, value, a->config->path);
}

/* A copy of a file needs another name and another UUID: both are told at once. */
static int add_same_name(struct guest *a, struct guest *b)
{
	bool copy = a->config->has_uuid && b->config->has_uuid &&
		    uuid_equal(&a->config->uuid, &b->config->uuid);

	return copy ? add_conflicts(a, b, "name and UUID", NULL)
		    : add_conflicts(a, b, "name", a->config->name);
}

static int find_same_names(struct inventory *inventory)
{
	_cleanup_(index_done) struct index by_name = {0};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		struct guest *a = &inventory->guests[i];
		const struct index_entry *e;

		if (!a->config || a->config->error)
			continue;
		e = index_first(&by_name, hash_text(a->config->name));
		for (; r >= 0 && e; e = index_next(&by_name, e)) {
			struct guest *b = e->item;

			if (!str_equal(a->config->name, b->config->name))
				continue;
			r = add_same_name(a, b);
		}
		r = r < 0 ? r : index_add(&by_name, hash_text(a->config->name), a);
	}
	return r;
}

int conflicts_add_uuid(struct guest *first, struct guest *second)
{
	/* Of files of one name the name is told, and one of them may have no UUID. */
	if (str_equal(first->config->name, second->config->name))
		return 0;
	return add_conflicts(first, second, "UUID", UUID_TEXT(&first->uuid));
}

/* UUIDs that no guest can have. */
static int check_uuid(struct guest *g, const struct domain_list *domains)
{
	const struct domain *d = NULL;

	if (!g->config || g->config->error || !g->config->has_uuid || g->conflict)
		return 0;
	if (uuid_is_null(&g->config->uuid))
		return str_format(&g->conflict, "%s: uuid= is all zeros; give it another one",
				  g->config->path);
	while ((d = domain_list_next(domains, &g->config->uuid, d)))
		if (d->system)
			return str_format(&g->conflict,
					  "%s: uuid= is that of a domain of Xen's own; give it "
					  "another one",
					  g->config->path);
	return 0;
}

int conflicts_find(struct inventory *inventory, const struct domain_list *domains)
{
	int r = find_same_names(inventory);

	for (size_t i = 0; r >= 0 && i < inventory->n; i++)
		r = check_uuid(&inventory->guests[i], domains);
	return r;
}

int conflicts_hold(struct guest *g)
{
	return g->conflict && g->image && g->standing != IMAGE_NEWEST
		       ? guest_hold(g, "%s", g->conflict)
		       : 0;
}
