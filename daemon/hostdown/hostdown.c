/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hostdown/hostdown.h"

#include <inttypes.h>
#include <sys/queue.h>
#include <unistd.h>

#include "core/hostdown-state.h"
#include "engine/job.h"
#include "hostdown/logind-conf.h"
#include "hostdown/window.h"
#include "io/notify.h"
#include "util/log.h"
#include "util/str.h"

/* UUIDs of guests, as text. */
struct uuids {
	char **texts;
	size_t n;
};

/* A stop for the host. Behind one that was cancelled there can be the next one at once. */
struct stop {
	LIST_ENTRY(stop) entry;
	struct hostdown *h;
	uint64_t id; /* the manager's number of it */
};

struct hostdown {
	struct loop *loop;
	struct manager *manager;
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
	usec_t grants;        /* by logind, when it was warned of */
	struct uuids stopped; /* for the host */
	uint64_t start;       /* the manager's number of their start; 0: none is under way */
};

static void act(struct hostdown *h, enum hostdown_event event);

/* Guests that were stopped. */

static void uuids_clear(struct uuids *uuids)
{
	for (size_t i = 0; i < uuids->n; i++)
		free(uuids->texts[i]);
	free(uuids->texts);
	*uuids = (struct uuids){0};
}

static int uuids_add(struct uuids *uuids, const struct uuid *uuid)
{
	char **bigger = realloc(uuids->texts, (uuids->n + 1) * sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	uuids->texts = bigger;
	uuids->texts[uuids->n] = strdup(UUID_TEXT(uuid));
	if (!uuids->texts[uuids->n])
		return -ENOMEM;
	uuids->n++;
	return 0;
}

static void uuids_remove(struct uuids *uuids, const char *text)
{
	size_t kept = 0;

	for (size_t i = 0; i < uuids->n; i++) {
		if (str_equal(uuids->texts[i], text))
			free(uuids->texts[i]);
		else
			uuids->texts[kept++] = uuids->texts[i];
	}
	uuids->n = kept;
}

/*
 * Whether it was the stop that has ended the guest. One that was migrated is elsewhere, and one
 * that was only cleaned up had ended before.
 */
static bool is_of_stop(const struct report *report)
{
	return report->stage && !str_equal(report->stage, stage_to_string(STAGE_MIGRATE)) &&
	       !str_equal(report->stage, stage_to_string(STAGE_CLEAN)) &&
	       str_equal(report->result, "ok");
}

/* Whether a start would find something to make it from. */
static bool can_return(const struct hostdown *h, const struct report *report)
{
	const struct inventory *inventory = world_inventory(manager_world(h->manager));
	const struct guest *g = inventory_find(inventory, &report->step->uuid);

	if (str_equal(report->stage, stage_to_string(STAGE_SAVE)))
		return true;
	return g && g->config && str_equal(g->name, report->step->name);
}

/* The host's stop has ended. */
struct end {
	struct hostdown *h;
	const struct job *job;
};

static void on_outcome(void *data, const struct report *report)
{
	const struct end *end = data;
	struct hostdown *h = end->h;

	if (!report->final || !is_of_stop(report) || !can_return(h, report) ||
	    manager_wants_down(end->job, &report->step->uuid))
		return;
	if (uuids_add(&h->stopped, &report->step->uuid) < 0)
		log_error("%s: is not brought back if the host stays up", report->step->name);
}

/* What is asked of the manager. */

/* How long logind waits: not at all without its lock. */
static usec_t window_of(const struct hostdown *h)
{
	usec_t grants = logind_delay_max(h->logind);

	return logind_lock(h->logind) == LOGIND_LOCK_HELD && grants != USEC_INFINITY ? grants : 0;
}

/* What a shutdown gives a stop, until logind waits no longer. */
static usec_t budget_of(const struct hostdown *h)
{
	return hostdown_budget(window_of(h));
}

/* The same until the host is ended by force. */
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

/* 0, or -errno where nothing is begun. */
static int begin_stop(struct hostdown *h, usec_t deadline, usec_t end)
{
	_cleanup_free_ struct stop *stop = calloc(1, sizeof(*stop));
	struct follower follower = {.report = ignore_report, .done = on_stopped, .data = stop};
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
		.domid = LOG_NO_DOMID,
		.elapsed = USEC_INFINITY,
	};
	const char *kind = logind_kind(h->logind);
	usec_t now = loop_now(h->loop);
	usec_t deadline = h->leaving ? h->until : h->began + budget_of(h);
	usec_t end = h->leaving ? h->until : usec_add(h->began, end_of(h));
	int r = begin_stop(h, deadline, end);

	if (!kind)
		kind = h->leaving ? "by systemd" : "the way is not known";
	if (deadline == USEC_INFINITY)
		log_message(LOG_NOTICE, &fields, "The host goes down (%s): guests are stopped",
			    kind);
	else
		log_message(LOG_NOTICE, &fields,
			    "The host goes down (%s): guests are stopped, for which there are "
			    "%" PRIu64 " s",
			    kind, usec_sub(deadline, now) / USEC_PER_SEC);
	if (r >= 0)
		return;
	log_error("Guests cannot be stopped: %s",
		  r == -EHOSTDOWN ? manager_obstacle(h->manager, GOAL_STOP) : strerror(-r));
	if (LIST_EMPTY(&h->stops))
		act(h, HOSTDOWN_EVENT_STOPPED);
}

