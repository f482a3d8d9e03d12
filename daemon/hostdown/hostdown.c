/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/hostdown.h"

#include <inttypes.h>
#include <sys/queue.h>
#include <unistd.h>

#include "core/hostdown-state.h"
#include "engine/job.h"
#include "hostdown/logind-conf.h"
#include "hostdown/returns.h"
#include "hostdown/window.h"
#include "io/notify.h"
#include "util/human.h"
#include "util/log.h"
#include "util/str.h"
#include "world/world.h"

/* A stop for the host. The next one can begin at once after one that was cancelled. */
struct stop {
	LIST_ENTRY(stop) entry;
	struct hostdown *h;
	uint64_t id; /* the manager's number of it */
};

struct hostdown {
	struct loop *loop;
	struct manager *manager;
	struct manager_watcher watcher;
	struct logind *logind;
	struct timer *look;
	enum hostdown_state state, shown;
	const char *folder;
	bool was_up;             /* logind has said that the host stays up */
	bool preparing;          /* as last seen */
	usec_t began;            /* when logind began to wait */
	bool leaving;            /* systemd is stopping the system ... */
	usec_t until;            /* ... and ends it then */
	LIST_HEAD(, stop) stops; /* that are under way */
	struct outlook outlook;
	bool warned;
	usec_t grants; /* by logind, when it was warned of */
	struct returns returns;
	uint64_t start; /* the manager's number of their start; 0: none is under way */
};

/* No guest takes longer than this to shut down. */
#define PATIENCE_MAX (3600 * USEC_PER_SEC)

static void act(struct hostdown *h, enum hostdown_event event);

/* Guests that were stopped. */

/*
 * Whether the stop has ended the guest, or may still end it. A guest that was migrated is
 * elsewhere, and a guest that was only cleaned up had ended before.
 */
static bool is_of_stop(const struct report *report)
{
	return report->stage != _STAGE_INVALID && report->stage != STAGE_MIGRATE &&
	       report->stage != STAGE_CLEAN && (report->asked || report->result == RESULT_OK);
}

/* Whether a start would find something to make it from. */
static bool can_return(const struct hostdown *h, const struct report *report)
{
	const struct inventory *inventory = world_inventory(manager_world(h->manager));
	const struct guest *g = inventory_find(inventory, &report->step->uuid);

	if (report->stage == STAGE_SAVE && report->result == RESULT_OK)
		return true;
	return g && g->config && str_equal(g->name, report->step->name);
}

/* Whether the stage was done when the guest had got its request. */
static bool is_only_asked(const struct report *report)
{
	const struct step *s = report->step;

	return report->stage == STAGE_SYSRQ || (report->stage == STAGE_SHUTDOWN && !s->wait) ||
	       (report->stage == STAGE_SHUTDOWN_ALL && !s->wait_all);
}

/* A guest's part of a stop has ended. */
static void note_end(struct hostdown *h, const struct report *report)
{
	const struct domain_list *domains = world_domains(manager_world(h->manager));
	const struct uuid *uuid = &report->step->uuid;
	const struct domain *d = domain_list_find(domains, uuid, report->domid);
	bool down = report->result == RESULT_OK && (!is_only_asked(report) || !d || d->dying);

	if (!is_of_stop(report) || !can_return(h, report))
		return;
	if (returns_add(&h->returns, uuid, report->domid, down) < 0)
		log_error("%s: Failed to remember the guest for a host that stays up",
			  report->step->name);
}

static void on_report(void *data, const struct report *report)
{
	const struct stop *stop = data;

	if (report->final)
		note_end(stop->h, report);
}

/* The host's stop has ended. */
struct end {
	struct hostdown *h;
	const struct job *job;
};

static void on_outcome(void *data, const struct report *report)
{
	const struct end *end = data;

	if (manager_wants_down(end->job, &report->step->uuid))
		returns_remove(&end->h->returns, &report->step->uuid);
	else if (report->final)
		note_end(end->h, report);
}

/* Requests to the manager. */

