/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"

void manager_watch(struct manager *m, struct manager_watcher *watcher)
{
	LIST_INSERT_HEAD(&m->watchers, watcher, entry);
}

void manager_unwatch(struct manager_watcher *watcher)
{
	LIST_REMOVE(watcher, entry);
}

void manager_tell_shown(const struct manager *m)
{
	const struct manager_watcher *w;

	LIST_FOREACH(w, &m->watchers, entry)
	{
		if (w->shown)
			w->shown(w->data);
	}
}

void manager_tell_changed(const struct manager *m)
{
	const struct manager_watcher *w;

	LIST_FOREACH(w, &m->watchers, entry)
	{
		if (w->changed)
			w->changed(w->data);
	}
	manager_tell_shown(m);
}

void manager_tell_wanted_down(const struct manager *m, const struct uuid *uuid)
{
	const struct manager_watcher *w;

	LIST_FOREACH(w, &m->watchers, entry)
	{
		if (w->wanted_down)
			w->wanted_down(w->data, uuid);
	}
}