static void on_returned(void *data, int error, const char *reason, const struct job *job _unused_)
{
	struct hostdown *h = data;

	h->start = 0;
	if (error < 0)
		log_error("The guests that were stopped for the host are not brought back: %s",
			  reason);
}

static void start_stopped(struct hostdown *h)
{
	struct follower follower = {.report = ignore_report, .done = on_returned, .data = h};
	int r = manager_request(h->manager, GOAL_START, (const char *const *)h->stopped.texts,
				h->stopped.n, &follower, &h->start);

	if (r < 0)
		log_error_errno(r, "The guests that were stopped are not brought back");
}

/* Why guests are not brought back, or NULL. */
static const char *say_why_not(const struct hostdown *h)
{
	const struct config *config = manager_config(h->manager);

	if (!config)
		return "left so, for the settings are refused";
	if (config->after_cancel != AFTER_CANCEL_START)
		return "left so (AfterCancel=)";
	if (manager_stops_all(h->manager))
		return "left so, for a stop of all guests was asked for";
	return NULL;
}

static void bring_back(struct hostdown *h)
{
	struct log_fields fields = {.message_id = MSG_HOST_STAYS_UP, LOG_FIELDS_NONE};
	const char *why_not = say_why_not(h);

	log_message(LOG_NOTICE, &fields,
		    "The host stays up: the %zu guests that were stopped are %s", h->stopped.n,
		    why_not ? why_not : "brought back");
	/* What refused starts is over. */
	manager_refuse_starts(h->manager, NULL);
	if (h->start)
		manager_unfollow(h->manager, h->start);
	h->start = 0;
	if (!why_not && h->stopped.n > 0)
		start_stopped(h);
	uuids_clear(&h->stopped);
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
	case HOSTDOWN_HOME:
	case _HOSTDOWN_STATE_MAX:
	case _HOSTDOWN_STATE_INVALID:
		notify_status("Looks after the guests of this host");
		break;
	case HOSTDOWN_STOPPING:
		notify_status("The host goes down (%s): stops guests", kind ? kind : "-");
		break;
	case HOSTDOWN_READY:
		notify_status("The host goes down (%s): guests are done", kind ? kind : "-");
		break;
	case HOSTDOWN_CANCELLED:
		notify_status("The host stays up: ends the stop of guests");
		break;
	}
}

/* Is there time enough? */

