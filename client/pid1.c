/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "pid1.h"

#include "libsystemd.h"
#include "util/str.h"

#define SERVICE  "org.freedesktop.systemd1"
#define PATH     "/org/freedesktop/systemd1"
#define MANAGER  "org.freedesktop.systemd1.Manager"
#define UNIT     "org.freedesktop.systemd1.Unit"
#define PRIVATE  "unix:path=/run/systemd/private"
#define SHUTDOWN "shutdown.target"

/* PID 1 answers at once, or it is in trouble. */
#define ANSWER_LIMIT (5 * USEC_PER_SEC)

/* Defaults of systemd: JobTimeoutSec= of poweroff.target, DefaultTimeoutStopSec=. */
#define USUAL_JOB_TIMEOUT  (1800 * USEC_PER_SEC)
#define USUAL_STOP_TIMEOUT (90 * USEC_PER_SEC)

/* For the units that stop before ours, and for the work after the last unit. */
#define MARGIN (30 * USEC_PER_SEC)

struct pid1 {
	const struct libsystemd *sd;
	sd_bus *bus;
};

struct pid1 *pid1_free(struct pid1 *p)
{
	if (!p)
		return NULL;
	if (p->bus)
		p->sd->bus_close_unref(p->bus);
	free(p);
	return NULL;
}

static int open_private(const struct libsystemd *sd, sd_bus **ret)
{
	sd_bus *bus;
	int r = sd->bus_new(&bus);

	if (r < 0)
		return r;
	r = sd->bus_set_address(bus, PRIVATE);
	r = r < 0 ? r : sd->bus_start(bus);
	if (r < 0) {
		sd->bus_unref(bus);
		return r;
	}
	*ret = bus;
	return 0;
}

int pid1_open(struct pid1 **ret)
{
	_cleanup_(pid1_freep) struct pid1 *p = calloc(1, sizeof(*p));
	int r = -ENOENT;

	if (!p)
		return -ENOMEM;
	p->sd = libsystemd_load();
	if (!p->sd)
		return -ELIBACC;
	/* A bus named in the environment takes precedence. */
	if (!getenv("DBUS_SYSTEM_BUS_ADDRESS"))
		r = open_private(p->sd, &p->bus);
	if (r < 0)
		r = p->sd->bus_open_system(&p->bus);
	if (r < 0)
		return r;
	p->sd->bus_set_method_call_timeout(p->bus, ANSWER_LIMIT);
	*ret = TAKE_PTR(p);
	return 0;
}

/* Jobs. */

struct unit_job {
	const char *unit, *type; /* borrowed from the message */
};

static int next_job(const struct pid1 *p, sd_bus_message *m, struct unit_job *ret)
{
	const char *state, *job_path, *unit_path;
	uint32_t id;

	return p->sd->bus_message_read(m, "(usssoo)", &id, &ret->unit, &ret->type, &state,
				       &job_path, &unit_path);
}

static int list_jobs(struct pid1 *p, sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int r = p->sd->bus_call_method(p->bus, SERVICE, PATH, MANAGER, "ListJobs", NULL, &m, NULL);

	r = r < 0 ? r : p->sd->bus_message_enter_container(m, 'a', "(usssoo)");
	if (r < 0) {
		p->sd->bus_message_unref(m);
		return r;
	}
	*ret = m;
	return 0;
}

static bool is_final(const char *unit)
{
	static const char *const targets[] = {"poweroff.target", "reboot.target", "halt.target",
					      "kexec.target", "soft-reboot.target"};

	return str_lookup(targets, ELEMENTSOF(targets), unit) >= 0;
}

int pid1_going_down(struct pid1 *p, char **ret)
{
	_cleanup_free_ char *found = NULL;
	sd_bus_message *m;
	struct unit_job job;
	int r = list_jobs(p, &m);

	if (r < 0)
		return r;
	while (r >= 0 && (r = next_job(p, m, &job)) > 0)
		if (str_equal(job.type, "start") &&
		    (is_final(job.unit) || (!found && str_equal(job.unit, SHUTDOWN))))
			r = str_replace(&found, job.unit);
	p->sd->bus_message_unref(m);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(found);
	return 0;
}

static int is_being_started(struct pid1 *p, const char *unit, bool *ret)
{
	sd_bus_message *m;
	struct unit_job job;
	int r = list_jobs(p, &m);

	if (r < 0)
		return r;
	*ret = false;
	while ((r = next_job(p, m, &job)) > 0)
		*ret |= str_equal(job.unit, unit) &&
			(str_equal(job.type, "start") || str_equal(job.type, "restart"));
	p->sd->bus_message_unref(m);
	return r;
}

