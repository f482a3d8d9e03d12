/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/logind.h"

#include <fcntl.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "io/bus.h"
#include "io/notify.h"
#include "util/log.h"
#include "util/str.h"

#define SERVICE   "org.freedesktop.login1"
#define PATH      "/org/freedesktop/login1"
#define INTERFACE "org.freedesktop.login1.Manager"

/* By these the lock is known in ListInhibitors. */
#define LOCK_WHO  "xendomainsd"
#define LOCK_MODE "delay"

/* While the host goes down: a shutdown that is cancelled is not always announced. */
#define LOOK_PAUSE (5 * USEC_PER_SEC)

/* After a call that failed; it doubles. */
#define RETRY_MIN USEC_PER_SEC
#define RETRY_MAX (60 * USEC_PER_SEC)

enum slot {
	SLOT_PREPARE,
	SLOT_METADATA,
	SLOT_PROPERTIES,
	SLOT_OWNER,
	SLOT_INHIBIT,
	SLOT_LIST,
	SLOT_READ,
	SLOT_SYSTEM,
	SLOT_TIMEOUT,
	_SLOT_MAX,
};

struct logind {
	struct logind_callbacks callbacks;
	struct bus *bus;
	sd_bus_slot *slots[_SLOT_MAX];
	struct timer *look; /* at the properties, or at what has failed, again */
	usec_t retry;
	int lock;
	bool wanted;
	bool unsure;     /* whether logind still knows of the lock */
	bool outdated;   /* there was a hint while an answer was under way */
	bool complained; /* of logind, which does not answer */
	bool refused;    /* the lock, and that has been said */
	bool known, preparing;
	bool stopping; /* the system, by PID 1: logind need not know of it */
	char *kind;
	const char *kind_told; /* by a signal: good for where the properties do not tell */
	usec_t delay_max, job_timeout;
};

static void drop(struct logind *l, enum slot slot)
{
	l->slots[slot] = sd_bus_slot_unref(l->slots[slot]);
}

static void try_later(struct logind *l)
{
	timer_set_after(l->look, l->retry);
	l->retry = MIN(l->retry * 2, RETRY_MAX);
}

static void look_later(struct logind *l)
{
	if (l->preparing)
		timer_set_after(l->look, LOOK_PAUSE);
}

/* Calls that end with the connection tell nothing: it is made again. */
static bool is_lost(const struct logind *l)
{
	return sd_bus_is_open(bus_handle(l->bus)) <= 0;
}

static void tell(struct logind *l)
{
	l->callbacks.changed(l->callbacks.data);
}

/* The lock. */

static void keep_lock(struct logind *l, int fd)
{
	struct log_fields fields = {.message_id = MSG_LOCK_TAKEN, LOG_FIELDS_NONE};

	l->lock = fd;
	l->refused = false;
	l->retry = RETRY_MIN;
	notify_store_fd(LOGIND_STORED_LOCK, fd);
	log_message(LOG_INFO, &fields, "Acquired the shutdown inhibitor lock");
	tell(l);
}

static int on_inhibit(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct log_fields refused = {.message_id = MSG_LOCK_REFUSED, LOG_FIELDS_NONE};
	struct logind *l = data;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	int fd, r = e ? -EPERM : sd_bus_message_read(m, "h", &fd);

	drop(l, SLOT_INHIBIT);
	/* The message owns the descriptor. */
	if (r >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		r = fd < 0 ? -errno : 0;
	}
	if (is_lost(l))
		return 0;
	if (r < 0) {
		if (!l->refused)
			log_message(LOG_WARNING, &refused,
				    "logind refused the shutdown inhibitor lock, retrying: %s",
				    e ? e->message : strerror(-r));
		l->refused = true;
		try_later(l);
	} else if (l->wanted) {
		keep_lock(l, fd);
	} else {
		close(fd);
	}
	return 0;
}

static void ask_for_lock(struct logind *l)
{
	sd_bus *bus = bus_handle(l->bus);
	int r;

	if (!bus || l->slots[SLOT_INHIBIT])
		return;
	r = sd_bus_call_method_async(bus, &l->slots[SLOT_INHIBIT], SERVICE, PATH, INTERFACE,
				     "Inhibit", on_inhibit, l, "ssss", "shutdown", LOCK_WHO,
				     "Xen guests are saved or shut down first", LOCK_MODE);
	if (r < 0) {
		log_warning_errno(r, "Failed to request the shutdown inhibitor lock");
		try_later(l);
	}
	bus_touch(l->bus);
}