/* How long logind waits: not at all without its lock. */
static usec_t window_of(const struct hostdown *h)
{
	usec_t grants = logind_delay_max(h->logind);

	return logind_lock(h->logind) == HOST_LOCK_HELD && grants != USEC_INFINITY ? grants : 0;
}

/* The time that a shutdown gives a stop, until logind stops waiting. */
static usec_t budget_of(const struct hostdown *h)
{
	return hostdown_budget(window_of(h));
}

/* The same until systemd forces the host down. */
static usec_t end_of(const struct hostdown *h)
{
	return hostdown_end(window_of(h), logind_job_timeout(h->logind));
}

static void ignore_report(void *data _unused_, const struct report *report _unused_)
{
}

static void on_stopped(void *data, int error _unused_, const char *reason _unused_,
		       const struct job *job)
{
	struct stop *stop = data;
	struct hostdown *h = stop->h;

	LIST_REMOVE(stop, entry);
	free(stop);
	if (job)
		job_reports(job, on_outcome, &(struct end){.h = h, .job = job});
	if (LIST_EMPTY(&h->stops))
		act(h, HOSTDOWN_EVENT_STOPPED);
	timer_set_after(h->look, 0);
}

/* 0, or -errno if no stop begins. */
static int begin_stop(struct hostdown *h, usec_t deadline, usec_t end)
{
	_cleanup_free_ struct stop *stop = calloc(1, sizeof(*stop));
	struct follower follower = {
		.report = on_report,
		.done = on_stopped,
		.data = stop,
		.requester = {.name = "logind"},
	};
	int r;

	if (!stop)
		return -ENOMEM;
	stop->h = h;
	r = manager_stop_until(h->manager, deadline, end, &follower, &stop->id);
	if (r < 0)
		return r;
	LIST_INSERT_HEAD(&h->stops, stop, entry);
	TAKE_PTR(stop);
	return 0;
}

static void stop(struct hostdown *h)
{
	struct log_fields fields = {
		.message_id = MSG_HOST_GOES_DOWN,
		.operation = logind_kind(h->logind),
		.domid = DOMID_NONE,
		.elapsed = USEC_INFINITY,
	};
	const char *kind = logind_kind(h->logind);
	usec_t now = loop_now(h->loop);
	usec_t deadline = h->leaving ? h->until : h->began + budget_of(h);
	usec_t end = h->leaving ? h->until : usec_add(h->began, end_of(h));
	int r = begin_stop(h, deadline, end);

	if (!kind)
		kind = h->leaving ? "by systemd" : "unknown";
	if (deadline == USEC_INFINITY)
		log_message(LOG_NOTICE, &fields, "Host is shutting down (%s): stopping all guests",
			    kind);
	else
		log_message(LOG_NOTICE, &fields,
			    "Host is shutting down (%s): stopping all guests, %s available", kind,
			    DURATION(usec_sub(deadline, now)));
	if (r >= 0)
		return;
	fields.message_id = MSG_HOST_STOP_FAILED;
	log_message(LOG_ERR, &fields, "Failed to stop guests: %s",
		    r == -EHOSTDOWN ? manager_obstacle(h->manager, GOAL_STOP) : strerror(-r));
	if (LIST_EMPTY(&h->stops))
		act(h, HOSTDOWN_EVENT_STOPPED);
}

static void on_returned(void *data, int error, const char *reason, const struct job *job _unused_)
{
	struct log_fields fields = {.message_id = MSG_RETURN_FAILED, LOG_FIELDS_NONE};
	struct hostdown *h = data;

	h->start = 0;
	if (error < 0)
		log_message(LOG_ERR, &fields,
			    "Failed to start the guests that were stopped for the host: %s",
			    reason);
}

/* Why guests are not brought back, or NULL. */
static const char *say_why_not(const struct hostdown *h)
{
	const struct config *config = manager_config(h->manager);

	if (!config)
		return "the settings are refused";
	if (manager_veto(h->manager, GOAL_START))
		return "a newer version of xendomainsd has written the ledger";
	if (config->after_cancel != AFTER_CANCEL_START)
		return "AfterCancel=leave";
	if (manager_stops_all(h->manager))
		return "a stop of all guests was requested";
	return NULL;
}

