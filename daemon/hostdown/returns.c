/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/returns.h"

#include <stdlib.h>

static struct returning *find(const struct returns *r, const struct uuid *uuid)
{
	for (size_t i = 0; i < r->n; i++)
		if (uuid_equal(&r->items[i].uuid, uuid))
			return &r->items[i];
	return NULL;
}

static void drop(struct returns *r, size_t index)
{
	r->n--;
	/* In the order in which they ended. */
	memmove(&r->items[index], &r->items[index + 1], (r->n - index) * sizeof(*r->items));
}

int returns_add(struct returns *r, const struct uuid *uuid, uint32_t domid, bool down)
{
	struct returning *item = find(r, uuid), *bigger;

	if (!item) {
		bigger = realloc(r->items, (r->n + 1) * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		r->items = bigger;
		item = &r->items[r->n++];
	} else if (item->domid == domid) {
		down = down || item->down;
	}
	*item = (struct returning){
		.uuid = *uuid, .domid = domid, .down = down, .until = USEC_INFINITY};
	return 0;
}

void returns_remove(struct returns *r, const struct uuid *uuid)
{
	struct returning *item = find(r, uuid);

	if (item)
		drop(r, (size_t)(item - r->items));
}

void returns_clear(struct returns *r)
{
	free(r->items);
	*r = (struct returns){0};
}

static bool has_shut_down(const struct domain *d)
{
	return d && d->shutdown && d->reason != SHUTDOWN_REASON_SUSPEND;
}

void returns_look(struct returns *r, const struct domain_list *domains, usec_t now)
{
	for (size_t i = 0; i < r->n;) {
		struct returning *item = &r->items[i];
		const struct domain *d = domain_list_find(domains, &item->uuid, item->domid);

		item->down = item->down || has_shut_down(d);
		if ((!d && !item->down) || now >= item->until)
			drop(r, i);
		else
			i++;
	}
}

void returns_set_end(struct returns *r, usec_t until)
{
	for (size_t i = 0; i < r->n; i++)
		r->items[i].until = until;
}

bool returns_take(struct returns *r, const struct domain_list *domains, struct uuid *ret)
{
	for (size_t i = 0; i < r->n; i++) {
		struct returning *item = &r->items[i];
		const struct domain *d = domain_list_find(domains, &item->uuid, item->domid);

		if (!item->down || (d && !d->dying))
			continue;
		*ret = item->uuid;
		drop(r, i);
		return true;
	}
	return false;
}

size_t returns_count(const struct returns *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->items[i].down;
	return n;
}
