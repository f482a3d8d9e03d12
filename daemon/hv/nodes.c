/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/nodes.h"

#include <stdio.h>
#include <xenstore.h>

#include "util/str.h"

/* So many events are taken before others have their turn: a guest may make them without end. */
#define EVENTS_AT_ONCE 64

/*
 * What has changed before a look is among so many events, or nothing that was read counts: when
 * more wait, oxenstored sends later answers before them.
 */
#define EVENTS_BEFORE_LOOK 1000

/* A guest chooses what stands in nodes that are its own; this is longer than anything sensible. */
#define VALUE_MAX 4096

/* What a watch tells has its path. */
#define TOKEN "xendomainsd"

#define DIRECTORY_DOMAINS "/local/domain"
#define DIRECTORY_LIBXL   "/libxl"

struct cached {
	char *watch; /* its path; NULL: there is none */
	bool fresh;
	char *value;
	size_t length;
};

struct domain_nodes {
	struct nodes *nodes;
	uint32_t domid;
	struct uuid built;
	bool seen;
	bool settled; /* libxl writes no more which kind of domain it is */
	bool down;    /* all was read since it was found down, or dying, with this CPU time */
	bool dying;
	uint64_t cpu_time;
	struct cached cached[_NODE_MAX];
	uint32_t disks[MARK_REMOVABLE_MAX]; /* of NODE_EJECT and those that follow */
	uint32_t *backends;                 /* of NODE_DEVICES */
	size_t n_backends;
};

struct nodes {
	struct xs_handle *xs;
	struct domain_nodes **domains; /* by number */
	size_t n, room;
	int error;    /* of what was not read in this look */
	size_t taken; /* events since the last look */
};

/* DIRECTORY/DOMID/NAME */
static const struct {
	const char *directory, *name;
} places[NODE_EJECT] = {
	[NODE_NAME] = {DIRECTORY_DOMAINS, "name"},
	[NODE_VM] = {DIRECTORY_DOMAINS, "vm"},
	[NODE_DRIVER] = {DIRECTORY_DOMAINS, "libxl"},
	[NODE_TARGET] = {DIRECTORY_DOMAINS, "target"},
	[NODE_MARK] = {DIRECTORY_LIBXL, MARK_KEY},
	[NODE_PENDING] = {DIRECTORY_LIBXL, MARK_PENDING_KEY},
	[NODE_DEVICES] = {DIRECTORY_LIBXL, "device"},
	[NODE_PCI] = {DIRECTORY_LIBXL, "device/pci/0/backend"},
	[NODE_POWEROFF] = {DIRECTORY_DOMAINS, "control/feature-poweroff"},
	[NODE_SUSPEND] = {DIRECTORY_DOMAINS, "control/feature-suspend"},
	[NODE_CANNOT_SUSPEND] = {DIRECTORY_DOMAINS, "data/cant_suspend_reason"},
};

static unsigned news_of(enum node node)
{
	switch (node) {
	case NODE_NAME:
	case NODE_TARGET:
		return NEWS_DOMAINS;
	case NODE_VM:
	case NODE_BUILT:
	case NODE_MARK:
	case NODE_PENDING:
	case NODE_DEVICES:
	case NODE_PCI:
	case NODE_SUSPEND:
	case NODE_CANNOT_SUSPEND:
		return 0;
	case NODE_DRIVER:
	case NODE_POWEROFF:
	case NODE_EJECT:
	case _NODE_MAX:
		break;
	}
	return NEWS_GUESTS;
}

static int format_path(const struct domain_nodes *d, enum node node, char **ret)
{
	const char *vm = d->cached[NODE_VM].value;

	if (node == NODE_BUILT)
		return str_format(ret, "/vm/%s/start_time",
				  vm ? path_base(vm) : UUID_TEXT(&d->built));
	if (node >= NODE_EJECT)
		return str_format(ret, DIRECTORY_DOMAINS "/%u/device/vbd/%u/eject", d->domid,
				  d->disks[node - NODE_EJECT]);
	return str_format(ret, "%s/%u/%s", places[node].directory, d->domid, places[node].name);
}

/* Watches. */

/*
 * The node whose watch tells of changes of this one; _NODE_MAX: it needs none. xenstored compares
 * each write with each watch. So one serves several nodes where libxl writes them together, or
 * where a guest can write no more of them than it can below one of its own.
 */
