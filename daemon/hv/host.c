/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/host.h"

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenstore.h>

#include "hv/savers.h"
#include "hv/served.h"
#include "hv/xen-version.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/str.h"
#include "wire/mark.h"

/* XenStore is asked so often whether it is still there: its end is reported nowhere else. */
#define HEARTBEAT (15 * USEC_PER_SEC)

/* Changes of nodes that guests can write are looked at so often at most. */
#define GUEST_INTERVAL (500 * USEC_PER_MSEC)

/* So many events are taken before others have their turn: a guest may make them without end. */
#define EVENTS_AT_ONCE 64

/* A guest chooses what stands in nodes that are its own; this is longer than anything sensible. */
#define VALUE_MAX 4096

#define USERDATA_FOLDER "/var/lib/xen"

/* The longest text of a guest about itself that is shown. */
#define UNSAVABLE_MAX 200

/* A domain whose nodes are watched. */
struct watched {
	uint32_t domid;
	struct uuid uuid;
	bool seen;
	uint32_t disks[MARK_REMOVABLE_MAX]; /* those that the guest may eject */
	size_t n_disks;
};

struct host {
	struct loop *loop;
	struct host_callbacks callbacks;
	xentoollog_logger_stdiostream *logger;
	libxl_ctx *ctx;
	struct xs_handle *xs;
	struct watch *news;
	struct timer *heartbeat;
	struct timer *quiet; /* for changes that guests make */
	struct watched *watched;
	size_t n_watched;
	bool lost;
};

static void lose(struct host *h)
{
	if (h->lost)
		return;
	h->lost = true;
	h->news = watch_free(h->news);
	timer_clear(h->heartbeat);
	h->callbacks.lost(h->callbacks.data, "XenStore has gone; the host must be restarted");
}

/* XenStore. */

/* The value at a path as a string, or NULL; one with a NUL inside is cut there. */
static char *read_node(struct host *h, const char *path, size_t *ret_length)
{
	unsigned length;
	char *value = xs_read(h->xs, XBT_NULL, path, &length);

	if (!value)
		return NULL;
	if (length > VALUE_MAX) {
		free(value);
		return NULL;
	}
	if (ret_length)
		*ret_length = length;
	return value;
}

static char *read_domain_node(struct host *h, uint32_t domid, const char *node)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, node);
	return read_node(h, path, NULL);
}

/*
 * Watches a node of each guest, but none below which a guest can make nodes. The token tells who
 * writes the node.
 */
static void set_watch(struct host *h, const char *path, const char *token, bool on)
{
	if (on)
		xs_watch(h->xs, path, token);
	else
		xs_unwatch(h->xs, path, token);
}

static void eject_path(char *path, size_t size, uint32_t domid, uint32_t devid)
{
	snprintf(path, size, "/local/domain/%u/device/vbd/%u/eject", domid, devid);
}

static void set_watches(struct host *h, const struct watched *w, bool on)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/name", w->domid);
	set_watch(h, path, "toolstack", on);
	snprintf(path, sizeof(path), "/local/domain/%u/control/feature-poweroff", w->domid);
	set_watch(h, path, "guest", on);
	snprintf(path, sizeof(path), "/vm/%s/name", UUID_TEXT(&w->uuid));
	set_watch(h, path, "toolstack", on);
	for (size_t i = 0; i < w->n_disks; i++) {
		eject_path(path, sizeof(path), w->domid, w->disks[i]);
		set_watch(h, path, "guest", on);
	}
}

static struct watched *find_watched(struct host *h, uint32_t domid, const struct uuid *uuid)
{
	for (size_t i = 0; i < h->n_watched; i++)
		if (h->watched[i].domid == domid && uuid_equal(&h->watched[i].uuid, uuid))
			return &h->watched[i];
	return NULL;
}

