/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "fake.h"
#include "hv/host.h"
#include "util/str.h"
#include "wire/mark.h"

/* The daemon's side of the stand-in: the world's file instead of XenStore and the hypervisor. */

struct host {
	struct loop *loop;
	struct host_callbacks callbacks;
	int inotify;
	struct watch *news;
	struct timer *next;
	char *told; /* what Xen and XenStore have told of the domains: describe() */
};

static void on_next(void *data)
{
	struct host *h = data;

	h->callbacks.changed(h->callbacks.data);
}

/*
 * What Xen and XenStore tell of the domains, in lines. They tell that a domain has been introduced
 * or renamed, that it has shut down or is gone, and of the guest's nodes that the daemon watches;
 * not that one has been paused, unpaused or resumed.
 */
static int describe(struct json_object *domains, char **ret)
{
	_cleanup_free_ char *text = strdup("");

	for (size_t i = 0; text && i < json_object_array_length(domains); i++) {
		struct json_object *o = json_object_array_get_idx(domains, i);
		_cleanup_free_ char *before = TAKE_PTR(text);
		uint64_t domid = fake_number(o, "domid", 0);
		const char *state = fake_state(o);
		char down[32] = "";

		if (!str_equal(state, "running") && !str_equal(state, "paused"))
			snprintf(down, sizeof(down), "%" PRIu64 " is down\n", domid);
		if (str_format(&text, "%s%" PRIu64 " %s %s%s eject=%s unsavable=%s\n%s", before,
			       domid, json_get_string(o, "uuid"), json_get_string(o, "name"),
			       json_get_bool(o, "unbuilt") ? " unbuilt" : "",
			       json_get_string(o, "eject"), json_get_string(o, "unsavable"),
			       down) < 0)
			return -ENOMEM;
	}
	*ret = TAKE_PTR(text);
	return *ret ? 0 : -ENOMEM;
}

/* Whether a line of the text is not in the other. */
static bool has_more(const char *text, const char *other, bool even_down)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		_cleanup_free_ char *line = strndup(text, (size_t)(end + 1 - text));

		if (!line || (!strstr(other, line) && (even_down || !strstr(line, " is down\n"))))
			return true;
	}
	return false;
}

static bool is_news(struct host *h, const char *told)
{
	return !h->told || has_more(told, h->told, true) || has_more(h->told, told, false);
}

static void on_news(void *data, unsigned events _unused_)
{
	_cleanup_free_ char *told = NULL;
	struct host *h = data;
	char buffer[4096];
	struct fake w;
	bool news;

	while (read(h->inotify, buffer, sizeof(buffer)) > 0)
		;
	if (fake_open(&w) < 0)
		return;
	if (json_get_bool(w.json, "lost"))
		h->callbacks.lost(h->callbacks.data, "XenStore has gone");
	news = describe(fake_domains(&w), &told) < 0 || is_news(h, told);
	if (fake_next_event(&w) != USEC_INFINITY)
		timer_set(h->next, fake_next_event(&w));
	fake_close(&w);
	free(h->told);
	h->told = TAKE_PTR(told);
	if (news)
		h->callbacks.changed(h->callbacks.data);
}

/* A wish counts only for a disk that the mark knows. */
static int find_eject(struct json_object *o, const struct mark *mark, struct domain *d, int r)
{
	const char *wish = json_get_string(o, "eject"), *vdev;
	uint32_t devid;

	for (size_t i = 0; r >= 0 && wish && mark_removable(mark, i, &vdev, &devid) >= 0; i++)
		if (str_equal(vdev, wish))
			r = str_replace(&d->eject, vdev);
	return r;
}

static int read_mark(struct json_object *o, struct domain *d)
{
	_cleanup_(mark_done) struct mark mark = {0};
	const char *text = json_get_string(o, "mark");

	d->manager = json_get_bool(o, "libvirt") ? DOMAIN_MANAGER_LIBVIRT : DOMAIN_MANAGER_XL;
	if (!text || mark_parse(text, strlen(text), &mark) < 0 || !uuid_equal(&mark.uuid, &d->uuid))
		return 0;
	d->manager = DOMAIN_MANAGER_XENDOMAINSD;
	d->on_poweroff = death_action_from_string(mark.on_poweroff);
	d->on_reboot = death_action_from_string(mark.on_reboot);
	d->on_watchdog = death_action_from_string(mark.on_watchdog);
	d->on_crash = death_action_from_string(mark.on_crash);
	d->on_soft_reset = death_action_from_string(mark.on_soft_reset);
	d->saved = !uuid_is_null(&mark.saved);
	return find_eject(o, &mark, d, str_replace(&d->source, mark.source));
}

static int fill_domain(struct json_object *o, struct domain *d)
{
	const char *state = fake_state(o);
	struct json_object *config = json_get(o, "config", json_type_object);
	int r;

	*d = (struct domain){
		.domid = (uint32_t)fake_number(o, "domid", 0),
		.paused = str_equal(state, "paused"),
		.up = str_equal(state, "running"),
		.dying = json_get_bool(o, "dying"),
		.driver = str_equal(json_get_string(json_get(config, "c_info", json_type_object),
						    "driver_domain"),
				    "True"),
		.memory_kib = fake_number(json_get(config, "b_info", json_type_object), "max_memkb",
					  1024),
		.vcpus = 1,
		.cpu_time = USEC_PER_SEC,
	};
	json_get_uuid(o, "uuid", &d->uuid);
	d->shutdown = !d->paused && !str_equal(state, "running");
	d->saver = json_get_bool(o, "saver");
	d->unbuilt = json_get_bool(o, "unbuilt");
	if (json_get_bool(o, "never_run"))
		d->cpu_time = 0;
	if (d->shutdown)
		d->reason = shutdown_reason_from_string(str_equal(state, "suspended") ? "suspend"
										      : state);
	d->late = fake_number(o, "asked_to_suspend", 0) > usec_now() &&
		  domain_condition(d) == DOMAIN_SUSPENDED;
	domain_set_flags(d, false, !d->paused && !d->shutdown);
	r = str_replace(&d->name, json_get_string(o, "name"));
	r = r < 0 ? r : str_replace(&d->unsavable, json_get_string(o, "unsavable"));
	return r < 0 ? r : read_mark(o, d);
}