static enum node watched_with(const struct domain_nodes *d, enum node node)
{
	switch (node) {
	case NODE_NAME:
	case NODE_VM:
		return NODE_NAME;
	case NODE_POWEROFF:
	case NODE_SUSPEND:
		return NODE_POWEROFF;
	case NODE_TARGET:
	case NODE_DRIVER:
		return d->settled ? _NODE_MAX : node;
	/* One watch is on all of DIRECTORY_LIBXL. */
	case NODE_MARK:
	case NODE_PENDING:
	case NODE_DEVICES:
	case NODE_PCI:
	case NODE_BUILT:
		return _NODE_MAX;
	case NODE_CANNOT_SUSPEND:
	case NODE_EJECT:
	case _NODE_MAX:
		break;
	}
	return node;
}

static int format_watch(const struct domain_nodes *d, enum node node, char **ret)
{
	return node == NODE_POWEROFF ? str_format(ret, DIRECTORY_DOMAINS "/%u/control", d->domid)
				     : format_path(d, node, ret);
}

static void unwatch(struct domain_nodes *d, enum node node)
{
	struct cached *c = &d->cached[node];

	if (c->watch)
		xs_unwatch(d->nodes->xs, c->watch, TOKEN);
	free(TAKE_PTR(c->watch));
}

static void cached_done(struct cached *c)
{
	free(c->watch);
	free(c->value);
	*c = (struct cached){0};
}

static void forget(struct domain_nodes *d, enum node node)
{
	unwatch(d, node);
	cached_done(&d->cached[node]);
}

static void forget_all(struct domain_nodes *d)
{
	for (enum node node = 0; node < _NODE_MAX; node++)
		forget(d, node);
	free(TAKE_PTR(d->backends));
	d->n_backends = 0;
	d->settled = d->down = false;
}

void domain_nodes_settle(struct domain_nodes *d)
{
	d->settled = true;
	unwatch(d, NODE_TARGET);
	unwatch(d, NODE_DRIVER);
}

/* The place of the domain, or the one where it belongs. */
static size_t place_of(const struct nodes *n, uint32_t domid)
{
	size_t low = 0, high = n->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (n->domains[middle]->domid < domid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct domain_nodes *nodes_find(const struct nodes *n, uint32_t domid)
{
	size_t place = place_of(n, domid);

	return place < n->n && n->domains[place]->domid == domid ? n->domains[place] : NULL;
}

/* Whether a node is at a path, above it, or below it. */
static bool is_related(const char *node, const char *path)
{
	size_t n = strlen(node), m = strlen(path);

	if (n == 0 || m == 0)
		return true;
	return n <= m ? str_starts_with(path, node) && (n == m || path[n] == '/')
		      : str_starts_with(node, path) && node[m] == '/';
}

static unsigned touch(struct domain_nodes *d, enum node node)
{
	d->cached[node].fresh = false;
	if (node == NODE_NAME)
		d->cached[NODE_VM].fresh = false;
	return news_of(node);
}

/* Something has changed at a path; below the directory of the domain it is called name. */
static unsigned touch_path(struct domain_nodes *d, const char *directory, const char *name,
			   const char *path)
{
	unsigned news = 0;

	for (enum node node = 0; node < NODE_EJECT; node++)
		if (str_equal(places[node].directory, directory) &&
		    is_related(places[node].name, name))
			news |= touch(d, node);
	for (enum node node = NODE_EJECT; node < _NODE_MAX; node++)
		if (d->cached[node].watch && is_related(d->cached[node].watch, path))
			news |= touch(d, node);
	return news;
}

/*
 * XenStore tells of each new watch at once, and drops an event that is the same as one that waits
 * to be sent: the first event can stand for a change, too, and counts like all.
 */
static unsigned take_event(struct nodes *n, const char *path)
{
	static const char *const directories[] = {DIRECTORY_DOMAINS, DIRECTORY_LIBXL};

	if (path[0] == '@')
		return NEWS_DOMAINS;
	for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
		size_t length = strlen(directories[i]);
		struct domain_nodes *d;
		unsigned domid;
		int used = 0;

		if (!str_starts_with(path, directories[i]) ||
		    sscanf(path + length, "/%u%n", &domid, &used) != 1)
			continue;
		d = nodes_find(n, domid);
		length += (size_t)used;
		length += path[length] == '/';
		return d ? touch_path(d, directories[i], path + length, path) : 0;
	}
	return 0;
}

static int take_events(struct nodes *n, size_t max, unsigned *ret_news)
{
	unsigned news = 0;
	char **event;

	for (size_t taken = 0; taken < max; taken++) {
		event = xs_check_watch(n->xs);
		if (!event) {
			*ret_news = news;
			return errno == EAGAIN ? 0 : -errno;
		}
		n->taken++;
		news |= take_event(n, event[XS_WATCH_PATH]);
		free(event);
	}
	*ret_news = news;
	return -EAGAIN;
}

int nodes_take_news(struct nodes *n, unsigned *ret_news)
{
	return take_events(n, EVENTS_AT_ONCE, ret_news);
}

int nodes_reach(struct nodes *n)
{
	_cleanup_free_ char *value = xs_read(n->xs, XBT_NULL, "/local/domain/0/domid", NULL);

	return value || errno == ENOENT ? 0 : -errno;
}

static void renew(struct domain_nodes *d)
{
	for (enum node node = 0; node < _NODE_MAX; node++)
		d->cached[node].fresh = false;
}

/*
 * The domain itself writes no more. What toolstacks write is told; but oxenstored holds an event
 * back while so many others wait to be sent that they are all taken before the next look.
 */
void domain_nodes_down(struct domain_nodes *d, bool dying, uint64_t cpu_time)
{
	if (!d->down || d->dying != dying || d->cpu_time != cpu_time ||
	    d->nodes->taken >= EVENTS_BEFORE_LOOK)
		renew(d);
	d->down = true;
	d->dying = dying;
	d->cpu_time = cpu_time;
}

void domain_nodes_recheck(struct domain_nodes *d)
{
	d->down = false;
}

int nodes_begin(struct nodes *n, unsigned *ret_news)
{
	/* What was told before the answer to this has come before it. */
	int r = nodes_reach(n);

	n->error = 0;
	if (r < 0)
		return r;
	r = take_events(n, EVENTS_BEFORE_LOOK, ret_news);
	if (r != -EAGAIN)
		return r;
	for (size_t i = 0; i < n->n; i++)
		renew(n->domains[i]);
	return 0;
}

/* Domains. */

int nodes_end(struct nodes *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n->n; i++) {
		struct domain_nodes *d = n->domains[i];

		if (d->seen) {
			d->seen = false;
			n->domains[kept++] = d;
		} else {
			forget_all(d);
			free(d);
		}
	}
	n->n = kept;
	n->taken = 0;
	return n->error;
}