static void watch_domain(struct host *h, const struct domain *d)
{
	struct watched *w = find_watched(h, d->domid, &d->uuid);
	struct watched *bigger;

	if (!w) {
		bigger = realloc(h->watched, (h->n_watched + 1) * sizeof(*bigger));
		if (!bigger)
			return;
		h->watched = bigger;
		w = &h->watched[h->n_watched++];
		*w = (struct watched){.domid = d->domid, .uuid = d->uuid};
		set_watches(h, w, true);
	}
	w->seen = true;
}

static void unwatch_unseen(struct host *h)
{
	bool ended = false;
	size_t kept = 0;

	for (size_t i = 0; i < h->n_watched; i++) {
		if (h->watched[i].seen) {
			h->watched[kept] = h->watched[i];
			h->watched[kept++].seen = false;
		} else {
			set_watches(h, &h->watched[i], false);
			ended = true;
		}
	}
	h->n_watched = kept;
	/* A preserved domain is another guest with the same nodes. */
	for (size_t i = 0; ended && i < kept; i++)
		set_watches(h, &h->watched[i], true);
}

static void on_quiet(void *data)
{
	struct host *h = data;

	h->callbacks.changed(h->callbacks.data);
}

static void on_news(void *data, unsigned events _unused_)
{
	struct host *h = data;
	bool domains = false, guests = false;
	unsigned taken = 0;
	char **event;

	while (taken < EVENTS_AT_ONCE && (event = xs_check_watch(h->xs))) {
		taken++;
		if (str_equal(event[XS_WATCH_TOKEN], "guest"))
			guests = true;
		else
			domains = true;
		free(event);
	}
	if (taken < EVENTS_AT_ONCE && errno != EAGAIN) {
		lose(h);
		return;
	}
	if (domains)
		h->callbacks.changed(h->callbacks.data);
	if (guests && !timer_is_set(h->quiet))
		timer_set_after(h->quiet, GUEST_INTERVAL);
}

static void on_heartbeat(void *data)
{
	struct host *h = data;
	char *value = xs_read(h->xs, XBT_NULL, "/local/domain/0/domid", NULL);

	if (!value && errno != ENOENT) {
		lose(h);
		return;
	}
	free(value);
	timer_set_after(h->heartbeat, HEARTBEAT);
}

/* Domains. */

static bool is_libvirts(const struct domain *d, const struct uuid *built)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), USERDATA_FOLDER "/userdata-d.%u.%s.libvirt-xml", d->domid,
		 UUID_TEXT(built));
	return stat(path, &st) == 0;
}

/*
 * Which disk the guest wants to be without. The guest writes the nodes, and makes them: each is
 * watched by itself, and nothing else below the directory that is the guest's.
 */
static int read_wishes(struct host *h, struct domain *d, const struct mark *mark)
{
	struct watched *w = find_watched(h, d->domid, &d->uuid);
	const char *vdev;
	uint32_t devid;
	char path[128];
	int r = 0;

	for (size_t i = 0; r >= 0 && w && mark_removable(mark, i, &vdev, &devid) >= 0; i++) {
		_cleanup_free_ char *wish = NULL;

		eject_path(path, sizeof(path), d->domid, devid);
		if (i >= w->n_disks || w->disks[i] != devid) {
			w->n_disks = MAX(w->n_disks, i + 1);
			w->disks[i] = devid;
			set_watch(h, path, "guest", true);
		}
		wish = read_node(h, path, NULL);
		if (!d->eject && str_equal(wish, "eject"))
			r = str_replace(&d->eject, vdev);
	}
	return r;
}

