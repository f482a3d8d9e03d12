/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/served.h"

static int note_devices(struct nodes *nodes, struct domain_list *l, const struct domain *d)
{
	struct domain_nodes *of = nodes_find(nodes, d->domid);
	const uint32_t *backends = NULL;
	size_t n = 0;
	int r = of ? domain_backends(of, &backends, &n) : 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = domain_list_note_device(l, d, backends[i]);
	return r;
}

int served_find(struct nodes *nodes, struct domain_list *l)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < l->n; i++)
		any |= l->domains[i].driver;
	for (size_t i = 0; r >= 0 && any && i < l->n; i++)
		if (!l->domains[i].system)
			r = note_devices(nodes, l, &l->domains[i]);
	return r;
}
