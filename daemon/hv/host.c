/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/host.h"

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xenstore.h>

#include "hv/nodes.h"
#include "hv/savers.h"
#include "hv/served.h"
#include "hv/xen-version.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/str.h"
#include "wire/mark.h"

/* XenStore is asked so often whether it is still there. */
#define HEARTBEAT (15 * USEC_PER_SEC)

/* What guests write is looked at so often at most. The first to write is not kept waiting. */
#define GUEST_INTERVAL (500 * USEC_PER_MSEC)

#define USERDATA_FOLDER "/var/lib/xen"

/* The longest text of a guest about itself that is shown. */
#define UNSAVABLE_MAX 200

struct host {
	struct loop *loop;
	struct host_callbacks callbacks;
	xentoollog_logger_stdiostream *logger;
	libxl_ctx *ctx;
	struct xs_handle *xs;
	struct nodes *nodes;
	struct watch *news;
	struct timer *heartbeat;
	struct timer *later; /* until changes are passed on */
	usec_t guests;       /* when such changes were last passed on */
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

/* News. */

static void on_later(void *data)
{
	struct host *h = data;

	h->guests = loop_now(h->loop);
	h->callbacks.changed(h->callbacks.data);
}

/* From the loop, never from inside a call. */
static void pass_on(struct host *h, unsigned news)
{
	if (news & NEWS_DOMAINS)
		timer_set_after(h->later, 0);
	else if ((news & NEWS_GUESTS) && !timer_is_set(h->later))
		timer_set(h->later, h->guests + GUEST_INTERVAL);
}

static void on_news(void *data, unsigned events _unused_)
{
	struct host *h = data;
	unsigned news;
	int r = nodes_take_news(h->nodes, &news);

	if (r < 0 && r != -EAGAIN)
		lose(h);
	else
		pass_on(h, news);
}

static void on_heartbeat(void *data)
{
	struct host *h = data;

	if (nodes_reach(h->nodes) < 0)
		lose(h);
	else
		timer_set_after(h->heartbeat, HEARTBEAT);
}

/* Domains. */

/* One look at all of them. */
struct look {
	struct nodes *nodes;
	struct savers savers;
	bool has_savers;
};

static void look_done(struct look *look)
{
	savers_done(&look->savers);
}

static bool is_libvirts(const struct domain *d, const struct uuid *built)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof(path), USERDATA_FOLDER "/userdata-d.%u.%s.libvirt-xml", d->domid,
		 UUID_TEXT(built));
	return stat(path, &st) == 0;
}

/* Which disk the guest wants to be without. */
static int read_wishes(struct domain_nodes *nodes, struct domain *d, const struct mark *mark)
{
	const char *vdev, *wish;
	uint32_t devid;
	int r = 0;

	for (size_t i = 0; r >= 0 && mark_removable(mark, i, &vdev, &devid) >= 0; i++) {
		wish = domain_node_eject(nodes, i, devid);
		if (!d->eject && str_equal(wish, "eject"))
			r = str_replace(&d->eject, vdev);
	}
	return r;
}

static int read_mark(struct domain_nodes *nodes, struct domain *d, const struct uuid *built)
{
	_cleanup_(mark_done) struct mark mark = {0};
	size_t length;
	const char *text = domain_node(nodes, NODE_MARK, &length);
	int r;

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
	return r < 0 || d->dying ? r : read_wishes(nodes, d, &mark);
}

/*
 * Xen knows the UUID that a domain was built with. One that was preserved, so that the guest could
 * be created beside it, has another one since, which only XenStore knows (and no guest
 * writes).
 */
static struct uuid read_uuid(struct domain_nodes *nodes, const struct uuid *built)
{
	const char *vm = domain_node(nodes, NODE_VM, NULL);
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
static int read_unsavable(struct domain_nodes *nodes, struct domain *d)
{
	const char *reason = domain_node(nodes, NODE_CANNOT_SUSPEND, NULL);
	_cleanup_free_ char *text = NULL;

	if (domain_node(nodes, NODE_PCI, NULL))
		return str_replace(&d->unsavable, "it has PCI devices of the host");
	text = str_empty(reason) ? NULL : str_printable(reason, UNSAVABLE_MAX);
	if (text)
		return str_format(&d->unsavable, "it says that it cannot be suspended: %s", text);
	return str_equal(domain_node(nodes, NODE_SUSPEND, NULL), "0")
		       ? str_replace(&d->unsavable, "its kernel says that it cannot be suspended")
		       : 0;
}

/* The processes are found once in a look, when they are asked for first. */
static int find_saver(struct look *look, struct domain *d)
{
	int r = look->has_savers ? 0 : savers_find(&look->savers);

	if (r < 0)
		return r;
	look->has_savers = true;
	d->saver = savers_have(&look->savers, d->domid, d->name);
	return 0;
}

/* Finds a tool that builds or saves the domain. */
static int look_for_others(struct look *look, struct domain *d, const struct uuid *built)
{
	if (d->paused && d->cpu_time == 0 && !d->dying)
		d->unbuilt = is_unbuilt(d->domid, built);
	return d->shutdown && !d->dying && d->reason == SHUTDOWN_REASON_SUSPEND
		       ? find_saver(look, d)
		       : 0;
}

/* While the worker asks, the node holds no time. */
static bool is_asked_to_suspend(struct domain_nodes *nodes)
{
	const char *value = domain_node(nodes, NODE_PENDING, NULL);
	uint64_t until;

	return value && parse_u64(value, UINT64_MAX, &until) >= 0 && usec_now() < until;
}

/* As "xl uptime" has it: seconds, and hundredths of them. */
static usec_t read_built(struct domain_nodes *nodes)
{
	const char *value = domain_node(nodes, NODE_BUILT, NULL);
	uint64_t seconds = 0;
	char whole[24];

	snprintf(whole, sizeof(whole), "%.*s", (int)strcspn(value ? value : "", "."),
		 value ? value : "");
	return parse_u64(whole, UINT64_MAX / USEC_PER_SEC, &seconds) < 0 ? 0
									 : seconds * USEC_PER_SEC;
}

static int fill_guest(struct look *look, struct domain_nodes *nodes, const struct uuid *built,
		      struct domain *d)
{
	int r = look_for_others(look, d, built);