static void close_lock(struct logind *l)
{
	/* The store first, so that the lock ends when ours is closed, and not before. */
	notify_forget_fd(LOGIND_STORED_LOCK);
	close(TAKE_FD(l->lock));
}

static int has_our_lock(sd_bus_message *m, bool *ret)
{
	const char *what, *who, *why, *mode;
	uint32_t uid, pid;
	bool found = false;
	int r = sd_bus_message_enter_container(m, 'a', "(ssssuu)");

	while (r >= 0 &&
	       (r = sd_bus_message_read(m, "(ssssuu)", &what, &who, &why, &mode, &uid, &pid)) > 0)
		found |= str_equal(who, LOCK_WHO) && str_equal(mode, LOCK_MODE) &&
			 strstr(what, "shutdown") && uid == geteuid();
	if (r >= 0)
		*ret = found;
	return r;
}

static int on_list(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct log_fields lost = {.message_id = MSG_LOCK_LOST, LOG_FIELDS_NONE};
	struct logind *l = data;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	bool found;
	int r = e ? -EIO : has_our_lock(m, &found);

	drop(l, SLOT_LIST);
	if (r < 0) {
		if (!is_lost(l))
			try_later(l);
		return 0;
	}
	l->unsure = false;
	if (found || l->lock < 0)
		return 0;
	log_message(LOG_WARNING, &lost,
		    "logind has lost the shutdown inhibitor lock, requesting it again");
	close_lock(l);
	if (l->wanted)
		ask_for_lock(l);
	tell(l);
	return 0;
}

/* A lock of an earlier daemon, or of an earlier logind: does it hold? */
static void verify_lock(struct logind *l)
{
	sd_bus *bus = bus_handle(l->bus);

	if (!bus || l->slots[SLOT_LIST])
		return;
	if (sd_bus_call_method_async(bus, &l->slots[SLOT_LIST], SERVICE, PATH, INTERFACE,
				     "ListInhibitors", on_list, l, NULL) < 0)
		try_later(l);
	bus_touch(l->bus);
}

static void see_to_lock(struct logind *l)
{
	if (l->wanted && l->lock < 0)
		ask_for_lock(l);
	else if (l->lock >= 0 && l->unsure)
		verify_lock(l);
}

void logind_want_lock(struct logind *l, bool wanted)
{
	struct log_fields fields = {.message_id = MSG_LOCK_RELEASED, LOG_FIELDS_NONE};

	if (l->wanted == wanted && (wanted || l->lock < 0))
		return;
	l->wanted = wanted;
	if (wanted) {
		see_to_lock(l);
	} else if (l->lock >= 0) {
		close_lock(l);
		log_message(LOG_INFO, &fields, "Released the shutdown inhibitor lock");
	}
}

/* Properties of logind. */

static void read_properties(struct logind *l);

static void set_preparing(struct logind *l, bool preparing)
{
	l->preparing = preparing;
	l->stopping = l->stopping && preparing;
	tell(l);
}

/*
 * logind does not prepare any more. It was cancelled; unless logind itself was restarted while
 * PID 1 was already at work, whose word counts. Where PID 1 says nothing, it may well be at work.
 */
static int on_system(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	static const char *const up[] = {"initializing", "starting", "running", "degraded",
					 "maintenance"};
	struct logind *l = data;
	const char *state = NULL;

	drop(l, SLOT_SYSTEM);
	if (is_lost(l))
		return 0;
	if (!sd_bus_message_get_error(m))
		sd_bus_message_read(m, "v", "s", &state);
	if (state && str_lookup(up, ELEMENTSOF(up), state) >= 0) {
		set_preparing(l, false);
		return 0;
	}
	if (str_equal(state, "stopping"))
		log_debug(
			"logind has forgotten the shutdown, but systemd is still stopping the host");
	else
		log_debug("systemd has not said whether the host stays up, retrying");
	look_later(l);
	return 0;
}

static int get_of_systemd(struct logind *l, enum slot slot, const char *path, const char *interface,
			  const char *property, sd_bus_message_handler_t handler)
{
	return sd_bus_call_method_async(
		bus_handle(l->bus), &l->slots[slot], "org.freedesktop.systemd1", path,
		"org.freedesktop.DBus.Properties", "Get", handler, l, "ss", interface, property);
}

static void ask_system(struct logind *l)
{
	if (!l->slots[SLOT_SYSTEM] &&
	    get_of_systemd(l, SLOT_SYSTEM, "/org/freedesktop/systemd1",
			   "org.freedesktop.systemd1.Manager", "SystemState", on_system) < 0)
		look_later(l);
}

