/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "util/uuid.h"
#include "wire/mark.h"

struct xs_handle;

/*
 * What XenStore says of the domains. A node is read when it is asked for, and once more after its
 * watch has fired. So a look at many domains takes one round trip where nothing has changed, and a
 * few for each domain that has.
 */
struct nodes;
struct domain_nodes;

enum node {
	NODE_NAME,
	NODE_VM, /* the path of what has the UUID that XenStore knows; a new one has a new name */
	NODE_BUILT,  /* when the domain was built; it never changes */
	NODE_TARGET, /* the domain that it is the device model of */
	NODE_MARK,
	NODE_PENDING, /* until when it may still suspend, asked to by a worker of ours */
	NODE_DEVICES, /* the directory of its devices, which libxl alone writes */
	NODE_PCI,     /* it exists if the domain has PCI devices of the host */
	/* The domain writes those that follow, or below them. */
	NODE_DRIVER, /* it exists if other domains' devices can live in the domain */
	NODE_POWEROFF,
	NODE_SUSPEND,
	NODE_CANNOT_SUSPEND,
	NODE_EJECT, /* of the first disk that it may eject; the others follow */
	_NODE_MAX = NODE_EJECT + MARK_REMOVABLE_MAX,
};

/* What has happened, together. */
enum news {
	NEWS_DOMAINS = 1 << 0, /* to domains, or to what toolstacks write */
	NEWS_GUESTS = 1 << 1,  /* to what guests write */
};

/* xs stays the caller's, and nothing else may take what its watches tell. 0 or -errno. */
int nodes_new(struct xs_handle *xs, struct nodes **ret);
struct nodes *nodes_free(struct nodes *nodes);

/* Whether XenStore is still there: its end is reported nowhere else. 0 or -errno. */
int nodes_reach(struct nodes *nodes);

/*
 * Takes what the watches have told. The result counts for those that the caller is to hear of: some
 * nodes matter only when the domains are looked at. 0, -EAGAIN if there is more, and -errno if
 * XenStore has gone.
 */
int nodes_take_news(struct nodes *nodes, unsigned *ret_news);

/*
 * Begins a look: what has changed before it will be read again. As nodes_take_news(), but that more
 * to take is no error.
 */
int nodes_begin(struct nodes *nodes, unsigned *ret_news);

/* Ends it: nothing is kept of domains that were not asked for. -errno if a node was not read. */
int nodes_end(struct nodes *nodes);

/*
 * Those of a domain, by the number and the UUID that Xen knows it by; valid until nodes_end(). NULL
 * on lack of memory.
 */
struct domain_nodes *nodes_of(struct nodes *nodes, uint32_t domid, const struct uuid *built);

/* The same of one that was asked for before, or NULL. */
struct domain_nodes *nodes_find(const struct nodes *nodes, uint32_t domid);

/*
 * The value; NULL if there is no such node, or if it is longer than anything sensible. A guest can
 * put any bytes in: there is a NUL after them. It stays theirs, and valid until the next
 * look. ret_length may be NULL.
 */
const char *domain_node(struct domain_nodes *d, enum node node, size_t *ret_length);

/*
 * The domain has run. libxl says before that whose device model it is, and whether it is a driver
 * domain: NODE_TARGET and NODE_DRIVER stay as they are.
 */
void domain_nodes_settle(struct domain_nodes *d);

/*
 * The domain is down or dying, and what is read of it decides on its guest. So what was read before
 * counts only if it was read when the domain was so already. cpu_time: what Xen says that it has
 * used; it is more if the domain has run since.
 */
void domain_nodes_down(struct domain_nodes *d, bool dying, uint64_t cpu_time);

/* The next time that it is down all is read again: it is up now, or a worker of ours has written.
 */
void domain_nodes_recheck(struct domain_nodes *d);

/* That of the disk of this number, at this place among those that the guest may eject. */
const char *domain_node_eject(struct domain_nodes *d, size_t index, uint32_t devid);

/* The domains that its devices live in. 0 or -ENOMEM; they stay theirs, as the values do. */
int domain_backends(struct domain_nodes *d, const uint32_t **ret, size_t *ret_n);

DEFINE_CLEANUP(struct nodes, nodes_free);