/* Takes at most so many guests whose domains are gone. */
static size_t take_down_ones(struct hostdown *h, const char **names, char (*texts)[UUID_TEXT_SIZE],
			     size_t max)
{
	const struct domain_list *domains = world_domains(manager_world(h->manager));
	struct uuid uuid;
	size_t n = 0;

	for (; n < max && returns_take(&h->returns, domains, &uuid); n++)
		names[n] = uuid_format(&uuid, texts[n]);
	return n;
}

static int start_down_ones(struct hostdown *h)
{
	struct follower follower = {
		.report = ignore_report,
		.done = on_returned,
		.data = h,
		.requester = {.name = "logind"},
	};
	size_t n = h->returns.n;
	_cleanup_free_ const char **names = calloc(n + 1, sizeof(*names));
	_cleanup_free_ char(*texts)[UUID_TEXT_SIZE] = calloc(n + 1, sizeof(*texts));

	if (!names || !texts)
		return -ENOMEM;
	n = take_down_ones(h, names, texts, n);
	if (n == 0)
		return 0;
	if (h->start)
		manager_unfollow(h->manager, h->start);
	h->start = 0;
	return manager_request(h->manager, GOAL_START, names, n, &follower, &h->start);
}

/* Starts the guests that are down by now. */
static void start_stopped(struct hostdown *h)
{
	int r;

	if (say_why_not(h)) {
		returns_clear(&h->returns);
		return;
	}
	r = start_down_ones(h);
	if (r < 0)
		log_error_errno(r, "Failed to start the guests that were stopped for the host");
}

/* How long a guest that was asked may take until it is not the stop any more that has ended it. */
static usec_t patience_of(const struct hostdown *h)
{
	const struct config *config = manager_config(h->manager);

	return config ? MIN(config->stop_limit, PATIENCE_MAX) : 0;
}

static void bring_back(struct hostdown *h)
{
	struct log_fields fields = {.message_id = MSG_HOST_STAYS_UP, LOG_FIELDS_NONE};
	const char *why_not = say_why_not(h);

	fields.result = result_to_string(why_not ? RESULT_SKIPPED : RESULT_OK);
	if (why_not)
		log_message(LOG_NOTICE, &fields,
			    "The host stays up: leaving the %zu guests that were stopped (%s)",
			    returns_count(&h->returns), why_not);
	else
		log_message(LOG_NOTICE, &fields,
			    "The host stays up: starting the %zu guests that were stopped",
			    returns_count(&h->returns));
	/* The shutdown is over, so starts are allowed. */
	manager_refuse_starts(h->manager, NULL);
	returns_set_end(&h->returns, usec_add(loop_now(h->loop), patience_of(h)));
	start_stopped(h);
}

static void act(struct hostdown *h, enum hostdown_event event)
{
	enum hostdown_state old = h->state;
	enum hostdown_action action = hostdown_step(&h->state, event);

	if (h->state != old)
		log_debug("host: %s -> %s", hostdown_state_to_string(old),
			  hostdown_state_to_string(h->state));
	switch (action) {
	case HOSTDOWN_ACTION_NONE:
		break;
	case HOSTDOWN_ACTION_STOP:
		stop(h);
		break;
	case HOSTDOWN_ACTION_REST:
		manager_rest(h->manager, "the host stays up");
		break;
	case HOSTDOWN_ACTION_RETURN:
		bring_back(h);
		break;
	}
}

static void show(struct hostdown *h)
{
	const char *kind = logind_kind(h->logind);

	h->shown = h->state;
	switch (h->state) {
	case HOSTDOWN_UP:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		notify_status("Managing the guests of this host");
		break;
	case HOSTDOWN_STOPPING:
		notify_status("Host is shutting down (%s): stopping guests", kind ? kind : "-");
		break;
	case HOSTDOWN_READY:
		notify_status("Host is shutting down (%s): finished stopping guests",
			      kind ? kind : "-");
		break;
	case HOSTDOWN_CANCELLED:
		notify_status("The host stays up: ending the stop of guests");
		break;
	}
}

