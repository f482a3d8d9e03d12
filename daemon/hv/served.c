/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/served.h"

#include <stdio.h>

#include "util/str.h"

/* The backend of a device, by a node that only libxl writes. */
static int note_device(struct xs_handle *xs, struct domain_list *l, const struct domain *d,
		       const char *kind, const char *device)
{
	_cleanup_free_ char *path = NULL, *backend = NULL;
	unsigned domid;
	int r = str_format(&path, "/libxl/%u/device/%s/%s/backend", d->domid, kind, device);

	if (r < 0)
		return r;
	backend = xs_read(xs, XBT_NULL, path, NULL);
	return backend && sscanf(backend, "/local/domain/%u/", &domid) == 1
		       ? domain_list_note_device(l, d, domid)
		       : 0;
}

static int note_devices(struct xs_handle *xs, struct domain_list *l, const struct domain *d)
{
	_cleanup_free_ char **kinds = NULL;
	unsigned n_kinds = 0, n = 0;
	char path[64];
	int r = 0;

	snprintf(path, sizeof(path), "/libxl/%u/device", d->domid);
	kinds = xs_directory(xs, XBT_NULL, path, &n_kinds);
	for (unsigned i = 0; r >= 0 && kinds && i < n_kinds; i++) {
		_cleanup_free_ char **devices = NULL;
		_cleanup_free_ char *kind = NULL;

		r = str_format(&kind, "%s/%s", path, kinds[i]);
		devices = r < 0 ? NULL : xs_directory(xs, XBT_NULL, kind, &n);
		for (unsigned j = 0; r >= 0 && devices && j < n; j++)
			r = note_device(xs, l, d, kinds[i], devices[j]);
	}
	return r;
}

int served_find(struct xs_handle *xs, struct domain_list *l)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < l->n; i++)
		any |= l->domains[i].driver;
	for (size_t i = 0; r >= 0 && any && i < l->n; i++)
		if (!l->domains[i].system)
			r = note_devices(xs, l, &l->domains[i]);
	return r;
}