/* Devices in other domains: the fake has disks only. */
static int note_devices(struct json_object *o, struct domain_list *l, const struct domain *d)
{
	struct json_object *disks = json_get(json_get(o, "config", json_type_object), "disks",
					     json_type_array);
	int r = 0;

	for (size_t i = 0; r >= 0 && disks && i < json_object_array_length(disks); i++) {
		const char *name = json_get_string(json_object_array_get_idx(disks, i),
						   "backend_domname");

		for (size_t j = 0; r >= 0 && name && j < l->n; j++)
			if (str_equal(l->domains[j].name, name))
				r = domain_list_note_device(l, d, l->domains[j].domid);
	}
	return r;
}

int host_list(struct host *h, struct domain_list **ret)
{
	_cleanup_(domain_list_freep) struct domain_list *l = calloc(1, sizeof(*l));
	struct json_object *domains;
	struct fake w;
	usec_t next;
	int r = l ? fake_open(&w) : -ENOMEM;

	if (r < 0)
		return r;
	domains = fake_domains(&w);
	l->domains = calloc(json_object_array_length(domains) + 1, sizeof(*l->domains));
	if (l->domains) {
		l->domains[l->n++] = (struct domain){.domid = 0, .system = true};
		r = str_replace(&l->domains[0].name, "Domain-0");
	}
	for (size_t i = 0; l->domains && r >= 0 && i < json_object_array_length(domains); i++)
		r = fill_domain(json_object_array_get_idx(domains, i), &l->domains[l->n++]);
	for (size_t i = 0; l->domains && r >= 0 && i < json_object_array_length(domains); i++)
		r = note_devices(json_object_array_get_idx(domains, i), l, &l->domains[i + 1]);
	next = fake_next_event(&w);
	fake_close(&w);
	if (!l->domains || r < 0)
		return -ENOMEM;
	if (next != USEC_INFINITY)
		timer_set(h->next, next);
	*ret = TAKE_PTR(l);
	return 0;
}

/* Here each list is read anew. */
void host_recheck(struct host *h _unused_, uint32_t domid _unused_)
{
}

/* The domain meant; NULL if it is not there any more. */
static struct json_object *find_domain(struct fake *w, const struct domain *domain)
{
	struct json_object *d = fake_find(w, domain->domid);
	struct uuid uuid;

	return d && json_get_uuid(d, "uuid", &uuid) >= 0 && uuid_equal(&uuid, &domain->uuid) ? d
											     : NULL;
}

int host_ask_shutdown(struct host *h _unused_, const struct domain *domain)
{
	struct json_object *d, *behaviour;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = find_domain(&w, domain);
	if (!d) {
		r = -ESTALE;
	} else {
		behaviour = fake_behaviour(json_get(d, "config", json_type_object));
		fake_log(&w, "%u asked", domain->domid);
		if (json_get_bool(behaviour, "cannot"))
			r = -EOPNOTSUPP;
		else if (!json_get_bool(behaviour, "never_off"))
			fake_schedule(&w, d, "poweroff",
				      usec_now() +
					      fake_number(behaviour, "off_ms", 0) * USEC_PER_MSEC);
	}
	fake_close(&w);
	return r;
}

int host_shutdown_answer(struct host *h _unused_, const struct domain *domain)
{
	struct json_object *d, *behaviour;
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	d = find_domain(&w, domain);
	behaviour = fake_behaviour(json_get(d, "config", json_type_object));
	r = json_get_bool(behaviour, "button") ? -EOPNOTSUPP
					       : !json_get_bool(behaviour, "never_off");
	fake_close(&w);
	return r;
}

int host_send_sysrq(struct host *h _unused_, const struct domain *domain, char key)
{
	struct fake w;
	int r = fake_open(&w);

	if (r < 0)
		return r;
	r = find_domain(&w, domain) ? 0 : -ESTALE;
	if (r >= 0)
		fake_log(&w, "%u sysrq %c", domain->domid, key);
	fake_close(&w);
	return r;
}

int host_new(struct loop *loop, const struct host_callbacks *callbacks, struct host **ret)
{
	_cleanup_(host_freep) struct host *h = calloc(1, sizeof(*h));
	const char *folder = getenv("FAKE_WORLD");
	int r;

	if (!h)
		return -ENOMEM;
	*h = (struct host){.loop = loop, .callbacks = *callbacks, .inotify = -1};
	if (!folder)
		return -ENODEV;
	h->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (h->inotify < 0 || inotify_add_watch(h->inotify, folder, IN_MOVED_TO) < 0)
		return -errno;
	r = watch_new(loop, h->inotify, WATCH_READ, on_news, h, &h->news);
	r = r < 0 ? r : timer_new(loop, on_next, h, &h->next);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}

struct host *host_free(struct host *h)
{
	if (!h)
		return NULL;
	watch_free(h->news);
	timer_free(h->next);
	if (h->inotify >= 0)
		close(h->inotify);
	free(h->told);
	free(h);
	return NULL;
}