static struct domain_nodes *add(struct nodes *n, uint32_t domid)
{
	struct domain_nodes *d, **bigger;
	size_t place = place_of(n, domid);

	if (n->n == n->room) {
		bigger = realloc(n->domains, (2 * n->room + 1) * sizeof(struct domain_nodes *));
		if (!bigger)
			return NULL;
		n->domains = bigger;
		n->room = 2 * n->room + 1;
	}
	d = calloc(1, sizeof(*d));
	if (!d)
		return NULL;
	*d = (struct domain_nodes){.nodes = n, .domid = domid};
	memmove(&n->domains[place + 1], &n->domains[place],
		(n->n - place) * sizeof(struct domain_nodes *));
	n->domains[place] = d;
	n->n++;
	return d;
}

struct domain_nodes *nodes_of(struct nodes *n, uint32_t domid, const struct uuid *built)
{
	struct domain_nodes *d = nodes_find(n, domid);

	d = d ? d : add(n, domid);
	if (!d)
		return NULL;
	/* Another domain has the number now. */
	if (!uuid_equal(&d->built, built))
		forget_all(d);
	d->built = *built;
	d->seen = true;
	return d;
}

/* Nodes. */

/* Sets a watch, if there is none. */
static int watch(struct domain_nodes *d, enum node node)
{
	struct cached *c = &d->cached[node];
	_cleanup_free_ char *path = NULL;
	int r;

	if (c->watch)
		return 0;
	r = format_watch(d, node, &path);
	if (r >= 0 && xs_watch(d->nodes->xs, path, TOKEN))
		c->watch = TAKE_PTR(path);
	return r;
}

/* Whether it must be read; it will be fresh then. */
static bool is_stale(struct domain_nodes *d, enum node node, char **ret_path)
{
	enum node watched = watched_with(d, node);
	struct cached *c = &d->cached[node];
	int r;

	if (c->fresh)
		return false;
	r = format_path(d, node, ret_path);
	r = r < 0 || watched == _NODE_MAX ? r : watch(d, watched);
	if (r < 0) {
		d->nodes->error = r;
		return false;
	}
	/* Where it cannot be watched, it is read each time. */
	c->fresh = watched == _NODE_MAX || d->cached[watched].watch;
	return true;
}

/*
 * What is not known is not taken for a node that is missing. EINVAL: none can be called so, or
 * XenStore has gone meanwhile.
 */