/* Units. */

/* Loads it if need be. */
static int unit_path(struct pid1 *p, const char *unit, char **ret)
{
	sd_bus_message *m = NULL;
	const char *path;
	int r = p->sd->bus_call_method(p->bus, SERVICE, PATH, MANAGER, "LoadUnit", NULL, &m, "s",
				       unit);

	r = r < 0 ? r : p->sd->bus_message_read(m, "o", &path);
	r = r < 0 ? r : str_replace(ret, path);
	p->sd->bus_message_unref(m);
	return r;
}

static int is_active(struct pid1 *p, const char *unit, bool *ret)
{
	static const char *const active[] = {"active", "activating", "reloading"};
	_cleanup_free_ char *path = NULL, *state = NULL;
	int r = unit_path(p, unit, &path);

	r = r < 0 ? r
		  : p->sd->bus_get_property_string(p->bus, SERVICE, path, UNIT, "ActiveState", NULL,
						   &state);
	if (r < 0)
		return r;
	*ret = str_lookup(active, ELEMENTSOF(active), state) >= 0;
	return 0;
}

static void free_strings(char ***strings)
{
	for (char **s = *strings; s && *s; s++)
		free(*s);
	free(*strings);
}

int pid1_conflict(struct pid1 *p, const char *unit, char **ret)
{
	_cleanup_(free_strings) char **others = NULL;
	_cleanup_free_ char *path = NULL;
	bool runs = false, starts = false;
	int r = unit_path(p, unit, &path);

	r = r < 0 ? r
		  : p->sd->bus_get_property_strv(p->bus, SERVICE, path, UNIT, "ConflictedBy", NULL,
						 &others);
	for (char **other = others; r >= 0 && other && *other; other++) {
		/* All services conflict with it: that is how they are stopped with the host. */
		if (str_equal(*other, SHUTDOWN))
			continue;
		r = is_active(p, *other, &runs);
		r = r < 0 || runs ? r : is_being_started(p, *other, &starts);
		if (r >= 0 && (runs || starts))
			return str_replace(ret, *other);
	}
	if (r < 0)
		return r;
	*ret = NULL;
	return 0;
}

/* How long. */

static usec_t job_timeout(struct pid1 *p, const char *target)
{
	_cleanup_free_ char *path = NULL;
	uint64_t waiting = USEC_INFINITY, running = USEC_INFINITY;

	if (unit_path(p, target, &path) < 0 ||
	    p->sd->bus_get_property_trivial(p->bus, SERVICE, path, UNIT, "JobTimeoutUSec", NULL,
					    't', &waiting) < 0)
		return USUAL_JOB_TIMEOUT;
	p->sd->bus_get_property_trivial(p->bus, SERVICE, path, UNIT, "JobRunningTimeoutUSec", NULL,
					't', &running);
	return MIN(waiting, running);
}

static usec_t leave_time_for_others(usec_t limit, usec_t stop_timeout)
{
	/* A unit that stops after ours may use its whole timeout before it is killed. Of a short
	 * limit, guests have at least half. */
	usec_t rest = MIN(stop_timeout, USUAL_STOP_TIMEOUT * 2) + MARGIN;

	return limit == USEC_INFINITY ? limit : limit - MIN(rest, limit / 2);
}

/* Since when PID 1 stops the system; 0 before systemd 256, which does not tell. */
static usec_t time_since_begin(struct pid1 *p)
{
	uint64_t begin = 0;

	p->sd->bus_get_property_trivial(p->bus, SERVICE, PATH, MANAGER,
					"ShutdownStartTimestampMonotonic", NULL, 't', &begin);
	return begin > 0 ? usec_sub(usec_now(), begin) : 0;
}

usec_t pid1_patience(struct pid1 *p, const char *target)
{
	uint64_t stop = USUAL_STOP_TIMEOUT;
	usec_t limit;

	p->sd->bus_get_property_trivial(p->bus, SERVICE, PATH, MANAGER, "DefaultTimeoutStopUSec",
					NULL, 't', &stop);
	limit = leave_time_for_others(job_timeout(p, target), stop);
	return limit == USEC_INFINITY ? limit : usec_sub(limit, time_since_begin(p));
}

usec_t pid1_usual_patience(void)
{
	return leave_time_for_others(USUAL_JOB_TIMEOUT, USUAL_STOP_TIMEOUT);
}