static unsigned long long seconds(usec_t time)
{
	return (unsigned long long)((time + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

static int describe_delay(usec_t needs, usec_t grants, char **ret)
{
	_cleanup_free_ char *path = NULL;
	int r = logindconf_decides("", "InhibitDelayMaxSec", &path);
	const char *in = path ? " in " : " is set nowhere", *where = path ? path : "";

	if (r < 0)
		return r;
	if (grants == USEC_INFINITY)
		return str_format(ret,
				  "logind is to wait for ever (InhibitDelayMaxSec=%s%s), and then "
				  "does not wait at all: give it a time",
				  in, where);
	return str_format(ret,
			  "A stop of all guests may take %llu s, and logind waits for %llu s "
			  "(InhibitDelayMaxSec=%s%s); 'xendomainsctl plan stop' shows what is done "
			  "then",
			  seconds(needs), seconds(grants), in, where);
}

/* What is missing, or NULL. 0 or -ENOMEM. */
static int describe_shortage(const struct hostdown *h, char **ret)
{
	usec_t grants = logind_delay_max(h->logind), needs = h->outlook.needs;
	usec_t timeout = logind_job_timeout(h->logind);

	*ret = NULL;
	if (!logind_is_known(h->logind) || !h->outlook.protects)
		return 0;
	/* What is left when logind has waited goes on while services are stopped. */
	if (timeout != USEC_INFINITY && grants != USEC_INFINITY && needs > grants + timeout)
		return str_format(ret,
				  "A stop of all guests may take %llu s, and the host is ended by "
				  "force after %llu s (InhibitDelayMaxSec= of logind, and "
				  "JobTimeoutSec= of poweroff.target)",
				  seconds(needs), seconds(grants + timeout));
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
	static const char *const locks[] = {
		[LOGIND_LOCK_NONE] = "none",
		[LOGIND_LOCK_ASKED] = "asked",
		[LOGIND_LOCK_HELD] = "held",
	};
	const char *kind = logind_kind(h->logind);
	usec_t grants = logind_is_known(h->logind) ? logind_delay_max(h->logind) : USEC_INFINITY;

	return (struct hostdown_view){
		.lock = locks[logind_lock(h->logind)],
		.kind = hostdown_refuses_starts(h->state) ? (kind ? kind : "unknown") : NULL,
		.grants = grants,
		.budget = budget_of(h),
		.end = end_of(h),
		.needs = h->outlook.needs,
	};
}

/* An earlier daemon may have seen it, and what it has used of the time is gone. */
static void find_begin(struct hostdown *h)
{
	usec_t now = loop_now(h->loop), begin;

	h->began = now;
	/* One of an earlier window is longer ago than any lasts. */
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

static void on_look(void *data)
{
	struct hostdown *h = data;
	const char *refusal = NULL;
	bool wants_lock;

	see_logind(h);
	if (hostdown_refuses_starts(h->state))
		refusal = "The host is going down; nothing is started any more";
	if (manager_refuse_starts(h->manager, refusal) < 0)
		log_error("Starts are not refused: no memory");
	h->outlook = manager_outlook(h->manager);
	wants_lock = hostdown_wants_lock(h->state, h->outlook.protects);
	/* What systemd has begun waits for no lock, and logind gives none. */
	if (!wants_lock || !h->leaving)
		logind_want_lock(h->logind, wants_lock);
	if (h->state == HOSTDOWN_HOME)
		weigh(h);
	if (h->state != h->shown)
		show(h);
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

/* The last word on a guest counts, also on one that the host has stopped before. */
static void on_wanted_down(void *data, const struct uuid *uuid)
{
	struct hostdown *h = data;

	uuids_remove(&h->stopped, UUID_TEXT(uuid));
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
		.state = HOSTDOWN_HOME,
	};
	LIST_INIT(&h->stops);
	r = logind_new(loop, lock, &(struct logind_callbacks){.changed = on_changed, .data = h},
		       &h->logind);
	r = r < 0 ? r : timer_new(loop, on_look, h, &h->look);
	if (r < 0)
		return r;
	manager_watch(manager, &(struct manager_watcher){.changed = on_changed,
							 .wanted_down = on_wanted_down,
							 .data = h});
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
	manager_watch(h->manager, &(struct manager_watcher){0});
	while ((stop = LIST_FIRST(&h->stops))) {
		LIST_REMOVE(stop, entry);
		manager_unfollow(h->manager, stop->id);
		free(stop);
	}
	if (h->start)
		manager_unfollow(h->manager, h->start);
	logind_free(h->logind);
	timer_free(h->look);
	uuids_clear(&h->stopped);
	free(h);
	return NULL;
}
