/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/stale.h"

#include "util/str.h"

int stale_list_add(struct stale_list *list, const struct stale *stale)
{
	struct stale *bigger = realloc(list->items, (list->n + 1) * sizeof(*bigger));
	struct stale item = {.past = stale->past, .guest = stale->guest, .image = stale->image};

	if (!bigger)
		return -ENOMEM;
	list->items = bigger;
	if (str_replace(&item.path, stale->path) < 0 ||
	    str_replace(&item.reason, stale->reason) < 0) {
		free(item.path);
		return -ENOMEM;
	}
	list->items[list->n++] = item;
	return 0;
}

void stale_list_done(struct stale_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->items[i].path);
		free(list->items[i].reason);
	}
	free(list->items);
	*list = (struct stale_list){0};
}
