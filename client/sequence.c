/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <unistd.h>

#include "cell.h"
#include "command.h"
#include "interrupt.h"
#include "libsystemd.h"
#include "results.h"
#include "util/str.h"
#include "wire/interface.h"

/* How often the display is brought up to date, and the daemon asked whether it is alive. */
#define TICK       USEC_PER_SEC
#define ALIVE_TICK (10 * USEC_PER_SEC)

/* Each extension of a unit's timeout: enough for several answers of the daemon. */
#define EXTENSION "EXTEND_TIMEOUT_USEC=60000000"

/* How long a daemon that has gone is waited for, and how often the call is made again. */
#define RECONNECT_LIMIT      (30 * USEC_PER_SEC)
#define RECONNECT_LIMIT_HOST (5 * USEC_PER_SEC)
#define RECONNECT_PAUSE_MSEC 200
#define RECONNECTS_MAX       10

/* A daemon that misses one question may just be busy; one that misses many will not come back. */
#define MISSES_MAX 2
#define MISSES_END 20

/*
 * If little time is left, waiting for a daemon takes a third of it at most (for one that does not
 * answer, twice a tick and a question): the rest is for doing it without. Below a second, a daemon
 * that is only busy would be given up.
 */
#define RECONNECT_SHARE 3
#define TICK_SHARE      9
#define ALIVE_SHARE     18
#define WAIT_MIN        USEC_PER_SEC

/* How a call goes on, for the unit that makes it. */
struct watched_call {
	const struct context *context;
	const char *method;
	bool is_start, for_host;
	usec_t until, asked;
	unsigned misses, done, failed;
};

static void notify(const char *state)
{
	const struct libsystemd *sd = getenv("NOTIFY_SOCKET") ? libsystemd_load() : NULL;

	if (sd)
		sd->notify(0, state);
}

void tell_unit(const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *state = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = str_vformat(&text, format, ap);
	va_end(ap);
	r = r < 0 ? r : str_format(&state, "STATUS=%s", text);
	if (r >= 0)
		notify(state);
}

static void tell_progress(struct watched_call *f, struct json_object *event)
{
	const char *stage = json_get_string(event, "stage");
	const char *result = json_get_string(event, "result");
	bool failed = result_of(event) == RESULT_FAILED;
	_cleanup_free_ char *name = NULL;

	if (!getenv("NOTIFY_SOCKET"))
		return;
	if (json_get_bool(event, "final")) {
		f->done += !failed;
		f->failed += failed;
	}
	name = str_printable(or_dash(json_get_string(event, "name")), 64);
	tell_unit("%s guests: %u done, %u failed; %s: %s %s", f->is_start ? "Starts" : "Stops",
		  f->done, f->failed, name ? name : "-", stage ? stage : "", result ? result : "");
}

static void heard(struct watched_call *f)
{
	f->misses = 0;
	f->asked = usec_now();
	notify(EXTENSION);
}

static bool can_do_without(const struct watched_call *f)
{
	return f->context->or_once && !f->is_start;
}

/* As usual, or a part of the time that is left, whichever is less. */
static usec_t share(const struct watched_call *f, usec_t usual, unsigned part)
{
	usec_t limit;

	if (!can_do_without(f) || f->until == USEC_INFINITY)
		return usual;
	limit = MAX(usec_sub(f->until, usec_now()) / part, WAIT_MIN);
	return MIN(usual, limit);
}

/*
 * systemd gives up on a unit unless it hears that something goes on. Here is decided for how long a
 * daemon is waited for that does not answer: on a busy host, starts take longer than one extension.
 * 0, or why not to wait any longer: -EHOSTUNREACH, it does not answer; -ETIME, the time that all
 * guests have together is over, and it has heard of that.
 */
static int look_after(struct watched_call *f)
{
	usec_t limit = share(f, ALIVE_LIMIT, ALIVE_SHARE);

	if (usec_now() >= f->until)
		return can_do_without(f) && !is_alive(f->context, limit) ? -EHOSTUNREACH : -ETIME;
	if (usec_sub(usec_now(), f->asked) < share(f, ALIVE_TICK, TICK_SHARE))
		return 0;
	if (is_alive(f->context, limit)) {
		heard(f);
		return 0;
	}
	f->asked = usec_now();
	f->misses++;
	notify(EXTENSION);
	if (f->misses == MISSES_MAX && !f->context->or_once) {
		f->context->writer->ops->clear(f->context->writer);
		fprintf(stderr, "xendomainsd is not responding. Run 'systemctl status xendomainsd "
				"xenstored' to see why\n");
	}
	/* A stop is for a host that goes down; a start can wait for a busy daemon. */
	return f->misses >= (can_do_without(f) ? MISSES_MAX : MISSES_END) ? -EHOSTUNREACH : 0;
}

