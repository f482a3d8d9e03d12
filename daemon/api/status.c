/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/status.h"

#include <stdio.h>

#include "api/encode.h"
#include "core/advice.h"
#include "world/world.h"

/* The host that it runs on, if this is certain. */
static const char *migrated_to(const struct guest *g)
{
	const struct past *away = guest_is_alive(g) ? NULL : guest_departure(g);

	return away && !away->away_unknown ? away->away : NULL;
}

static int add_domain(struct json_object *o, const struct domain *d)
{
	int r;

	if (!d)
		return 0;
	r = encode_domid(o, d->domid);
	r = r < 0 ? r : json_add_string(o, "manager", domain_manager_to_string(d->manager));
	r = r < 0 ? r : json_add_u64(o, "memory_kib", d->memory_kib);
	r = r < 0 ? r : json_add_u64(o, "vcpus", d->vcpus);
	r = r < 0 ? r : json_add_u64(o, "cpu_time_usec", d->cpu_time);
	r = r < 0 ? r : json_add_string(o, "flags", d->flags);
	return r < 0 ? r : json_add_string(o, "source", d->source);
}

/* It has ended, and is not left down: status tells when it comes back. */
static int add_restart(struct json_object *o, usec_t left)
{
	char text[80];
	int r;

	if (left == USEC_INFINITY)
		return 0;
	snprintf(text, sizeof(text), "ends repeatedly, restarting in %u s",
		 (unsigned)((left + USEC_PER_SEC - 1) / USEC_PER_SEC));
	r = json_add_u64(o, "restart_in_usec", left);
	return r < 0 ? r : json_add_string(o, "reason", text);
}

static int add_time(struct json_object *o, const char *key, usec_t time)
{
	return time > 0 ? json_add_u64(o, key, time) : 0;
}

/* What tells an administrator how it came to that, and what to do. */
static int add_story(struct json_object *o, const struct manager *m, const struct guest *g,
		     enum guest_state state, const char *reason)
{
	_cleanup_json_ struct json_object *actions = json_object_new_array();
	_cleanup_free_ char *command = NULL;
	int r = actions ? advice_find(manager_config(m), g, state, &command) : -ENOMEM;

	r = r < 0 ? r : add_time(o, "since_usec", guest_since(g, state, reason));
	r = r < 0 ? r : add_time(o, "reason_usec", guest_reason_since(g, reason));
	if (g->past && g->past->n_restarts > 0)
		r = r < 0 ? r : json_add_u64(o, "restarts", g->past->n_restarts);
	if (r < 0 || !command)
		return r;
	r = json_append(actions, json_object_new_string(command));
	return r < 0 ? r : json_add(o, "actions", TAKE_PTR(actions));
}

static struct json_object *encode_guest(const struct manager *m, const struct guest *g)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct activity activity = manager_activity(m, g);
	const char *reason;
	enum guest_state state = guest_state(g, &reason);
	int r = o ? 0 : -ENOMEM;

	if (activity.name)
		state = activity.state;
	r = r < 0 ? r : json_add_string(o, "name", g->name);
	r = r < 0 ? r : json_add_uuid(o, "uuid", &g->uuid);
	r = r < 0 ? r : json_add_string(o, "state", guest_state_to_string(state));
	r = r < 0 ? r : json_add_bool(o, "wanted", g->config);
	r = r < 0 ? r : add_domain(o, g->domain);
	r = r < 0 ? r : json_add_string(o, "configuration", g->config ? g->config->path : NULL);
	r = r < 0 ? r : json_add_string(o, "image", g->image ? g->image->path : NULL);
	r = r < 0 ? r : json_add_string(o, "migrated_to", migrated_to(g));
	r = r < 0 ? r : json_add_string(o, "reason", reason);
	if (!activity.name) {
		r = r < 0 ? r : add_restart(o, manager_restart_in(m, g));
		r = r < 0 ? r : add_story(o, m, g, state, reason);
	}
	if (activity.name) {
		r = r < 0 ? r : json_add_string(o, "activity", activity.name);
		r = r < 0 ? r : json_add_u64(o, "elapsed_usec", activity.elapsed);
		r = r < 0 ? r : encode_percent(o, activity.permille);
	}
	return r < 0 ? NULL : TAKE_PTR(o);
}

/* A guest that a call names, by its name, or by its UUID in text. */
struct wanted {
	const char *name;
	struct uuid uuid; /* null where it is none */
	bool met;         /* there is such a guest */
};

/* A call can have many names, on a host with many guests. */
static int index_names(struct index *x, struct wanted *wanted, const char *const *names, size_t n)
{
	int r = index_reserve(x, 2 * n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		wanted[i].name = names[i];
		r = index_add(x, hash_text(names[i]), &wanted[i]);
		if (r >= 0 && uuid_parse(names[i], &wanted[i].uuid) >= 0)
			r = index_add(x, hash_uuid(&wanted[i].uuid), &wanted[i]);
	}
	return r;
}

