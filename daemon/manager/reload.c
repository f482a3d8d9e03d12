/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <unistd.h>

#include "engine/places.h"
#include "manager/private.h"
#include "settings-files/copy.h"
#include "settings-files/keeper.h"
#include "util/log.h"
#include "util/str.h"

const struct paces *manager_paces(const struct manager *m)
{
	return ledger_paces(ledger_file_get(m->ledger), m->config->guests.compression,
			    world_inventory(m->world)->directory);
}

void manager_set_limits(struct manager *m)
{
	const struct config *c = m->config;
	struct executor_limits limits = {
		.create_pause = c->create_pause,
		.sysrq_pause = c->sysrq_pause,
		.stop_limit = c->stop_limit,
		.patience = c->patience,
	};

	places_set_limits(&limits, c, manager_paces(m));
	executor_set_limits(m->executor, &limits);
}

static int apply_config(struct manager *m)
{
	struct log_fields warned = {.message_id = MSG_CONFIG_WARNED, LOG_FIELDS_NONE};
	const struct config *c = m->config;

	manager_set_limits(m);
	for (size_t i = 0; i < c->n_warnings; i++)
		log_message(LOG_WARNING, &warned, "%s", c->warnings[i]);
	return world_set_folders(m->world, c->autostart, c->save);
}

static int use(struct manager *m, struct config *config, enum settings_source source)
{
	config_free(m->config);
	m->config = config;
	m->source = source;
	return apply_config(m);
}

static void set_refused(struct manager *m, struct config *refused)
{
	config_free(m->refused);
	m->refused = refused;
}

/* The settings are in effect even without a copy. */
void manager_on_unkept(void *data, int error)
{
	struct manager *m = data;

	if (!m->config)
		return;
	config_warn(m->config,
		    "Failed to keep a copy of the settings in %s: %s. With a mistake in the "
		    "settings %s",
		    m->paths->kept, strerror(-error),
		    access(m->paths->kept, F_OK) == 0
			    ? "the older copy that is there would be used: remove it"
			    : "no guest would be started");
}

static int take_good(struct manager *m, struct settings *s)
{
	struct log_fields loaded = {.message_id = MSG_CONFIG_LOADED, LOG_FIELDS_NONE};
	int r;

	set_refused(m, NULL);
	log_message(LOG_INFO, &loaded, "The settings were read");
	r = use(m, TAKE_PTR(s->config), SETTINGS_FROM_FILES);
	return r < 0 ? r : settings_keeper_keep(m->keeper, s);
}

/* The last good settings count. Without any, the lines that can be read, for stops only. */
static int take_refused(struct manager *m, struct settings *s)
{
	_cleanup_(settings_done) struct settings kept = {0};
	int r;

	if (m->source == SETTINGS_FROM_FILES)
		m->source = SETTINGS_PREVIOUS;
	if (manager_config(m)) {
		set_refused(m, TAKE_PTR(s->config));
		return 0;
	}
	r = settings_copy_read(m->paths, &kept);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		if (r == -EPROTO)
			log_warning("Not using %s: another version of xendomainsd wrote it",
				    m->paths->kept);
		else if (r != -ENODATA && r != -ENOENT)
			log_warning_errno(r, "Failed to read %s", m->paths->kept);
		set_refused(m, NULL);
		return use(m, TAKE_PTR(s->config), SETTINGS_PARTIAL);
	}
	set_refused(m, TAKE_PTR(s->config));
	return use(m, TAKE_PTR(kept.config), SETTINGS_KEPT);
}

static int tell_refusals(const struct manager *m)
{
	struct log_fields fields = {.message_id = MSG_CONFIG_REFUSED, LOG_FIELDS_NONE};
	const struct config *c = manager_refused(m);

	for (size_t i = 0; i < c->n_refusals; i++) {
		_cleanup_free_ char *text = NULL;
		int r = config_refusal_text(&c->refusals[i], &text);

		if (r < 0)
			return r;
		log_message(LOG_ERR, &fields, "Settings are refused: %s. %s", text,
			    manager_settings_effect(m));
	}
	return 0;
}

/* The worst mistake, and how many there are besides. */
static int summarize(const struct config *c, char **ret)
{
	_cleanup_free_ char *text = NULL;
	size_t more = c->n_refusals - 1;
	int r = config_refusal_text(config_worst_refusal(c), &text);

	if (r >= 0 && more > 0)
		return str_format(ret, "%s; %zu more mistake%s, which 'xendomainsctl status' lists",
				  text, more, more == 1 ? "" : "s");
	*ret = TAKE_PTR(text);
	return r;
}

