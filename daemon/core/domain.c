/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/domain.h"

#include "util/str.h"

static const char *const manager_names[_DOMAIN_MANAGER_MAX] = {
	[DOMAIN_MANAGER_XENDOMAINSD] = "xendomainsd",
	[DOMAIN_MANAGER_XL] = "xl",
	[DOMAIN_MANAGER_LIBVIRT] = "libvirt",
};

const char *domain_manager_to_string(enum domain_manager manager)
{
	return manager_names[manager];
}

enum domain_manager domain_manager_from_string(const char *s)
{
	return (enum domain_manager)str_lookup(manager_names, _DOMAIN_MANAGER_MAX, s);
}

enum death_action domain_death_action(const struct domain *d)
{
	switch (d->reason) {
	case SHUTDOWN_REASON_POWEROFF:
		return d->on_poweroff;
	case SHUTDOWN_REASON_REBOOT:
		return d->on_reboot;
	case SHUTDOWN_REASON_SUSPEND:
		return DEATH_PRESERVE;
	case SHUTDOWN_REASON_WATCHDOG:
		return d->on_watchdog;
	case SHUTDOWN_REASON_SOFT_RESET:
		return d->on_soft_reset;
	case SHUTDOWN_REASON_CRASH:
	case _SHUTDOWN_REASON_MAX:
	case _SHUTDOWN_REASON_INVALID:
		break;
	}
	return d->on_crash;
}

void domain_set_flags(struct domain *d, bool running, bool blocked)
{
	/* One for each reason, as xl has them; none for a power-off. */
	static const char reasons[_SHUTDOWN_REASON_MAX + 1] = "-rscwS";
	bool known = d->shutdown && d->reason >= 0 && d->reason < _SHUTDOWN_REASON_MAX;
	const char flags[sizeof(d->flags)] = {
		running ? 'r' : '-',
		blocked ? 'b' : '-',
		d->paused ? 'p' : '-',
		d->shutdown ? 's' : '-',
		known ? reasons[d->reason] : '-',
		d->dying ? 'd' : '-',
	};

	memcpy(d->flags, flags, sizeof(flags));
}

/* xl's names for a domain that another host sends, until that host lets it run, and for a domain
 * that xl sends, from then on. */
#define COMING_SUFFIX "--incoming"
#define AWAY_SUFFIX   "--migratedaway"

static bool ends_in(const struct domain *d, const char *suffix)
{
	return d->name && str_ends_with(d->name, suffix);
}

static enum domain_condition suspended_condition(const struct domain *d)
{
	if (d->saver)
		return DOMAIN_SAVING;
	return ends_in(d, AWAY_SUFFIX) ? DOMAIN_AWAY : DOMAIN_SUSPENDED;
}

enum domain_condition domain_condition(const struct domain *d)
{
	if (d->dying)
		return DOMAIN_DYING;
	if (d->shutdown && d->reason == SHUTDOWN_REASON_SUSPEND)
		return suspended_condition(d);
	if (d->shutdown)
		return DOMAIN_ENDED;
	if (!d->paused)
		return DOMAIN_RUNNING;
	if (d->cpu_time > 0)
		return DOMAIN_PAUSED;
	return d->unbuilt || ends_in(d, COMING_SUFFIX) ? DOMAIN_UNBUILT : DOMAIN_NEVER_RUN;
}

bool domain_is_handed_over(const struct domain *d)
{
	return d->shutdown && d->reason == SHUTDOWN_REASON_SUSPEND && ends_in(d, AWAY_SUFFIX);
}

static size_t own_length(const struct domain *d)
{
	size_t length = strlen(d->name);

	if (domain_is_handed_over(d))
		return length - strlen(AWAY_SUFFIX);
	if (domain_condition(d) == DOMAIN_UNBUILT && ends_in(d, COMING_SUFFIX))
		return length - strlen(COMING_SUFFIX);
	return length;
}

char *domain_own_name(const struct domain *d)
{
	return d->name ? strndup(d->name, own_length(d)) : NULL;
}

bool domain_is_called(const struct domain *d, const char *name)
{
	size_t length = d->name ? own_length(d) : 0;

	return d->name && strlen(name) == length && memcmp(d->name, name, length) == 0;
}