static bool meets(const struct index *x, uint64_t hash, const struct guest *g)
{
	const struct index_entry *e;
	bool met = false;

	for (e = index_first(x, hash); e; e = index_next(x, e)) {
		struct wanted *w = e->item;

		if (guest_is_named(g, w->name))
			met = w->met = true;
	}
	return met;
}

/* A configuration and a domain that conflict can have one name. */
static bool is_wanted(const struct index *x, const struct guest *g)
{
	bool by_name = meets(x, hash_text(g->name), g);

	return (!uuid_is_null(&g->uuid) && meets(x, hash_uuid(&g->uuid), g)) || by_name;
}

/* All that is left of it are images of earlier lives, of a guest that has its name, or its file. */
static bool is_former(const struct guest *g)
{
	return g->replaced && !g->domain && !g->config;
}

static int encode_named(const struct manager *m, struct wanted *wanted, size_t n_wanted,
			const struct index *x, struct json_object *guests, const char **ret_unknown)
{
	const struct inventory *inventory = world_inventory(manager_world(m));
	int r = 0;

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (is_wanted(x, g) && !is_former(g))
			r = json_append(guests, encode_guest(m, g));
	}
	for (size_t i = 0; r >= 0 && i < n_wanted; i++)
		if (!wanted[i].met) {
			*ret_unknown = wanted[i].name;
			return -ENOENT;
		}
	return r;
}

int status_add_guests(const struct manager *m, const char *const *names, size_t n_names,
		      struct json_object *guests, const char **ret_unknown)
{
	const struct inventory *inventory = world_inventory(manager_world(m));
	_cleanup_free_ struct wanted *wanted = calloc(n_names + 1, sizeof(*wanted));
	_cleanup_(index_done) struct index x = {0};
	int r = wanted ? index_names(&x, wanted, names, n_names) : -ENOMEM;

	if (r >= 0 && n_names > 0)
		return encode_named(m, wanted, n_names, &x, guests, ret_unknown);
	for (size_t i = 0; r >= 0 && i < inventory->n; i++)
		if (!is_former(&inventory->guests[i]))
			r = json_append(guests, encode_guest(m, &inventory->guests[i]));
	return r;
}

static const char *source_name(enum settings_source source)
{
	switch (source) {
	case SETTINGS_FROM_FILES:
		return "files";
	case SETTINGS_PREVIOUS:
		return "previous";
	case SETTINGS_KEPT:
		return "kept";
	case SETTINGS_PARTIAL:
		return "partial";
	case _SETTINGS_SOURCE_MAX:
	case _SETTINGS_SOURCE_INVALID:
		break;
	}
	return NULL;
}

static struct json_object *encode_refusal(const struct config_refusal *refusal)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "file", refusal->path);
	if (refusal->line > 0)
		r = r < 0 ? r : json_add_u64(o, "line", refusal->line);
	r = r < 0 ? r : json_add_string(o, "reason", refusal->reason);
	return r < 0 ? NULL : TAKE_PTR(o);
}

int status_add_settings(struct json_object *o, const struct manager *m)
{
	_cleanup_json_ struct json_object *settings = json_object_new_object();
	_cleanup_json_ struct json_object *refused = json_object_new_array();
	const struct config *c = manager_refused(m);
	int r = settings && refused ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < c->n_refusals; i++)
		r = json_append(refused, encode_refusal(&c->refusals[i]));
	r = r < 0 ? r
		  : json_add_string(settings, "source", source_name(manager_settings_source(m)));
	if (c->n_refusals > 0)
		r = r < 0 ? r : json_add_string(settings, "effect", manager_settings_effect(m));
	r = r < 0 ? r : json_add(settings, "refused", TAKE_PTR(refused));
	return r < 0 ? r : json_add(o, "settings", TAKE_PTR(settings));
}

int status_add_warnings(struct json_object *o, const struct manager *m, const char *error)
{
	_cleanup_json_ struct json_object *warnings = json_object_new_array();
	const char *text;
	int r = warnings ? 0 : -ENOMEM;

	if (r >= 0 && error)
		r = json_append(warnings, json_object_new_string(error));
	if (r >= 0 && world_lost(manager_world(m)))
		r = json_append(warnings, json_object_new_string(world_lost(manager_world(m))));
	for (size_t i = 0; r >= 0 && (text = manager_warning(m, i)); i++)
		r = json_append(warnings, json_object_new_string(text));
	return r < 0 ? r : json_add(o, "warnings", TAKE_PTR(warnings));
}

struct json_object *status_host(const struct hostdown *h)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	struct hostdown_view view = hostdown_view(h);
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "lock", host_lock_to_string(view.lock));
	r = r < 0 ? r : json_add_string(o, "going_down", view.kind);
	if (view.grants != USEC_INFINITY)
		r = r < 0 ? r : json_add_u64(o, "grants_usec", view.grants);
	r = r < 0 ? r : json_add_u64(o, "needs_usec", view.needs);
	return r < 0 ? NULL : TAKE_PTR(o);
}