static int read_mark(struct host *h, struct domain *d, const struct uuid *built)
{
	_cleanup_(mark_done) struct mark mark = {0};
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t length;
	int r;

	snprintf(path, sizeof(path), "/libxl/%u/" MARK_KEY, d->domid);
	text = read_node(h, path, &length);
	if (!text || mark_parse(text, length, &mark) < 0 || !uuid_equal(&mark.uuid, &d->uuid)) {
		d->manager = is_libvirts(d, built) ? DOMAIN_MANAGER_LIBVIRT : DOMAIN_MANAGER_XL;
		return 0;
	}
	d->manager = DOMAIN_MANAGER_XENDOMAINSD;
	d->on_poweroff = death_action_from_string(mark.on_poweroff);
	d->on_reboot = death_action_from_string(mark.on_reboot);
	d->on_watchdog = death_action_from_string(mark.on_watchdog);
	d->on_crash = death_action_from_string(mark.on_crash);
	d->on_soft_reset = death_action_from_string(mark.on_soft_reset);
	d->saved = !uuid_is_null(&mark.saved);
	r = str_replace(&d->source, mark.source);
	r = r < 0 || d->dying ? r : read_wishes(h, d, &mark);
	return r;
}

/*
 * Xen knows the UUID that a domain was built with. One that was preserved, so that the guest could
 * be created beside it, has another one since, which only XenStore knows (and no guest
 * writes).
 */
static struct uuid read_uuid(struct host *h, uint32_t domid, const struct uuid *built)
{
	_cleanup_free_ char *vm = read_domain_node(h, domid, "vm");
	struct uuid uuid;

	return vm && uuid_parse(path_base(vm), &uuid) >= 0 ? uuid : *built;
}

/* libxl stores a domain's configuration when it has built it. */
static bool is_unbuilt(uint32_t domid, const struct uuid *built)
{
	char path[256];

	snprintf(path, sizeof(path), USERDATA_FOLDER "/userdata-d.%u.%s.libxl-json", domid,
		 UUID_TEXT(built));
	return access(path, F_OK) < 0;
}

/* The reason is written by the guest (a convention of XAPI's). */
static int read_unsavable(struct host *h, struct domain *d)
{
	_cleanup_free_ char *feature = NULL, *reason = NULL, *devices = NULL, *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/libxl/%u/device/pci/0/backend", d->domid);
	devices = read_node(h, path, NULL);
	if (devices)
		return str_replace(&d->unsavable, "it has PCI devices of the host");
	reason = read_domain_node(h, d->domid, "data/cant_suspend_reason");
	text = str_empty(reason) ? NULL : str_printable(reason, UNSAVABLE_MAX);
	if (text)
		return str_format(&d->unsavable, "it says that it cannot be suspended: %s", text);
	feature = read_domain_node(h, d->domid, "control/feature-suspend");
	return str_equal(feature, "0")
		       ? str_replace(&d->unsavable, "its kernel says that it cannot be suspended")
		       : 0;
}

/* Finds a tool that builds or saves the domain. */
static void look_for_others(struct domain *d, const struct uuid *built)
{
	if (d->paused && d->cpu_time == 0 && !d->dying)
		d->unbuilt = is_unbuilt(d->domid, built);
	if (d->shutdown && !d->dying && d->reason == SHUTDOWN_REASON_SUSPEND)
		d->saver = savers_find(d->domid, d->name);
}

/* While the worker asks, the node holds no time. */
static bool is_asked_to_suspend(struct host *h, uint32_t domid)
{
	_cleanup_free_ char *value = NULL;
	uint64_t until;
	char path[80];

	snprintf(path, sizeof(path), "/libxl/%u/" MARK_PENDING_KEY, domid);
	value = read_node(h, path, NULL);
	return value && parse_u64(value, UINT64_MAX, &until) >= 0 && usec_now() < until;
}