/* mark_format_preserved() has it so, and few configurations. */
bool domain_may_be_preserved(const struct domain *d)
{
	return domain_condition(d) == DOMAIN_ENDED && d->manager == DOMAIN_MANAGER_XENDOMAINSD &&
	       d->on_poweroff == DEATH_PRESERVE && d->on_reboot == DEATH_PRESERVE &&
	       d->on_watchdog == DEATH_PRESERVE && d->on_crash == DEATH_PRESERVE &&
	       d->on_soft_reset == DEATH_PRESERVE;
}

bool domain_has_life(const struct domain *d)
{
	enum domain_condition condition = domain_condition(d);

	return condition == DOMAIN_RUNNING || condition == DOMAIN_PAUSED;
}

bool domain_has_run(const struct domain *d)
{
	switch (domain_condition(d)) {
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_SAVING:
	case DOMAIN_AWAY:
	case DOMAIN_SUSPENDED:
	case DOMAIN_ENDED:
		return true;
	case DOMAIN_UNBUILT:
	case DOMAIN_NEVER_RUN:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return false;
}

bool domain_may_begin_to_run(const struct domain *d)
{
	switch (domain_condition(d)) {
	case DOMAIN_UNBUILT:
	case DOMAIN_NEVER_RUN:
		return !d->system;
	case DOMAIN_SAVING:
	case DOMAIN_AWAY:
	case DOMAIN_SUSPENDED:
		return !d->saved;
	case DOMAIN_RUNNING:
	case DOMAIN_PAUSED:
	case DOMAIN_ENDED:
	case DOMAIN_DYING:
	case _DOMAIN_CONDITION_MAX:
	case _DOMAIN_CONDITION_INVALID:
		break;
	}
	return false;
}

static bool is_up(const struct domain *d)
{
	return !d->dying && !d->shutdown;
}

int domain_list_note_device(struct domain_list *l, const struct domain *frontend, uint32_t backend)
{
	for (size_t i = 0; is_up(frontend) && i < l->n; i++) {
		struct domain *d = &l->domains[i];

		if (d->domid == backend && d->driver && is_up(d) && !d->serves)
			return frontend->name
				       ? str_replace(&d->serves, frontend->name)
				       : str_format(&d->serves, "domain %u", frontend->domid);
	}
	return 0;
}

void domain_done(struct domain *d)
{
	free(d->name);
	free(d->source);
	free(d->eject);
	free(d->unsavable);
	free(d->serves);
}

void domain_list_free(struct domain_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		domain_done(&l->domains[i]);
	index_done(&l->by_uuid);
	index_done(&l->by_name);
	free(l->domains);
	free(l);
}

int domain_list_index(struct domain_list *l)
{
	int r = 0;

	index_done(&l->by_uuid);
	index_done(&l->by_name);
	for (size_t i = 0; r >= 0 && i < l->n; i++) {
		struct domain *d = &l->domains[i];

		r = index_add(&l->by_uuid, hash_uuid(&d->uuid), d);
		if (r >= 0 && d->name)
			r = index_add(&l->by_name, hash_bytes(d->name, own_length(d)), d);
	}
	return r;
}

bool domain_list_is_indexed(const struct domain_list *l)
{
	return l->by_uuid.n == l->n;
}

static bool is_behind(const struct domain *d, const struct domain *after)
{
	return !after || d > after;
}

struct domain *domain_list_next(const struct domain_list *l, const struct uuid *uuid,
				const struct domain *after)
{
	const struct index_entry *e = index_first(&l->by_uuid, hash_uuid(uuid));

	for (; e; e = index_next(&l->by_uuid, e)) {
		struct domain *d = e->item;

		if (is_behind(d, after) && uuid_equal(&d->uuid, uuid))
			return d;
	}
	return NULL;
}

struct domain *domain_list_next_called(const struct domain_list *l, const char *name,
				       const struct domain *after)
{
	const struct index_entry *e = index_first(&l->by_name, hash_text(name));

	for (; e; e = index_next(&l->by_name, e)) {
		struct domain *d = e->item;

		if (is_behind(d, after) && domain_is_called(d, name))
			return d;
	}
	return NULL;
}

struct domain *domain_list_find(const struct domain_list *l, const struct uuid *uuid,
				uint32_t domid)
{
	struct domain *d = NULL;

	while ((d = domain_list_next(l, uuid, d)))
		if (d->domid == domid)
			return d;
	return NULL;
}

int domain_list_keep_names(struct domain_list *l, const struct domain_list *old)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->n; i++) {
		struct domain *is = &l->domains[i];
		const struct domain *was = domain_list_find(old, &is->uuid, is->domid);

		if (was && !is->name)
			r = str_replace(&is->name, was->name);
	}
	return r;
}