static int on_timeout(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct logind *l = data;
	uint64_t timeout;

	drop(l, SLOT_TIMEOUT);
	if (!sd_bus_message_get_error(m) && sd_bus_message_read(m, "v", "t", &timeout) >= 0)
		l->job_timeout = timeout;
	return 0;
}

struct property_reading {
	bool preparing;
	const char *kind;
	uint64_t delay_max;
};

static int read_property(sd_bus_message *m, struct property_reading *reading)
{
	const char *name;
	uint64_t when;
	int preparing, r = sd_bus_message_read(m, "s", &name);

	if (r <= 0)
		return r;
	if (str_equal(name, "PreparingForShutdown")) {
		r = sd_bus_message_read(m, "v", "b", &preparing);
		reading->preparing = r >= 0 && preparing;
	} else if (str_equal(name, "ScheduledShutdown")) {
		r = sd_bus_message_read(m, "v", "(st)", &reading->kind, &when);
	} else if (str_equal(name, "InhibitDelayMaxUSec")) {
		r = sd_bus_message_read(m, "v", "t", &reading->delay_max);
	} else {
		r = sd_bus_message_skip(m, "v");
	}
	return r < 0 ? r : 1;
}

static int parse_properties(sd_bus_message *m, struct property_reading *reading)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = read_property(m, reading);
		r = r < 0 ? r : sd_bus_message_exit_container(m);
	}
	return r;
}

static void take_reading(struct logind *l, const struct property_reading *reading)
{
	bool began = reading->preparing && !l->preparing;
	bool news = !l->known || l->delay_max != reading->delay_max;

	l->complained = false;
	l->retry = RETRY_MIN;
	l->known = true;
	l->delay_max = reading->delay_max;
	if (reading->preparing)
		str_replace(&l->kind, str_empty(reading->kind) ? l->kind_told : reading->kind);
	if (began)
		set_preparing(l, true);
	else if (news)
		tell(l);
	if (!reading->preparing && l->preparing)
		ask_system(l);
}

static int on_properties(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct logind *l = data;
	const sd_bus_error *e = sd_bus_message_get_error(m);
	struct property_reading reading = {0};
	int r = e ? -EIO : parse_properties(m, &reading);

	drop(l, SLOT_READ);
	if (is_lost(l))
		return 0;
	if (r < 0) {
		if (!l->complained)
			log_warning("logind is not responding, retrying: %s",
				    e ? e->message : strerror(-r));
		l->complained = true;
		if (l->stopping)
			ask_system(l);
		try_later(l);
		return 0;
	}
	take_reading(l, &reading);
	if (l->outdated)
		read_properties(l);
	else
		look_later(l);
	return 0;
}

static void read_properties(struct logind *l)
{
	sd_bus *bus = bus_handle(l->bus);

	l->outdated = l->slots[SLOT_READ];
	if (!bus || l->slots[SLOT_READ])
		return;
	if (sd_bus_call_method_async(bus, &l->slots[SLOT_READ], SERVICE, PATH,
				     "org.freedesktop.DBus.Properties", "GetAll", on_properties, l,
				     "s", INTERFACE) < 0)
		try_later(l);
	bus_touch(l->bus);
}

void logind_note_stopping(struct logind *l)
{
	l->stopping = true;
	if (!l->preparing)
		set_preparing(l, true);
	look_later(l);
}

static void on_look(void *data)
{
	struct logind *l = data;

	see_to_lock(l);
	read_properties(l);
}

/* Hints. */

static int on_hint(sd_bus_message *m _unused_, void *data, sd_bus_error *error _unused_)
{
	read_properties(data);
	return 0;
}

/*
 * From systemd 255 on; it comes before the other signal. Only this one tells the action of the
 * power button.
 */
static int on_metadata(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	static const char *const kinds[] = {"poweroff", "reboot", "halt", "kexec", "soft-reboot"};
	struct logind *l = data;
	const char *name, *type;
	int prepares, r = sd_bus_message_read(m, "b", &prepares), kind;

	r = r < 0 ? r : sd_bus_message_enter_container(m, 'a', "{sv}");
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		r = sd_bus_message_read(m, "s", &name);
		if (r >= 0 && str_equal(name, "type")) {
			r = sd_bus_message_read(m, "v", "s", &type);
			kind = r < 0 ? r : str_lookup(kinds, ELEMENTSOF(kinds), type);
			l->kind_told = kind < 0 ? NULL : kinds[kind];
		} else if (r >= 0) {
			r = sd_bus_message_skip(m, "v");
		}
		r = r < 0 ? r : sd_bus_message_exit_container(m);
	}
	read_properties(l);
	return 0;
}

