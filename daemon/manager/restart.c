/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/restart.h"

#include "engine/hold.h"
#include "util/human.h"
#include "util/log.h"
#include "util/quote.h"
#include "util/str.h"

/* A guest that ejects its disks for ever costs no more than a worker in this time. */
#define EJECT_INTERVAL (5 * USEC_PER_SEC)

/*
 * The memory of one domain, until it is gone. Its number comes back too late to be taken
 * for another one.
 */
struct note {
	struct uuid uuid;
	uint32_t domid;
	bool settled;   /* it stays as it is */
	usec_t restart; /* it is restarted at this time; USEC_INFINITY: it is not */
	usec_t eject;   /* not before this time is its next wish to eject a disk heard */
	usec_t resume;  /* suspended too late: not before this time is it resumed; 0: it is not */
};

struct restarts {
	struct ledger_file *ledger;
	struct note *notes;
	size_t n_notes;
};

struct restarts *restarts_new(struct ledger_file *ledger)
{
	struct restarts *rx = calloc(1, sizeof(*rx));

	if (rx)
		rx->ledger = ledger;
	return rx;
}

struct restarts *restarts_free(struct restarts *rx)
{
	if (!rx)
		return NULL;
	free(rx->notes);
	free(rx);
	return NULL;
}

static struct note *find_note(const struct restarts *rx, const struct uuid *uuid, uint32_t domid)
{
	for (size_t i = 0; i < rx->n_notes; i++)
		if (rx->notes[i].domid == domid && uuid_equal(&rx->notes[i].uuid, uuid))
			return &rx->notes[i];
	return NULL;
}

static struct note *make_note(struct restarts *rx, const struct uuid *uuid, uint32_t domid)
{
	struct note *note = find_note(rx, uuid, domid), *bigger;

	if (note)
		return note;
	bigger = realloc(rx->notes, (rx->n_notes + 1) * sizeof(*bigger));
	if (!bigger)
		return NULL;
	rx->notes = bigger;
	note = &rx->notes[rx->n_notes++];
	*note = (struct note){.uuid = *uuid, .domid = domid, .restart = USEC_INFINITY};
	return note;
}

static bool is_settled(const struct restarts *rx, const struct domain *d)
{
	const struct note *note = find_note(rx, &d->uuid, d->domid);

	return note && note->settled;
}

void restarts_give_up(struct restarts *rx, const struct uuid *uuid, uint32_t domid)
{
	struct note *note = make_note(rx, uuid, domid);

	if (!note)
		return;
	note->settled = true;
	note->restart = USEC_INFINITY;
}

static bool has_domain(const struct inventory *inventory, const struct note *note)
{
	const struct guest *g = NULL;

	while ((g = inventory_next(inventory, &note->uuid, g)))
		if (g->domain && g->domain->domid == note->domid)
			return true;
	return false;
}

void restarts_forget_gone(struct restarts *rx, const struct inventory *inventory)
{
	size_t kept = 0;

	for (size_t i = 0; i < rx->n_notes; i++)
		if (has_domain(inventory, &rx->notes[i]))
			rx->notes[kept++] = rx->notes[i];
	rx->n_notes = kept;
}

usec_t restarts_due(const struct restarts *rx, const struct guest *g)
{
	const struct note *note = g->domain ? find_note(rx, &g->uuid, g->domain->domid) : NULL;

	return note && !guest_is_superseded(g) ? note->restart : USEC_INFINITY;
}

usec_t restarts_next(const struct restarts *rx, usec_t now)
{
	usec_t next = USEC_INFINITY;

	for (size_t i = 0; i < rx->n_notes; i++) {
		/* A restart that is due waits for another event, which will be told. */
		if (rx->notes[i].restart > now)
			next = MIN(next, rx->notes[i].restart);
		if (rx->notes[i].eject > now)
			next = MIN(next, rx->notes[i].eject);
		if (rx->notes[i].resume > now)
			next = MIN(next, rx->notes[i].resume);
	}
	return next;
}