/* Is there time enough? */

#define LOGIND_READS "systemctl kill --signal=HUP systemd-logind"

static int describe_delay(usec_t needs, usec_t grants, char **ret)
{
	_cleanup_free_ char *path = NULL, *value = NULL, *source = NULL;
	int r = logindconf_decides("", "InhibitDelayMaxSec", &path, &value);

	if (r < 0)
		return r;
	if (grants == USEC_INFINITY)
		return str_format(ret,
				  "InhibitDelayMaxSec=infinity%s%s disables the delay of logind: "
				  "set a finite value",
				  path ? " in " : "", path ? path : "");
	r = path ? str_format(&source, "=%s in %s, which logind reads at '%s'", value, path,
			      LOGIND_READS)
		 : str_replace(&source, " is not set");
	if (r < 0)
		return r;
	return str_format(ret,
			  "A stop of all guests may take %s, but logind waits only %s "
			  "(InhibitDelayMaxSec%s). Run 'xendomainsctl plan stop' to see what "
			  "happens then",
			  DURATION(usec_seconds_up(needs)), DURATION(grants), source);
}

/* Describes the time that is missing, or NULL. 0 or -ENOMEM. */
static int describe_shortage(const struct hostdown *h, char **ret)
{
	usec_t grants = logind_delay_max(h->logind), needs = h->outlook.needs;
	usec_t timeout = logind_job_timeout(h->logind);

	*ret = NULL;
	if (!logind_is_known(h->logind) || !h->outlook.protects)
		return 0;
	/* After the wait of logind, the stop goes on while services are stopped. */
	if (timeout != USEC_INFINITY && grants != USEC_INFINITY && needs > grants + timeout)
		return str_format(ret,
				  "A stop of all guests may take %s, but systemd forces the host "
				  "down after %s (InhibitDelayMaxSec= of logind, and "
				  "JobTimeoutSec= of poweroff.target)",
				  DURATION(usec_seconds_up(needs)), DURATION(grants + timeout));
	return needs > hostdown_budget(grants) ? describe_delay(needs, grants, ret) : 0;
}

static void weigh(struct hostdown *h)
{
	struct log_fields fields = {.message_id = MSG_TIME_SHORT, LOG_FIELDS_NONE};
	usec_t grants = logind_delay_max(h->logind);
	_cleanup_free_ char *text = NULL;

	if (describe_shortage(h, &text) < 0)
		return;
	manager_set_notice(h->manager, text);
	/* The need changes with every guest; said is only that there is a lack. */
	if (text && (!h->warned || h->grants != grants))
		log_message(LOG_WARNING, &fields, "%s", text);
	h->warned = text;
	h->grants = grants;
}

struct hostdown_view hostdown_view(const struct hostdown *h)
{
	const char *kind = logind_kind(h->logind);
	usec_t grants = logind_is_known(h->logind) ? logind_delay_max(h->logind) : USEC_INFINITY;

	return (struct hostdown_view){
		.lock = logind_lock(h->logind),
		.kind = hostdown_refuses_starts(h->state) ? (kind ? kind : "unknown") : NULL,
		.grants = grants,
		.budget = budget_of(h),
		.end = end_of(h),
		.needs = h->outlook.needs,
	};
}

/* An earlier daemon may have seen the shutdown, and has used a part of the time. */
static void find_begin(struct hostdown *h)
{
	usec_t now = loop_now(h->loop), begin;

	h->began = now;
	/* The begin of an earlier window is further back than the longest window. */
	if (!h->was_up && window_recall(h->folder, &begin) >= 0 && begin <= now &&
	    now - begin <= logind_delay_max(h->logind))
		h->began = begin;
	window_note(h->folder, h->began);
}