static int on_owner(sd_bus_message *m, void *data, sd_bus_error *error _unused_)
{
	struct log_fields fields = {.message_id = MSG_LOGIND_RESTARTED, LOG_FIELDS_NONE};
	struct logind *l = data;
	const char *name, *old, *new;

	if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0 || str_empty(new))
		return 0;
	log_message(LOG_NOTICE, &fields, "logind was restarted");
	l->unsure = true;
	see_to_lock(l);
	read_properties(l);
	return 0;
}

static int on_matched(sd_bus_message *m, void *data _unused_, sd_bus_error *error _unused_)
{
	const sd_bus_error *e = sd_bus_message_get_error(m);

	if (e)
		log_warning("Failed to subscribe to logind: %s", e->message);
	return 0;
}

/* First the matches, then the lock, then the state: so nothing falls between. */
static void on_up(void *data)
{
	struct logind *l = data;
	sd_bus *bus = bus_handle(l->bus);
	int r;

	/* The bus lets pass what comes from the owner of the name only. */
	r = sd_bus_match_signal_async(bus, &l->slots[SLOT_PREPARE], SERVICE, PATH, INTERFACE,
				      "PrepareForShutdown", on_hint, on_matched, l);
	r = r < 0 ? r
		  : sd_bus_match_signal_async(bus, &l->slots[SLOT_METADATA], SERVICE, PATH,
					      INTERFACE, "PrepareForShutdownWithMetadata",
					      on_metadata, on_matched, l);
	r = r < 0 ? r
		  : sd_bus_match_signal_async(bus, &l->slots[SLOT_PROPERTIES], SERVICE, PATH,
					      "org.freedesktop.DBus.Properties",
					      "PropertiesChanged", on_hint, on_matched, l);
	r = r < 0 ? r
		  : sd_bus_add_match_async(bus, &l->slots[SLOT_OWNER],
					   "type='signal',sender='org.freedesktop.DBus',"
					   "interface='org.freedesktop.DBus',"
					   "member='NameOwnerChanged',arg0='" SERVICE "'",
					   on_owner, on_matched, l);
	if (r < 0)
		log_warning_errno(r, "Failed to subscribe to logind");
	l->unsure = true;
	see_to_lock(l);
	/* Before the properties, so that it is known when these are. */
	get_of_systemd(l, SLOT_TIMEOUT, "/org/freedesktop/systemd1/unit/poweroff_2etarget",
		       "org.freedesktop.systemd1.Unit", "JobTimeoutUSec", on_timeout);
	read_properties(l);
}

static void on_down(void *data)
{
	struct logind *l = data;

	for (int i = 0; i < _SLOT_MAX; i++)
		drop(l, (enum slot)i);
	timer_clear(l->look);
}

int logind_new(struct loop *loop, int lock, const struct logind_callbacks *callbacks,
	       struct logind **ret)
{
	_cleanup_(logind_freep) struct logind *l = calloc(1, sizeof(*l));
	struct bus_callbacks bus = {.up = on_up, .down = on_down, .data = l};
	int r;

	if (!l) {
		if (lock >= 0)
			close(lock);
		return -ENOMEM;
	}
	*l = (struct logind){
		.callbacks = *callbacks,
		.lock = lock,
		.wanted = lock >= 0,
		.retry = RETRY_MIN,
		.job_timeout = USEC_INFINITY,
	};
	r = timer_new(loop, on_look, l, &l->look);
	r = r < 0 ? r : bus_new(loop, &bus, &l->bus);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

struct logind *logind_free(struct logind *l)
{
	if (!l)
		return NULL;
	bus_free(l->bus);
	timer_free(l->look);
	if (l->lock >= 0)
		close(l->lock);
	free(l->kind);
	free(l);
	return NULL;
}

enum host_lock logind_lock(const struct logind *l)
{
	if (l->lock >= 0)
		return HOST_LOCK_HELD;
	return l->wanted ? HOST_LOCK_ASKED : HOST_LOCK_NONE;
}

bool logind_is_known(const struct logind *l)
{
	return l->known;
}

bool logind_is_preparing(const struct logind *l)
{
	return l->preparing;
}

const char *logind_kind(const struct logind *l)
{
	return l->kind;
}

usec_t logind_job_timeout(const struct logind *l)
{
	return l->job_timeout;
}

usec_t logind_delay_max(const struct logind *l)
{
	return l->delay_max;
}
