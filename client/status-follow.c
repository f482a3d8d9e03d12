/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-follow.h"

#include <poll.h>
#include <signal.h>

#include "model/guest-state.h"
#include "printable.h"
#include "status-ask.h"
#include "util/str.h"
#include "wire/interface.h"

/* People need no more; nor do they of a daemon that is too old to tell of changes. */
#define PAUSE (2 * USEC_PER_SEC)

/* A daemon that hangs tells of no change either: so long after an answer it is asked anew. */
#define ASK_INTERVAL (60 * USEC_PER_SEC)

/* As human_duration() shows a time: by seconds, by minutes, by hours. */
#define MINUTE (60 * USEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

struct status_follow {
	const struct context *context;
	char **names;
	bool all; /* they are found among all guests: the daemon knows a name of them not */
	struct daemon_connection connection; /* without a descriptor: none */
	bool asked;                          /* and not answered yet */
	usec_t due;                          /* it is answered by then, or asked anew */
	usec_t again;                        /* there is no connection until then */
	usec_t away;                         /* no daemon is there since then; 0: it is there */
	struct varlink_reply reply;
	usec_t aged; /* when the reply was brought up to date last */
	sigset_t mask;
};

static void on_resize(int signal _unused_)
{
}

struct status_follow *status_follow_new(const struct context *context, char **names)
{
	struct sigaction action = {.sa_handler = on_resize};
	struct status_follow *f = calloc(1, sizeof(*f));
	sigset_t resize;

	if (!f)
		return NULL;
	f->context = context;
	f->names = names;
	f->connection.fd = -1;
	/* It is delivered while it is waited for, and at no other time. */
	sigemptyset(&resize);
	sigaddset(&resize, SIGWINCH);
	sigprocmask(SIG_BLOCK, &resize, &f->mask);
	sigaction(SIGWINCH, &action, NULL);
	return f;
}

struct status_follow *status_follow_free(struct status_follow *f)
{
	if (!f)
		return NULL;
	connection_close(&f->connection);
	varlink_reply_done(&f->reply);
	free(f);
	return NULL;
}

static int call(struct status_follow *f)
{
	bool named = f->names[0] && !f->all;
	struct json_object *parameters = named ? guests_parameter(f->names) : NULL;
	int r = named && !parameters ? -ENOMEM : 0;

	f->asked = true;
	f->due = usec_now() + ANSWER_LIMIT;
	r = r < 0 ? r : connection_open(f->context->socket, ANSWER_LIMIT, &f->connection);
	if (r < 0) {
		json_object_put(parameters);
		return r;
	}
	return connection_call(&f->connection, varlink_call_new(METHOD_STATUS, parameters, true));
}

/* 0, -ETIMEDOUT, or -EINTR. fd: -1 for none. */
static int wait_for(const struct status_follow *f, int fd, usec_t limit)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec time = {
		.tv_sec = (time_t)(limit / USEC_PER_SEC),
		.tv_nsec = (long)(limit % USEC_PER_SEC * 1000),
	};
	int r = ppoll(&p, 1, limit == USEC_INFINITY ? NULL : &time, &f->mask);

	if (r < 0)
		return -errno;
	return r == 0 ? -ETIMEDOUT : 0;
}

/* 0 with a reply, or -errno. */
static int receive(struct status_follow *f, usec_t limit, struct varlink_reply *ret)
{
	usec_t end = usec_add(usec_now(), limit);
	/* A reply can have come together with the one before. */
	int r = connection_receive(&f->connection, 0, ret);

	while (r == -ETIMEDOUT) {
		r = wait_for(f, f->connection.fd, usec_left(end, usec_now()));
		if (r < 0)
			return r;
		r = connection_receive(&f->connection, 0, ret);
	}
	return r;
}

static void hang_up(struct status_follow *f, usec_t pause)
{
	connection_close(&f->connection);
	f->again = usec_now() + pause;
}

/* 1, 0 to make another call, or a negative exit status with everything said. */
static int take(struct status_follow *f, struct varlink_reply *reply)
{
	const char *unknown = NULL;
	int r;

	f->asked = false;
	f->away = 0;
	f->due = usec_now() + ASK_INTERVAL;
	if (!reply->continues)
		hang_up(f, reply->error ? 0 : PAUSE);
	if (str_equal(reply->error, ERROR_NO_SUCH_GUEST) && !f->all) {
		f->all = true;
		return 0;
	}
	if (reply->error)
		return -explain_reply(reply);
	r = f->all ? status_keep_named(reply->parameters, f->names, &unknown) : 0;
	if (r < 0)
		return -(unknown ? explain_no_guest(f->context, unknown)
				 : explain_error(f->context, r));
	make_printable(reply->parameters);
	f->aged = usec_now();
	return 1;
}