bool restarts_concern(const struct restarts *rx, const struct guest *g)
{
	const struct domain *d = g->domain;

	return d && (d->shutdown || d->eject || find_note(rx, &d->uuid, d->domid));
}

bool restarts_wanted(const struct restarts *rx, const struct guest *g)
{
	const struct domain *d = g->domain;

	return d && d->shutdown && !d->dying && !g->busy &&
	       d->manager == DOMAIN_MANAGER_XENDOMAINSD && d->reason != SHUTDOWN_REASON_SUSPEND &&
	       !is_settled(rx, d) && !guest_is_superseded(g);
}

static void log_decision(const struct guest *g, const char *message_id, int level, const char *text)
{
	struct log_fields fields = {
		.message_id = message_id,
		.domain = g->name,
		.uuid = &g->uuid,
		.domid = g->domain->domid,
		.result = shutdown_reason_to_string(g->domain->reason),
		.elapsed = USEC_INFINITY,
	};

	log_message(level, &fields, "has ended (%s): %s", fields.result, text);
}

/* Restarted too often: the guest is cleaned up, stays down, and its failure is recorded. */
static void hold(struct restarts *rx, const struct guest *g, const struct config *config)
{
	_cleanup_free_ char *text = NULL, *failure = NULL;

	if (str_format(
		    &text,
		    "not restarted: more than RestartLimit=%u ends within %s (RestartInterval=). "
		    "Run 'xendomainsctl start %s' to start it",
		    config->restart_limit, DURATION(config->restart_interval),
		    AS_ARGUMENT(g->name)) < 0 ||
	    str_format(&failure, "has ended (%s): %s", shutdown_reason_to_string(g->domain->reason),
		       text) < 0)
		return;
	log_decision(g, MSG_GUEST_HELD, LOG_ERR, text);
	ledger_file_set_failure(rx->ledger, &g->uuid, g->name, failure);
}

/* The domain of a guest that crashed is removed. Nothing but this tells then why it is down. */
static void remark_crash(struct restarts *rx, const struct guest *g)
{
	enum shutdown_reason reason = g->domain->reason;
	_cleanup_free_ char *text = NULL;

	if ((reason == SHUTDOWN_REASON_CRASH || reason == SHUTDOWN_REASON_WATCHDOG) &&
	    str_format(&text, "has ended (%s), and its domain was removed (%s=)",
		       shutdown_reason_to_string(reason), death_setting(reason)) >= 0)
		ledger_file_set_remark(rx->ledger, &g->uuid, g->name, text);
}

/* What is left to do for a guest that is not restarted. */
static enum death_action remove(struct restarts *rx, const struct guest *g,
				enum death_action action, bool stopping)
{
	if (!stopping)
		remark_crash(rx, g);
	if (death_action_dumps(action) && !stopping)
		return DEATH_COREDUMP_DESTROY;
	log_decision(
		g, MSG_GUEST_ENDED, LOG_INFO,
		death_action_dumps(action)
			? "removing the domain without a core dump, since guests are being stopped"
			: "removing the domain");
	return DEATH_DESTROY;
}

static void delay(struct restarts *rx, const struct guest *g, usec_t now, usec_t pause)
{
	struct note *note = make_note(rx, &g->uuid, g->domain->domid);
	_cleanup_free_ char *text = NULL;

	if (!note)
		return;
	note->restart = now + pause;
	if (str_format(&text, "restarting in %s", DURATION(pause)) >= 0)
		log_decision(g, MSG_GUEST_DELAYED, LOG_NOTICE, text);
}

/* False if it is not time yet. */
static bool may_begin(struct restarts *rx, const struct guest *g, const struct config *config,
		      usec_t now)
{
	struct note *note = find_note(rx, &g->uuid, g->domain->domid);
	usec_t pause;

	if (note && note->restart != USEC_INFINITY)
		return now >= note->restart;
	pause = ledger_restart_pause(ledger_file_get(rx->ledger), &g->uuid, now,
				     config->restart_interval);
	if (pause == 0)
		return true;
	delay(rx, g, now, pause);
	return false;
}

