/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/vanished.h"

#include "core/rivals.h"
#include "util/str.h"

static int add(struct vanished_index *v, const char *text, const struct vanished *item)
{
	return text ? index_add(&v->index, hash_text(text), (void *)item) : 0;
}

/* Under all that vanished_index_has() may know it by. */
static int add_item(struct vanished_index *v, const struct vanished *item)
{
	const struct past *past = ledger_find(v->ledger, &item->uuid);
	int r = index_add(&v->index, hash_uuid(&item->uuid), (void *)item);

	r = r < 0 ? r : add(v, item->name, item);
	if (r < 0 || !past)
		return r;
	r = add(v, past->source, item);
	return r < 0 ? r : add(v, past->lives.name, item);
}

int vanished_index_init(struct vanished_index *v, const struct vanished_list *list,
			const struct ledger *ledger)
{
	int r = 0;

	*v = (struct vanished_index){.list = list, .ledger = ledger};
	for (size_t i = 0; r >= 0 && i < list->n; i++)
		r = add_item(v, &list->items[i]);
	if (r < 0)
		vanished_index_done(v);
	return r;
}

void vanished_index_done(struct vanished_index *v)
{
	index_done(&v->index);
}

static bool was(const struct vanished_index *v, const struct guest *g, const struct vanished *item)
{
	return uuid_equal(&item->uuid, &g->uuid) || str_equal(item->name, g->name) ||
	       (g->config && !g->config->error &&
		rivals_may_be(g->config, &item->uuid, item->name, v->ledger));
}

static bool has(const struct vanished_index *v, uint64_t hash, const struct guest *g)
{
	const struct index_entry *e = index_first(&v->index, hash);

	for (; e; e = index_next(&v->index, e))
		if (was(v, g, e->item))
			return true;
	return false;
}

/* As survey_is_file_of() has it: the name of the file, or that without what follows the last dot.
 */
static bool has_file(const struct vanished_index *v, const struct guest *g)
{
	const char *base = path_base(g->config->path);
	const char *dot = strrchr(base, '.');

	return has(v, hash_text(base), g) ||
	       (dot && has(v, hash_bytes(base, (size_t)(dot - base)), g));
}

bool vanished_index_has(const struct vanished_index *v, const struct guest *g)
{
	if (v->list->incomplete)
		return true;
	if (v->list->n == 0)
		return false;
	if (has(v, hash_uuid(&g->uuid), g) || has(v, hash_text(g->name), g))
		return true;
	return g->config && !g->config->error &&
	       (has(v, hash_text(g->config->path), g) || has(v, hash_text(g->config->name), g) ||
		has_file(v, g));
}