static void see_logind(struct hostdown *h)
{
	bool preparing = logind_is_preparing(h->logind);

	h->was_up = h->was_up || (logind_is_known(h->logind) && !preparing);
	if (preparing == h->preparing)
		return;
	h->preparing = preparing;
	h->leaving = h->leaving && preparing;
	if (preparing)
		find_begin(h);
	else
		window_forget(h->folder);
	act(h, preparing ? HOSTDOWN_EVENT_PREPARE : HOSTDOWN_EVENT_CANCEL);
}

static void see_guests(struct hostdown *h)
{
	const struct domain_list *domains = world_domains(manager_world(h->manager));

	if (h->returns.n == 0)
		return;
	returns_look(&h->returns, domains, loop_now(h->loop));
	if (h->state == HOSTDOWN_UP)
		start_stopped(h);
}

static void on_look(void *data)
{
	struct hostdown *h = data;
	const char *refusal = NULL;
	bool wants_lock;

	see_logind(h);
	see_guests(h);
	if (hostdown_refuses_starts(h->state))
		refusal = "The host is going down; nothing is started any more";
	if (manager_refuse_starts(h->manager, refusal) < 0)
		log_error("Starts are not refused: no memory");
	h->outlook = manager_outlook(h->manager);
	wants_lock = hostdown_wants_lock(h->state, h->outlook.protects);
	/* A shutdown that systemd has begun waits for no lock, and logind grants none. */
	if (!wants_lock || !h->leaving)
		logind_want_lock(h->logind, wants_lock);
	if (h->state == HOSTDOWN_UP)
		weigh(h);
	if (h->state != h->shown)
		show(h);
	manager_tell_shown(h->manager);
}

static void on_changed(void *data)
{
	struct hostdown *h = data;

	timer_set_after(h->look, 0);
}

void hostdown_leave(struct hostdown *h, usec_t until)
{
	h->leaving = h->preparing = true;
	h->until = until;
	logind_note_stopping(h->logind);
	act(h, HOSTDOWN_EVENT_LEAVE);
	/* A start that comes next is refused. */
	on_look(h);
}

bool hostdown_is_leaving(const struct hostdown *h)
{
	return h->leaving && h->state == HOSTDOWN_STOPPING && loop_now(h->loop) < h->until;
}

/* The last word on a guest counts, also on one that the host has stopped before. */
static void on_wanted_down(void *data, const struct uuid *uuid)
{
	struct hostdown *h = data;

	returns_remove(&h->returns, uuid);
}

int hostdown_new(struct loop *loop, struct manager *manager, int lock, const char *folder,
		 struct hostdown **ret)
{
	_cleanup_(hostdown_freep) struct hostdown *h = calloc(1, sizeof(*h));
	int r;

	if (!h) {
		if (lock >= 0)
			close(lock);
		return -ENOMEM;
	}
	*h = (struct hostdown){
		.loop = loop,
		.manager = manager,
		.folder = folder,
		.state = HOSTDOWN_UP,
		.watcher = {.changed = on_changed, .wanted_down = on_wanted_down, .data = h},
	};
	manager_watch(manager, &h->watcher);
	LIST_INIT(&h->stops);
	r = logind_new(loop, lock, &(struct logind_callbacks){.changed = on_changed, .data = h},
		       &h->logind);
	r = r < 0 ? r : timer_new(loop, on_look, h, &h->look);
	if (r < 0)
		return r;
	show(h);
	timer_set_after(h->look, 0);
	*ret = TAKE_PTR(h);
	return 0;
}

struct hostdown *hostdown_free(struct hostdown *h)
{
	struct stop *stop;

	if (!h)
		return NULL;
	manager_unwatch(&h->watcher);
	while ((stop = LIST_FIRST(&h->stops))) {
		LIST_REMOVE(stop, entry);
		manager_unfollow(h->manager, stop->id);
		free(stop);
	}
	if (h->start)
		manager_unfollow(h->manager, h->start);
	logind_free(h->logind);
	timer_free(h->look);
	returns_clear(&h->returns);
	free(h);
	return NULL;
}