/* Without the daemon its socket can be missing, or belong to root alone. */
static bool is_absence(int error)
{
	return error == -ECONNRESET || error == -EPIPE || error == -ECONNREFUSED ||
	       error == -ENOENT || error == -EACCES;
}

/* The daemon is being restarted, which takes a while, or says nothing: it is asked anew. */
static bool is_lost(struct status_follow *f, int error)
{
	usec_t now = usec_now();

	if (error == -ETIMEDOUT)
		return !f->asked;
	/* Nothing is on the screen yet. */
	if (!f->reply.message || !is_absence(error))
		return false;
	if (!f->away)
		f->away = now;
	return now < f->away + ANSWER_LIMIT;
}

int status_follow_next(struct status_follow *f, usec_t limit, struct json_object **ret)
{
	usec_t end = usec_add(usec_now(), limit);
	int r = 0;

	while (r == 0) {
		struct varlink_reply reply = {0};
		usec_t now = usec_now();

		if (f->connection.fd < 0 && now < f->again) {
			r = wait_for(f, -1, usec_sub(MIN(end, f->again), now));
			if (r == -EINTR || usec_now() >= end)
				return 0;
			r = 0;
			continue;
		}
		r = f->connection.fd < 0 ? call(f) : 0;
		r = r < 0 ? r : receive(f, usec_left(MIN(end, f->due), now), &reply);
		if (r == -EINTR || (r == -ETIMEDOUT && usec_now() < f->due))
			return 0;
		if (is_lost(f, r)) {
			hang_up(f, r == -ETIMEDOUT ? 0 : PAUSE);
			r = 0;
			continue;
		}
		if (r < 0)
			return -explain_error(f->context, r);
		r = take(f, &reply);
		if (r <= 0) {
			varlink_reply_done(&reply);
			continue;
		}
		varlink_reply_done(&f->reply);
		f->reply = reply;
		*ret = f->reply.parameters;
	}
	return r;
}

/* How long a time is shown as it is. */
static usec_t steady_for(usec_t age)
{
	usec_t unit = age < HOUR ? USEC_PER_SEC : age < DAY ? MINUTE : HOUR;

	return unit - age % unit;
}

static usec_t steady_since(struct json_object *g, const char *key)
{
	uint64_t since;

	if (json_get_u64(g, key, &since) < 0)
		return USEC_INFINITY;
	return steady_for(usec_sub(usec_now_wall(), since));
}

/* Makes the guest older by passed. Returns how long it stays as it is. */
static usec_t age(struct json_object *g, usec_t passed)
{
	usec_t steady = MIN(steady_since(g, "since_usec"), steady_since(g, "reason_usec"));
	char reason[RESTART_REASON_MAX];
	uint64_t usec;

	if (json_get_u64(g, "elapsed_usec", &usec) >= 0) {
		usec = usec_add(usec, passed);
		json_object_set_uint64(json_get(g, "elapsed_usec", json_type_int), usec);
		steady = MIN(steady, steady_for(usec));
	}
	if (json_get_u64(g, "restart_in_usec", &usec) >= 0) {
		usec = usec_sub(usec, passed);
		json_object_set_uint64(json_get(g, "restart_in_usec", json_type_int), usec);
		json_object_set_string(json_get(g, "reason", json_type_string),
				       guest_restart_reason(usec, reason));
		steady = MIN(steady, (usec_t)USEC_PER_SEC);
	}
	return steady;
}

usec_t status_follow_age(struct status_follow *f)
{
	struct json_object *guests = json_get(f->reply.parameters, "guests", json_type_array);
	usec_t now = usec_now(), passed = now - f->aged, steady = USEC_INFINITY;

	f->aged = now;
	for (size_t i = 0; guests && i < json_object_array_length(guests); i++)
		steady = MIN(steady, age(json_object_array_get_idx(guests, i), passed));
	return MAX(steady, (usec_t)PAUSE);
}