	if (r < 0)
		return r;
	d->up = str_equal(domain_node(nodes, NODE_POWEROFF, NULL), "1");
	d->built_wall = read_built(nodes);
	d->late = domain_condition(d) == DOMAIN_SUSPENDED && is_asked_to_suspend(nodes);
	r = d->dying ? 0 : read_unsavable(nodes, d);
	return r < 0 ? r : read_mark(nodes, d, built);
}

static int fill_domain(struct look *look, const libxl_dominfo *info, struct domain *d)
{
	struct domain_nodes *nodes;
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
	nodes = nodes_of(look->nodes, d->domid, &built);
	if (!nodes)
		return -ENOMEM;
	if (d->cpu_time > 0)
		domain_nodes_settle(nodes);
	if (d->shutdown || d->dying)
		domain_nodes_down(nodes, d->dying, info->cpu_time);
	else
		domain_nodes_recheck(nodes);
	d->uuid = read_uuid(nodes, &built);
	r = str_replace(&d->name, domain_node(nodes, NODE_NAME, NULL));
	if (r < 0)
		return r;
	d->driver = d->domid && domain_node(nodes, NODE_DRIVER, NULL);
	domain_set_flags(d, info->running, info->blocked);
	/* A device model in a domain of its own says whose it is. */
	d->system = d->domid == 0 || info->never_stop || domain_node(nodes, NODE_TARGET, NULL);
	return d->system ? 0 : fill_guest(look, nodes, &built, d);
}

static int fill_list(struct host *h, const libxl_dominfo *infos, size_t n, struct domain_list *l)
{
	_cleanup_(look_done) struct look look = {.nodes = h->nodes};
	unsigned news;
	int r = nodes_begin(h->nodes, &news), end;

	if (r < 0) {
		timer_set_after(h->heartbeat, 0);
		return -ENOTCONN;
	}
	/* What has happened may be younger than the list of the hypervisor. */
	pass_on(h, news);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = fill_domain(&look, &infos[i], &l->domains[l->n++]);
	r = r < 0 ? r : served_find(h->nodes, l);
	end = nodes_end(h->nodes);
	return r < 0 ? r : end;
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
	r = l->domains ? fill_list(h, infos, (size_t)n, l) : -ENOMEM;
	libxl_dominfo_list_free(infos, n);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

void host_recheck(struct host *h, uint32_t domid)
{
	struct domain_nodes *nodes = nodes_find(h->nodes, domid);

	if (nodes)
		domain_nodes_recheck(nodes);
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

static char *read_control(struct host *h, const struct domain *d, const char *node)
{
	char path[128];

	snprintf(path, sizeof(path), "/local/domain/%u/control/%s", d->domid, node);
	return xs_read(h->xs, XBT_NULL, path, NULL);
}

/* How a guest can be reached. */
enum way {
	WAY_REQUEST, /* it reads XenStore, or may do so */
	WAY_BUTTON,  /* fully virtualised, and its kernel does not know of XenStore */
	WAY_NONE,    /* it says that it does not react, and it has no power button */
};

static enum way find_way(struct host *h, const struct domain *d)
{
	_cleanup_free_ char *feature = read_control(h, d, "feature-poweroff");
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
	request = read_control(h, d, "shutdown");
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
			"started or saved. If Xen was upgraded, restart the host",
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
	r = nodes_new(h->xs, &h->nodes);
	r = r < 0 ? r : watch_new(loop, xs_fileno(h->xs), WATCH_READ, on_news, h, &h->news);
	r = r < 0 ? r : timer_new(loop, on_heartbeat, h, &h->heartbeat);
	r = r < 0 ? r : timer_new(loop, on_later, h, &h->later);
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
	timer_free(h->later);
	nodes_free(h->nodes);
	if (h->xs)
		xs_close(h->xs);
	if (h->ctx)
		libxl_ctx_free(h->ctx);
	if (h->logger)
		xtl_logger_destroy((xentoollog_logger *)h->logger);
	free(h);
	return NULL;
}