/*
 * A person sees for how long nothing has happened, and a daemon that hangs is ended by systemd's
 * watchdog. So only for a unit, or to do without it, a daemon that has nothing to say is asked.
 */
static bool must_look_after(const struct watched_call *f)
{
	return f->context->unit || f->context->or_once || getenv("NOTIFY_SOCKET");
}

static bool all_is_well(struct json_object *parameters)
{
	struct json_object *outcome = json_get(parameters, "outcome", json_type_array);

	return outcome && count_results(outcome, RESULT_FAILED) == 0 &&
	       !json_get_bool(parameters, "cancelled");
}

/* When systemd stops the system, trouble of the daemon does not leave guests running. */
static bool is_done_without(const struct watched_call *f, const struct varlink_reply *reply)
{
	return can_do_without(f) && (f->for_host || f->until != USEC_INFINITY) &&
	       !json_get_bool(reply->parameters, "cancelled") &&
	       !str_equal(reply->error, VARLINK_ERROR_PERMISSION_DENIED);
}

/* The daemon does not mind that the client goes. */
#define GOES_ON(doing)                                                                             \
	"xendomainsd goes on " doing                                                               \
	" guests. Run 'xendomainsctl status' to see the progress, or "                             \
	"'xendomainsctl cancel' to cancel"

static const char *begun_text(const char *method)
{
	if (str_equal(method, METHOD_START))
		return GOES_ON("starting");
	return str_equal(method, METHOD_RESTART) ? GOES_ON("restarting") : GOES_ON("stopping");
}

/* The same, after what Ctrl-C leaves on the screen. */
static const char *interrupt_text(const char *method)
{
	if (str_equal(method, METHOD_START))
		return "\n" GOES_ON("starting") "\n";
	return str_equal(method, METHOD_RESTART) ? "\n" GOES_ON("restarting") "\n"
						 : "\n" GOES_ON("stopping") "\n";
}

/* 0 to go on, 1 + exit status at the end, or -errno; -ENOTRECOVERABLE: the daemon cannot do it. */
static int take_reply(struct watched_call *f, struct varlink_reply *reply)
{
	struct writer *w = f->context->writer;
	struct json_object *event = json_get(reply->parameters, "event", json_type_object);

	if (reply->error) {
		int status;

		w->ops->clear(w);
		status = explain_reply(reply);
		return is_done_without(f, reply) ? -ENOTRECOVERABLE : 1 + status;
	}
	if (f->context->no_wait) {
		w->ops->begun(w, reply->parameters, begun_text(f->method));
		return 1 + STATUS_OK;
	}
	if (reply->continues) {
		heard(f);
		if (event) {
			w->ops->event(w, event);
			tell_progress(f, event);
		}
		return 0;
	}
	w->ops->outcome(w, reply->parameters, f->method);
	tell_unit("%s guests: %u done, %u failed", f->is_start ? "Started" : "Stopped", f->done,
		  f->failed);
	return 1 + (all_is_well(reply->parameters) ? STATUS_OK : STATUS_FAILED);
}

static int follow(struct watched_call *f, struct daemon_connection *c)
{
	struct writer *w = f->context->writer;

	for (;;) {
		struct varlink_reply reply = {0};
		int r = connection_receive(c, TICK, &reply);

		if (r >= 0)
			r = take_reply(f, &reply);
		varlink_reply_done(&reply);
		if (r != 0 && r != -ETIMEDOUT)
			return r;
		if (r == -ETIMEDOUT)
			w->ops->tick(w);
		r = must_look_after(f) ? look_after(f) : 0;
		if (r < 0)
			return r;
	}
}

/*
 * systemd starts no daemon any more while it stops the host, but still takes connections for one:
 * only an answer tells that there is another.
 */
static int open_again(const struct watched_call *f, struct daemon_connection *c)
{
	usec_t usual = f->for_host ? RECONNECT_LIMIT_HOST : RECONNECT_LIMIT;
	usec_t end = usec_now() + share(f, usual, RECONNECT_SHARE);
	int r;

	do {
		r = f->for_host && !is_alive(f->context, usec_sub(end, usec_now()))
			    ? -EHOSTUNREACH
			    : connection_open(f->context->socket, 0, c);
		if (r >= 0)
			return 0;
		usleep(RECONNECT_PAUSE_MSEC * 1000);
	} while (usec_now() < end);
	return r;
}