static const char *restart_text(enum death_action action)
{
	switch (action) {
	case DEATH_RENAME_RESTART:
		return "preserving the domain under another name and restarting";
	case DEATH_COREDUMP_RESTART:
		return "restarting after a core dump";
	case DEATH_SOFT_RESET:
		return "soft-resetting";
	case DEATH_RESTART:
	case DEATH_DESTROY:
	case DEATH_PRESERVE:
	case DEATH_COREDUMP_DESTROY:
	case _DEATH_ACTION_MAX:
	case _DEATH_ACTION_INVALID:
		break;
	}
	return "restarting";
}

enum death_action restarts_decide(struct restarts *rx, const struct guest *g,
				  const struct config *config, usec_t now, bool stopping)
{
	enum death_action action = domain_death_action(g->domain);
	const struct ledger *ledger = ledger_file_get(rx->ledger);
	struct note *note;

	if (action == DEATH_PRESERVE) {
		log_decision(g, MSG_GUEST_ENDED, LOG_NOTICE, "preserving the domain as configured");
		restarts_give_up(rx, &g->uuid, g->domain->domid);
		return _DEATH_ACTION_INVALID;
	}
	if (!death_action_restarts(action) || stopping)
		return remove(rx, g, action, stopping);
	if (restarts_due(rx, g) == USEC_INFINITY &&
	    !ledger_may_restart(ledger, &g->uuid, now, config->restart_limit,
				config->restart_interval)) {
		hold(rx, g, config);
		return death_action_dumps(action) ? DEATH_COREDUMP_DESTROY : DEATH_DESTROY;
	}
	if (!may_begin(rx, g, config, now))
		return _DEATH_ACTION_INVALID;
	note = find_note(rx, &g->uuid, g->domain->domid);
	if (note)
		note->restart = USEC_INFINITY;
	log_decision(g, MSG_GUEST_ENDED, LOG_INFO, restart_text(action));
	ledger_file_add_restart(rx->ledger, &g->uuid, g->name, now);
	return action;
}

bool restarts_eject(struct restarts *rx, const struct guest *g, usec_t now)
{
	struct log_fields fields = {
		.message_id = MSG_GUEST_EJECTS,
		.domain = g->name,
		.uuid = &g->uuid,
		.elapsed = USEC_INFINITY,
	};
	struct note *note;

	if (!guest_is_alive(g) || !g->domain->eject || g->busy ||
	    g->domain->manager != DOMAIN_MANAGER_XENDOMAINSD)
		return false;
	note = make_note(rx, &g->uuid, g->domain->domid);
	if (!note || now < note->eject)
		return false;
	note->eject = now + EJECT_INTERVAL;
	fields.domid = g->domain->domid;
	log_message(LOG_INFO, &fields, "ejects %s", g->domain->eject);
	return true;
}

static bool may_be_late(const struct guest *g)
{
	const struct domain *d = g->domain;

	/* libvirt suspends the guests that it migrates, and says nothing. */
	return d && domain_condition(d) == DOMAIN_SUSPENDED && !d->saved && !g->busy &&
	       d->manager != DOMAIN_MANAGER_LIBVIRT;
}

bool restarts_resume(struct restarts *rx, const struct guest *g, usec_t now)
{
	struct note *note = g->domain ? find_note(rx, &g->uuid, g->domain->domid) : NULL;
	struct log_fields fields = {
		.message_id = MSG_GUEST_LATE,
		.domain = g->name,
		.uuid = &g->uuid,
		.elapsed = USEC_INFINITY,
	};

	if (!may_be_late(g)) {
		if (note)
			note->resume = 0;
		return false;
	}
	if (!note || note->resume == 0) {
		note = g->domain->late ? make_note(rx, &g->uuid, g->domain->domid) : NULL;
		if (note)
			note->resume = now + SUSPENDED_LIMIT;
		return false;
	}
	if (now < note->resume)
		return false;
	note->resume = now + SUSPENDED_LIMIT;
	fields.domid = g->domain->domid;
	log_message(LOG_WARNING, &fields,
		    "has suspended after the save or migration that asked for it had ended, "
		    "resuming it");
	return true;
}
