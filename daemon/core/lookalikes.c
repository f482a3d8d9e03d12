/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/lookalikes.h"

#include "util/str.h"

int lookalikes_add(struct lookalikes *l, struct guest *g)
{
	const char *base = path_base(g->config->path), *dot = strrchr(base, '.');
	int r = index_add(&l->index, hash_text(g->config->name), g);

	r = r < 0 ? r : index_add(&l->index, hash_text(g->config->path), g);
	/* As survey_is_file_of() has it. */
	r = r < 0 ? r : index_add(&l->index, hash_text(base), g);
	return r < 0 || !dot ? r : index_add(&l->index, hash_bytes(base, (size_t)(dot - base)), g);
}

static int note(struct lookalikes *l, struct guest *g)
{
	if (l->n_found == l->room) {
		size_t room = l->room ? 2 * l->room : 16;
		struct guest **bigger = realloc(l->found, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		l->found = bigger;
		l->room = room;
	}
	l->found[l->n_found++] = g;
	return 0;
}

static int find_text(struct lookalikes *l, const char *text)
{
	const struct index_entry *e = text ? index_first(&l->index, hash_text(text)) : NULL;
	int r = 0;

	for (; r >= 0 && e; e = index_next(&l->index, e))
		r = note(l, e->item);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct guest *x = *(struct guest *const *)a, *y = *(struct guest *const *)b;

	return x < y ? -1 : x > y;
}

/* The same guest is found by several texts. */
static void sort(struct lookalikes *l)
{
	size_t n = 0;

	if (l->n_found == 0)
		return;
	qsort(l->found, l->n_found, sizeof(struct guest *), compare);
	for (size_t i = 0; i < l->n_found; i++)
		if (n == 0 || l->found[n - 1] != l->found[i])
			l->found[n++] = l->found[i];
	l->n_found = n;
}

int lookalikes_find(struct lookalikes *l, const struct guest *g, const char *name,
		    const struct ledger *ledger)
{
	const struct past *past = NULL;
	int r;

	l->n_found = 0;
	r = find_text(l, g->name);
	r = r < 0 ? r : find_text(l, name);
	if (g->domain)
		r = r < 0 ? r : find_text(l, g->domain->source);
	if (g->past) {
		r = r < 0 ? r : find_text(l, g->past->source);
		r = r < 0 ? r : find_text(l, g->past->lives.name);
	}
	/* It can have run under another UUID. */
	while (r >= 0 && name && (past = ledger_next_with(ledger, name, past)))
		r = find_text(l, past->source);
	sort(l);
	return r;
}

void lookalikes_done(struct lookalikes *l)
{
	index_done(&l->index);
	free(l->found);
}