/* Waits for a daemon that accepts no connections as for one that does not answer. */
static int open_first(struct watched_call *f, struct daemon_connection *c)
{
	int r;

	if (can_do_without(f) && !is_alive(f->context, share(f, ALIVE_LIMIT, RECONNECT_SHARE)))
		return -EHOSTUNREACH;
	do {
		r = connection_open(f->context->socket, TICK, c);
		if (r != -ETIMEDOUT)
			return r;
		r = look_after(f);
	} while (r == 0);
	return r;
}

/* Each call can be made again, and says then how much time is left. NULL: no memory. */
static struct json_object *make_parameters(const struct watched_call *f, char **names)
{
	_cleanup_json_ struct json_object *parameters = guests_parameter(names);
	int r = parameters ? 0 : -ENOMEM;

	if (r >= 0 && f->context->cold)
		r = json_add_bool(parameters, "cold", true);
	if (r >= 0 && f->context->force && !f->is_start)
		r = json_add_bool(parameters, "force", true);
	if (r >= 0 && f->context->no_wait)
		r = json_add_bool(parameters, "no_wait", true);
	if (r >= 0 && f->for_host)
		r = json_add_bool(parameters, "host", true);
	if (r >= 0 && f->for_host && f->until != USEC_INFINITY)
		r = json_add_u64(parameters, "deadline_usec", usec_sub(f->until, usec_now()));
	return r < 0 ? NULL : TAKE_PTR(parameters);
}

static int call(struct watched_call *f, struct daemon_connection *c, const char *method,
		char **names)
{
	int r = -ECONNRESET;

	/* Each call can be repeated: finished guests are left alone. Guests that were restarted
	 * are restarted a second time. */
	for (unsigned i = 0; i < RECONNECTS_MAX; i++) {
		struct json_object *parameters = make_parameters(f, names);

		interrupt_begin(interrupt_text(method));
		r = parameters ? connection_call(c, varlink_call_new(method, parameters, true))
			       : -ENOMEM;
		r = r < 0 ? r : follow(f, c);
		interrupt_end();
		connection_close(c);
		if (r != -ECONNRESET && r != -EPIPE)
			break;
		f->context->writer->ops->clear(f->context->writer);
		fprintf(stderr, "Lost the connection to xendomainsd, reconnecting\n");
		if (open_again(f, c) < 0)
			break;
	}
	return r;
}

int run_without_daemon(const char *verb, usec_t until)
{
	_cleanup_free_ char *limit = NULL;

	if (until != USEC_INFINITY &&
	    str_format(&limit, "%llu",
		       (unsigned long long)(usec_sub(until, usec_now()) / USEC_PER_SEC)) < 0)
		return STATUS_FAILED;
	notify(EXTENSION);
	execl(DAEMON_PATH, DAEMON_PATH, "--once", verb, limit ? "--limit" : NULL, limit, NULL);
	fprintf(stderr, "Failed to run " DAEMON_PATH ": %s\n", strerror(errno));
	return STATUS_UNREACHABLE;
}

int call_and_follow(const struct context *context, const char *method, char **names,
		    const struct occasion *occasion)
{
	struct watched_call f = {
		.context = context,
		.method = method,
		.is_start = str_equal(method, METHOD_START),
		.for_host = occasion->host_goes_down,
		.until = occasion->until,
	};
	struct daemon_connection c;
	int r = open_first(&f, &c);

	if (r >= 0)
		r = call(&f, &c, method, names);
	if (r > 0)
		return r - 1;
	context->writer->ops->clear(context->writer);
	if (r == -ETIME) {
		fprintf(stderr,
			"Time is up: systemd will soon force the host down. Some guests may "
			"still be running\n");
		return STATUS_FAILED;
	}
	if (context->or_once) {
		fprintf(stderr, "xendomainsd %s; running xendomainsd --once instead\n",
			r == -ENOTRECOVERABLE ? "failed to stop guests" : "is not responding");
		return run_without_daemon(f.is_start ? "start" : "stop", f.until);
	}
	if (r == -EHOSTUNREACH) {
		fprintf(stderr, "No answer for several minutes, giving up. xendomainsd may still "
				"carry out the request\n");
		return STATUS_UNREACHABLE;
	}
	return explain_error(context, r);
}