static int explain(struct manager *m, char **ret_reason)
{
	const struct config *c = manager_refused(m);
	_cleanup_free_ char *text = NULL;
	int r;

	free(TAKE_PTR(m->config_error));
	if (c->n_refusals == 0)
		return 0;
	r = summarize(c, &text);
	/* The file may be correct by the time this is read: only a reload finds out. */
	r = r < 0 ? r
		  : str_format(&m->config_error,
			       "settings are refused, so nothing is done: %s. Correct this, and "
			       "run 'xendomainsctl reload'",
			       text);
	r = r < 0 ? r : tell_refusals(m);
	r = r < 0 ? r : str_format(ret_reason, "%s. %s", text, manager_settings_effect(m));
	return r < 0 ? r : -EINVAL;
}

int manager_reload(struct manager *m, char **ret_reason)
{
	_cleanup_(settings_done) struct settings s = {0};
	int r = settings_read(m->paths, &s);

	if (r < 0)
		return r;
	r = s.config->broken ? take_refused(m, &s) : take_good(m, &s);
	if (r < 0)
		return r;
	timer_set_after(m->advance, 0);
	r = explain(m, ret_reason);
	manager_tell_changed(m);
	return r;
}

const struct config *manager_config(const struct manager *m)
{
	return m->source == SETTINGS_PARTIAL ? NULL : m->config;
}

const struct config *manager_config_for(const struct manager *m, enum goal goal)
{
	return goal == GOAL_STOP || goal == GOAL_STOP_FORCED ? m->config : manager_config(m);
}

const struct config *manager_refused(const struct manager *m)
{
	return m->refused ? m->refused : m->config;
}

enum settings_source manager_settings_source(const struct manager *m)
{
	return m->source;
}

const char *manager_settings_effect(const struct manager *m)
{
	static const char *const effects[_SETTINGS_SOURCE_MAX] = {
		[SETTINGS_FROM_FILES] = "All other settings are in effect. Correct this and run "
					"'xendomainsctl reload'",
		[SETTINGS_PREVIOUS] = "The previous settings stay in effect until you correct "
				      "this and run 'xendomainsctl reload'",
		[SETTINGS_KEPT] = "The settings that were last read without a mistake are in "
				  "effect until you correct this and run 'xendomainsctl reload'",
		[SETTINGS_PARTIAL] = "No guest is started until you correct this and run "
				     "'xendomainsctl reload'. A stop uses all other settings, and "
				     "the defaults",
	};

	return effects[m->source];
}

const char *manager_veto(const struct manager *m, enum goal goal)
{
	bool stops = goal == GOAL_STOP || goal == GOAL_STOP_FORCED;

	if (!manager_config_for(m, goal))
		return m->config_error;
	/* A stop must not suffer from a trouble of the daemon's own. */
	return !stops && ledger_file_writer(m->ledger) == LEDGER_OF_NEWER
		       ? ledger_file_problem(m->ledger)
		       : NULL;
}

const char *manager_obstacle(const struct manager *m, enum goal goal)
{
	return world_lost(m->world) ? world_lost(m->world) : manager_veto(m, goal);
}

/* Guests of xl do not tell which file they were started from. */
static bool may_spare_too_many(const struct manager *m)
{
	const struct config *c = m->config;
	const struct inventory *inventory = world_inventory(m->world);

	if (!c || !c->auto_only || c->scope_unknown || !c->autostart)
		return false;
	for (size_t i = 0; i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		if (guest_is_alive(g) && g->unmounted && !g->unlisted && !g->domain->source &&
		    g->domain->manager == DOMAIN_MANAGER_XL)
			return true;
	}
	return false;
}

const char *manager_warning(const struct manager *m, size_t index)
{
	size_t n = m->config ? m->config->n_warnings : 0;

	if (m->notice && index-- == 0)
		return m->notice;
	if (ledger_file_problem(m->ledger) && index-- == 0)
		return ledger_file_problem(m->ledger);
	if (may_spare_too_many(m) && index-- == 0)
		return "No configuration can be read in XENDOMAINS_AUTO: a stop spares guests "
		       "that xl has started (XENDOMAINS_AUTO_ONLY=true). If a file system is "
		       "missing there, mount it";
	return index < n ? m->config->warnings[index] : world_note(m->world, index - n);
}