static void note_error(struct nodes *n, struct cached *c)
{
	int r = errno == EINVAL ? nodes_reach(n) : errno == ENOENT ? 0 : -errno;

	if (r < 0) {
		n->error = r;
		c->fresh = false;
	}
}

const char *domain_node(struct domain_nodes *d, enum node node, size_t *ret_length)
{
	struct cached *c = &d->cached[node];
	_cleanup_free_ char *path = NULL, *value = NULL;
	unsigned length = 0;

	if (is_stale(d, node, &path)) {
		value = xs_read(d->nodes->xs, XBT_NULL, path, &length);
		/* It is not watched, and no tool writes it once the domain is down. */
		if (node == NODE_BUILT)
			c->fresh = value || d->down;
		if (!value)
			note_error(d->nodes, c);
		if (length > VALUE_MAX)
			free(TAKE_PTR(value));
		if (node == NODE_VM && !str_equal(value, c->value))
			forget(d, NODE_BUILT);
		free(c->value);
		c->value = TAKE_PTR(value);
		c->length = length;
	}
	if (ret_length)
		*ret_length = c->length;
	return c->value;
}

const char *domain_node_eject(struct domain_nodes *d, size_t index, uint32_t devid)
{
	enum node node = (enum node)(NODE_EJECT + index);

	if (d->disks[index] != devid)
		forget(d, node);
	d->disks[index] = devid;
	return domain_node(d, node, NULL);
}

static int add_backend(struct domain_nodes *d, const char *path)
{
	_cleanup_free_ char *backend = xs_read(d->nodes->xs, XBT_NULL, path, NULL);
	uint32_t *bigger;
	unsigned domid;

	if (!backend)
		note_error(d->nodes, &d->cached[NODE_DEVICES]);
	if (!backend || sscanf(backend, "/local/domain/%u/", &domid) != 1)
		return 0;
	bigger = realloc(d->backends, (d->n_backends + 1) * sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	d->backends = bigger;
	d->backends[d->n_backends++] = domid;
	return 0;
}

static char **list(struct domain_nodes *d, const char *path, unsigned *ret_n)
{
	char **names = xs_directory(d->nodes->xs, XBT_NULL, path, ret_n);

	if (names)
		return names;
	note_error(d->nodes, &d->cached[NODE_DEVICES]);
	*ret_n = 0;
	return NULL;
}

/* libxl alone writes the nodes below it. */
static int read_backends(struct domain_nodes *d, const char *path)
{
	_cleanup_free_ char **kinds = NULL;
	unsigned n_kinds, n;
	int r = 0;

	d->n_backends = 0;
	kinds = list(d, path, &n_kinds);
	for (unsigned i = 0; r >= 0 && i < n_kinds; i++) {
		_cleanup_free_ char **devices = NULL;
		_cleanup_free_ char *kind = NULL;

		r = str_format(&kind, "%s/%s", path, kinds[i]);
		devices = r < 0 ? NULL : list(d, kind, &n);
		for (unsigned j = 0; r >= 0 && j < n && devices; j++) {
			_cleanup_free_ char *backend = NULL;

			r = str_format(&backend, "%s/%s/backend", kind, devices[j]);
			r = r < 0 ? r : add_backend(d, backend);
		}
	}
	if (r < 0)
		d->cached[NODE_DEVICES].fresh = false;
	return r;
}

int domain_backends(struct domain_nodes *d, const uint32_t **ret, size_t *ret_n)
{
	_cleanup_free_ char *path = NULL;
	int r = is_stale(d, NODE_DEVICES, &path) ? read_backends(d, path) : 0;

	if (r < 0)
		return r;
	*ret = d->backends;
	*ret_n = d->n_backends;
	return 0;
}

int nodes_new(struct xs_handle *xs, struct nodes **ret)
{
	struct nodes *n;

	if (!xs_watch(xs, "@introduceDomain", TOKEN) || !xs_watch(xs, "@releaseDomain", TOKEN) ||
	    !xs_watch(xs, DIRECTORY_LIBXL, TOKEN))
		return -errno;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	n->xs = xs;
	*ret = n;
	return 0;
}

struct nodes *nodes_free(struct nodes *n)
{
	if (!n)
		return NULL;
	/* The connection's end is the end of its watches. */
	for (size_t i = 0; i < n->n; i++) {
		for (enum node node = 0; node < _NODE_MAX; node++)
			cached_done(&n->domains[i]->cached[node]);
		free(n->domains[i]->backends);
		free(n->domains[i]);
	}
	free(n->domains);
	free(n);
	return NULL;
}
