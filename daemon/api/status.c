/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/status.h"

#include <stdio.h>

#include "api/facts.h"
#include "core/advice.h"
#include "wire/json-writer.h"
#include "world/world.h"

/* The host that it runs on, if this is certain. */
static const char *migrated_to(const struct guest *g)
{
	const struct past *away = guest_is_alive(g) ? NULL : guest_departure(g);

	return away && !away->away_unknown ? away->away : NULL;
}

static void write_domain(struct json_writer *w, const struct domain *d, bool steady)
{
	if (d->domid != DOMID_NONE)
		json_writer_u64(w, "domid", d->domid);
	json_writer_string(w, "manager", domain_manager_to_string(d->manager));
	json_writer_u64(w, "memory_kib", d->memory_kib);
	json_writer_u64(w, "vcpus", d->vcpus);
	if (!steady) {
		json_writer_u64(w, "cpu_time_usec", d->cpu_time);
		json_writer_string(w, "flags", d->flags);
	}
	json_writer_string(w, "source", d->source);
}

/* It has ended, and is not left down: status tells when it comes back. */
static void write_restart(struct json_writer *w, usec_t left, bool steady)
{
	char text[RESTART_REASON_MAX];

	json_writer_u64(w, "restart_in_usec", steady ? 0 : left);
	if (!steady)
		json_writer_string(w, "reason", guest_restart_reason(left, text));
}

static void write_time(struct json_writer *w, const char *key, usec_t time)
{
	if (time > 0)
		json_writer_u64(w, key, time);
}

/* What tells an administrator how it came to that. restarts: the reason is told. */
static void write_story(struct json_writer *w, const struct config *config, const struct guest *g,
			enum guest_state state, const char *reason, bool restarts)
{
	_cleanup_free_ char *more = NULL;
	usec_t since = guest_since(g, state, reason);
	bool explained = !restarts && advice_explain(config, g, reason, &more) >= 0 && more;

	if (!restarts)
		json_writer_string(w, "reason", explained ? more : reason);
	write_time(w, "since_usec", since);
	/* In full it tells of the state. */
	write_time(w, "reason_usec", explained ? since : guest_reason_since(g, reason));
	if (g->past && g->past->n_restarts > 0)
		json_writer_u64(w, "restarts", g->past->n_restarts);
}

/* What to do. */
static void write_actions(struct json_writer *w, const struct config *config, const struct guest *g,
			  enum guest_state state)
{
	_cleanup_free_ char *command = NULL;

	if (advice_find(config, g, state, &command) < 0 || !command)
		return;
	json_writer_begin_list(w, "actions");
	json_writer_element(w, command);
	json_writer_end_array(w);
}

static void write_activity(struct json_writer *w, const struct activity *activity, bool steady)
{
	json_writer_string(w, "activity", activity->name);
	if (!steady)
		json_writer_u64(w, "elapsed_usec", activity->elapsed);
	if (activity->permille > 0)
		json_writer_u64(w, "percent", activity->permille / 10);
}

/* The settings of a start, or NULL: a start would be refused, and none is advised. */
static const struct config *start_config(const struct manager *m)
{
	return manager_refusal(m) || manager_obstacle(m, GOAL_START) ? NULL : manager_config(m);
}

/*
 * config: start_config(). alone: it is asked for, and no other guest. steady: what changes all the
 * time is left out.
 */
static void write_guest(struct json_writer *w, const struct manager *m, const struct config *config,
			const struct guest *g, bool alone, bool steady)
{
	struct activity activity = manager_activity(m, g);
	const char *waits_for = activity.name ? NULL : manager_waits_for(m, g);
	usec_t left = activity.name ? USEC_INFINITY : manager_restart_in(m, g);
	const char *reason;
	enum guest_state state = guest_state(g, &reason);

	if (activity.name)
		state = activity.state;
	json_writer_begin_object(w);
	json_writer_string(w, "name", g->name);
	json_writer_uuid(w, "uuid", &g->uuid);
	json_writer_string(w, "state", guest_state_to_string(state));
	json_writer_bool(w, "wanted", g->config);
	if (g->domain)
		write_domain(w, g->domain, steady);
	json_writer_string(w, "configuration", g->config ? g->config->path : NULL);
	json_writer_string(w, "image", g->image ? g->image->path : NULL);
	json_writer_string(w, "migrated_to", migrated_to(g));
	if (left != USEC_INFINITY)
		write_restart(w, left, steady);
	json_writer_string(w, "waits_for", waits_for);
	if (activity.name) {
		json_writer_string(w, "reason", reason);
		write_activity(w, &activity, steady);
	} else {
		write_story(w, config, g, state, reason, left != USEC_INFINITY);
		/* A sequence has it already. */
		if (!waits_for)
			write_actions(w, config, g, state);
	}
	if (alone)
		facts_write(w, m, g);
	json_writer_end_object(w);
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

static int write_named(struct json_writer *w, const struct manager *m, const char *const *names,
		       size_t n_names, bool steady, const char **ret_unknown)
{
	const struct inventory *inventory = world_inventory(manager_world(m));
	const struct config *config = start_config(m);
	_cleanup_free_ struct wanted *wanted = calloc(n_names, sizeof(*wanted));
	_cleanup_(index_done) struct index x = {0};
	int r = wanted ? index_names(&x, wanted, names, n_names) : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < inventory->n; i++)
		if (is_wanted(&x, &inventory->guests[i]) && !is_former(&inventory->guests[i]))
			write_guest(w, m, config, &inventory->guests[i], n_names == 1, steady);
	for (size_t i = 0; i < n_names; i++)
		if (!wanted[i].met) {
			*ret_unknown = names[i];
			return -ENOENT;
		}
	return 0;
}

static void write_all(struct json_writer *w, const struct manager *m, bool steady)
{
	const struct inventory *inventory = world_inventory(manager_world(m));
	const struct config *config = start_config(m);

	for (size_t i = 0; i < inventory->n; i++)
		if (!is_former(&inventory->guests[i]))
			write_guest(w, m, config, &inventory->guests[i], false, steady);
}

int status_add_guests(struct json_object *o, const struct manager *m, const char *const *names,
		      size_t n_names, bool steady, const char **ret_unknown)
{
	_cleanup_(json_writer_done) struct json_writer w = {0};
	int r = 0;

	json_writer_begin_array(&w);
	if (n_names > 0)
		r = write_named(&w, m, names, n_names, steady, ret_unknown);
	else
		write_all(&w, m, steady);
	json_writer_end_array(&w);
	return r < 0 ? r : json_add(o, "guests", json_writer_take(&w));
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
