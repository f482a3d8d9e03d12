/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/actor.h"

#include "util/log.h"
#include "util/str.h"

/* xl's monitor needs a moment to remove a domain that has shut down. */
#define MONITOR_DELAY (200 * USEC_PER_MSEC)

static void note_change(struct sim *sim)
{
	timer_set_after(sim->change, 0);
}

/* The life of a domain. */

static void remove_domain(struct actor *a)
{
	timer_clear(a->life);
	timer_clear(a->wake);
	a->exists = a->shutdown = a->paused = a->up = false;
	note_change(a->sim);
}

void actor_live_until(struct actor *a, usec_t delay, enum shutdown_reason reason)
{
	a->life_reason = reason;
	timer_set_after(a->life, delay);
}

static void on_up(void *data)
{
	struct actor *a = data;

	a->up = true;
	note_change(a->sim);
}

static void add_domain(struct actor *a, enum domain_manager manager)
{
	a->exists = true;
	a->domid = a->sim->next_domid++;
	a->manager = manager;
	a->built_wall = usec_now_wall();
	a->paused = a->shutdown = a->up = a->life_removes = false;
	timer_set_after(a->wake, a->guest->up_after);
	if (a->guest->ends_after)
		actor_live_until(a, a->guest->ends_after, a->guest->ends_with);
	note_change(a->sim);
}

static void on_life(void *data)
{
	struct actor *a = data;

	if (!a->exists) {
		add_domain(a, a->guest->manager);
		return;
	}
	if (a->life_removes) {
		a->life_removes = false;
		remove_domain(a);
		if (a->reason == SHUTDOWN_REASON_REBOOT && a->guest->reboots)
			timer_set_after(a->life, 0);
		return;
	}
	a->shutdown = true;
	a->reason = a->life_reason;
	if (a->manager != DOMAIN_MANAGER_XENDOMAINSD) {
		a->life_removes = true;
		timer_set_after(a->life, MONITOR_DELAY);
	}
	note_change(a->sim);
}

int actor_describe(const struct actor *a, struct domain *ret)
{
	const struct sim_guest *g = a->guest;
	struct domain d = {
		.domid = a->domid,
		.uuid = g->uuid,
		.paused = a->paused,
		.shutdown = a->shutdown,
		.reason = a->reason,
		.up = a->up,
		.driver = g->driver,
		.memory_kib = g->memory_kib,
		.vcpus = g->vcpus,
		.cpu_time = USEC_PER_SEC,
		.built_wall = a->built_wall,
		.manager = a->manager,
		.on_poweroff = g->on_poweroff,
		.on_reboot = g->on_reboot,
		.on_watchdog = g->on_watchdog,
		.on_crash = g->on_crash,
		.on_soft_reset = g->on_soft_reset,
	};
	int r = str_replace(&d.name, g->name);

	domain_set_flags(&d, false, !d.paused && !d.shutdown);
	if (r >= 0 && !a->shutdown)
		r = str_replace(&d.eject, g->ejects);

	if (r >= 0 && a->manager == DOMAIN_MANAGER_XENDOMAINSD)
		r = str_replace(&d.source, g->config);
	if (r < 0) {
		domain_done(&d);
		return r;
	}
	*ret = d;
	return 0;
}

void actor_begin(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		add_domain(a, DOMAIN_MANAGER_XENDOMAINSD);
		a->paused = true;
		timer_clear(a->wake);
		timer_clear(a->life);
		break;
	case OPERATION_SAVE:
		a->shutdown = true;
		a->reason = SHUTDOWN_REASON_SUSPEND;
		timer_clear(a->life);
		note_change(a->sim);
		break;
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE: /* it runs on until it is there */
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

/* Its domain stays, and so does its memory. */
static void go_on(struct actor *a)
{
	a->shutdown = a->up = false;
	timer_set_after(a->wake, a->guest->up_after);
	if (a->guest->ends_after)
		actor_live_until(a, a->guest->ends_after, a->guest->ends_with);
	note_change(a->sim);
}

void actor_succeed(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		a->sim->host->surveyed &= !a->guest->saved;
		a->guest->saved = false;
		a->paused = false;
		timer_set_after(a->wake, a->guest->up_after);
		if (a->guest->ends_after)
			actor_live_until(a, a->guest->ends_after, a->guest->ends_with);
		note_change(a->sim);
		break;
	case OPERATION_SAVE:
		a->guest->saved = true;
		a->sim->host->surveyed = false;
		remove_domain(a);
		break;
	case OPERATION_DESTROY:
	case OPERATION_MIGRATE:
		remove_domain(a);
		break;
	case OPERATION_UNPAUSE:
		a->paused = false;
		note_change(a->sim);
		break;
	case OPERATION_RESUME: /* the simulation leaves no domain suspended */
		break;
	case OPERATION_RESTART:
		if (!uuid_is_null(&a->request.preserve) &&
		    sim_remains_add(&a->sim->remains, &a->request.preserve, a->guest->name,
				    a->domid, a->reason) < 0)
			log_warning("%s: there is no memory to preserve it", a->guest->name);
		remove_domain(a);
		add_domain(a, DOMAIN_MANAGER_XENDOMAINSD);
		break;
	case OPERATION_SOFT_RESET:
		go_on(a);
		break;
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

void actor_fail(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		remove_domain(a);
		break;
	case OPERATION_SAVE:
		a->shutdown = false;
		if (a->guest->ends_after)
			actor_live_until(a, a->guest->ends_after, a->guest->ends_with);
		note_change(a->sim);
		break;
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE:
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

int actor_init(struct actor *a, struct sim *sim, struct sim_guest *guest)
{
	int r;

	a->sim = sim;
	a->guest = guest;
	r = timer_new(sim->loop, on_life, a, &a->life);
	r = r < 0 ? r : timer_new(sim->loop, on_up, a, &a->wake);
	if (r >= 0 && a->guest->running)
		add_domain(a, a->guest->manager);
	else if (r >= 0 && a->guest->appears_after > 0)
		timer_set_after(a->life, a->guest->appears_after);
	return r;
}