static int fill_domain(struct host *h, const libxl_dominfo *info, struct domain *d)
{
	_cleanup_free_ char *target = NULL, *up = NULL, *driver = NULL;
	struct uuid built;
	int r;

	*d = (struct domain){
		.domid = info->domid,
		.paused = info->paused,
		.shutdown = info->shutdown,
		.dying = info->dying,
		.reason = (enum shutdown_reason)info->shutdown_reason,
		.memory_kib = info->current_memkb,
		.vcpus = info->vcpu_online,
		.cpu_time = info->cpu_time / 1000,
	};
	memcpy(built.bytes, libxl_uuid_bytearray_const(&info->uuid), sizeof(built.bytes));
	d->uuid = read_uuid(h, d->domid, &built);
	d->name = read_domain_node(h, d->domid, "name");
	driver = read_domain_node(h, d->domid, "libxl");
	d->driver = d->domid && driver;
	domain_set_flags(d, info->running, info->blocked);
	/* A device model in a domain of its own says whose it is. */
	target = d->domid ? read_domain_node(h, d->domid, "target") : NULL;
	d->system = d->domid == 0 || info->never_stop || target;
	if (d->system)
		return 0;
	up = read_domain_node(h, d->domid, "control/feature-poweroff");
	d->up = str_equal(up, "1");
	look_for_others(d, &built);
	d->late = domain_condition(d) == DOMAIN_SUSPENDED && is_asked_to_suspend(h, d->domid);
	if (d->dying)
		return read_mark(h, d, &built);
	watch_domain(h, d);
	r = read_unsavable(h, d);
	return r < 0 ? r : read_mark(h, d, &built);
}

int host_list(struct host *h, struct domain_list **ret)
{
	_cleanup_(domain_list_freep) struct domain_list *l = calloc(1, sizeof(*l));
	libxl_dominfo *infos;
	int n, r = 0;

	if (!l)
		return -ENOMEM;
	if (h->lost)
		return -ENOTCONN;
	infos = libxl_list_domain(h->ctx, &n);
	if (!infos)
		return -EIO;
	l->domains = calloc((size_t)n + 1, sizeof(*l->domains));
	if (!l->domains)
		r = -ENOMEM;
	for (int i = 0; r >= 0 && i < n; i++)
		r = fill_domain(h, &infos[i], &l->domains[l->n++]);
	libxl_dominfo_list_free(infos, n);
	r = r < 0 ? r : served_find(h->xs, l);
	if (r < 0)
		return r;
	unwatch_unseen(h);
	*ret = TAKE_PTR(l);
	return 0;
}

struct control_write {
	char vm[128], expected[64]; /* the node that says whose domain it is, and its value */
	char path[128];
	const char *text;
};

/* Within a transaction. 0; -ESTALE if it is not this domain; -errno where that is not known. */
static int write_for(struct host *h, xs_transaction_t t, const struct control_write *w)
{
	_cleanup_free_ char *value = xs_read(h->xs, t, w->vm, NULL);

	if (!value)
		return errno == ENOENT ? -ESTALE : -errno;
	if (!str_equal(value, w->expected))
		return -ESTALE;
	return xs_write(h->xs, t, w->path, w->text, (unsigned)strlen(w->text)) ? 0 : -errno;
}

/*
 * Writes a node of a domain's control directory, in a transaction that makes sure that this is
 * still the domain meant: a write below a domain's directory that is gone would make the directory
 * again.
 */
static int write_control(struct host *h, const struct domain *d, const char *node, const char *text)
{
	struct control_write w = {.text = text};

	if (h->lost)
		return -ENOTCONN;
	snprintf(w.vm, sizeof(w.vm), "/local/domain/%u/vm", d->domid);
	snprintf(w.path, sizeof(w.path), "/local/domain/%u/control/%s", d->domid, node);
	snprintf(w.expected, sizeof(w.expected), "/vm/%s", UUID_TEXT(&d->uuid));
	for (;;) {
		xs_transaction_t t = xs_transaction_start(h->xs);
		int r;

		if (t == XBT_NULL)
			return -errno;
		r = write_for(h, t, &w);
		if (xs_transaction_end(h->xs, t, r < 0))
			return r;
		if (errno != EAGAIN)
			return -errno;
	}
}

/* How a guest can be reached. */
enum way {
	WAY_REQUEST, /* it reads XenStore, or may do so */
	WAY_BUTTON,  /* fully virtualised, and its kernel does not know of XenStore */
	WAY_NONE,    /* it says that it does not react, and it has no power button */
};

static enum way find_way(struct host *h, const struct domain *d)
{
	_cleanup_free_ char *feature = read_domain_node(h, d->domid, "control/feature-poweroff");
	libxl_dominfo info;
	bool hvm;

	libxl_dominfo_init(&info);
	hvm = libxl_domain_info(h->ctx, &info, d->domid) == 0 &&
	      info.domain_type == LIBXL_DOMAIN_TYPE_HVM;
	libxl_dominfo_dispose(&info);
	if (hvm && !str_equal(feature, "1"))
		return WAY_BUTTON;
	return str_equal(feature, "0") ? WAY_NONE : WAY_REQUEST;
}

int host_ask_shutdown(struct host *h, const struct domain *d)
{
	int r = write_control(h, d, "shutdown", "poweroff");

	if (r < 0)
		return r;
	switch (find_way(h, d)) {
	case WAY_REQUEST:
		break;
	case WAY_BUTTON:
		if (libxl_send_trigger(h->ctx, d->domid, LIBXL_TRIGGER_POWER, 0, NULL) < 0)
			log_warning("Failed to press the power button of domain %u", d->domid);
		break;
	case WAY_NONE:
		return -EOPNOTSUPP;
	}
	return 0;
}

int host_shutdown_answer(struct host *h, const struct domain *d)
{
	_cleanup_free_ char *request = NULL;

	if (h->lost)
		return -ENOTCONN;
	/* A kernel that takes the request empties the node, or removes it. */
	request = read_domain_node(h, d->domid, "control/shutdown");
	if (str_empty(request))
		return 1;
	return find_way(h, d) == WAY_BUTTON ? -EOPNOTSUPP : 0;
}

int host_send_sysrq(struct host *h, const struct domain *d, char key)
{
	return write_control(h, d, "sysrq", (const char[]){key, '\0'});
}

/* All that follows may fail then, with errors that say nothing of it. */
static void check_version(void)
{
	struct log_fields fields = {.message_id = MSG_OTHER_XEN, LOG_FIELDS_NONE};
	_cleanup_free_ char *running = NULL;

	if (xen_version_read(XEN_VERSION_DIRECTORY, &running) >= 0 &&
	    !str_equal(running, XEN_BUILT_FOR))
		log_message(
			LOG_ERR, &fields,
			"Xen %s is running, and xendomainsd was built for Xen %s: no guest can be "
			"started or saved. If Xen was upgraded, restart the host.",
			running, XEN_BUILT_FOR);
}

int host_new(struct loop *loop, const struct host_callbacks *callbacks, struct host **ret)
{
	_cleanup_(host_freep) struct host *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct host){.loop = loop, .callbacks = *callbacks};
	check_version();
	h->logger = xtl_createlogger_stdiostream(stderr, XTL_ERROR, 0);
	if (!h->logger)
		return -ENOMEM;
	if (libxl_ctx_alloc(&h->ctx, LIBXL_VERSION, 0, (xentoollog_logger *)h->logger) < 0)
		return -ENODEV;
	h->xs = xs_open(0);
	if (!h->xs)
		return -errno;
	if (!xs_watch(h->xs, "@introduceDomain", "domain") ||
	    !xs_watch(h->xs, "@releaseDomain", "domain"))
		return -errno;
	r = watch_new(loop, xs_fileno(h->xs), WATCH_READ, on_news, h, &h->news);
	r = r < 0 ? r : timer_new(loop, on_heartbeat, h, &h->heartbeat);
	r = r < 0 ? r : timer_new(loop, on_quiet, h, &h->quiet);
	if (r < 0)
		return r;
	timer_set_after(h->heartbeat, HEARTBEAT);
	*ret = TAKE_PTR(h);
	return 0;
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	watch_free(h->news);
	timer_free(h->heartbeat);
	timer_free(h->quiet);
	if (h->xs)
		xs_close(h->xs);
	if (h->ctx)
		libxl_ctx_free(h->ctx);
	if (h->logger)
		xtl_logger_destroy((xentoollog_logger *)h->logger);
	free(h->watched);
	free(h);
	return NULL;
}
