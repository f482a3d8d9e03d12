/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "command.h"
#include "util/str.h"
#include "wire/interface.h"

/* How often the display is brought up to date, and the daemon asked whether it is alive. */
#define TICK       USEC_PER_SEC
#define ALIVE_TICK (10 * USEC_PER_SEC)

/* What a unit's timeout is put off by each time: several chances to be heard. */
#define EXTENSION "EXTEND_TIMEOUT_USEC=60000000"

/* How long a daemon that has gone is waited for, and how often the call is made again. */
#define RECONNECT_LIMIT      (30 * USEC_PER_SEC)
#define RECONNECT_PAUSE_MSEC 200
#define RECONNECTS_MAX       10

/*
 * systemd gives up on a unit unless it hears that something goes on. It does as long as the
 * daemon answers: that keeps the limits for each guest itself.
 */
static void extend_timeout(const struct context *context)
{
	if (getenv("NOTIFY_SOCKET") && is_alive(context))
		sd_notify(0, EXTENSION);
}

static bool all_is_well(struct json_object *parameters)
{
	struct json_object *outcome = json_get(parameters, "outcome", json_type_array);

	for (size_t i = 0; outcome && i < json_object_array_length(outcome); i++)
		if (str_equal(json_get_string(json_object_array_get_idx(outcome, i), "result"),
			      "failed"))
			return false;
	return outcome;
}

/* 0 to go on, 1 + exit status at the end, or -errno. */
static int take_reply(const struct context *context, struct varlink_reply *reply)
{
	struct writer *w = context->writer;
	struct json_object *event = json_get(reply->parameters, "event", json_type_object);

	if (reply->error)
		return 1 + explain_reply(reply);
	if (reply->continues) {
		if (event)
			w->ops->event(w, event);
		return 0;
	}
	w->ops->outcome(w, reply->parameters);
	return 1 + (all_is_well(reply->parameters) ? STATUS_OK : STATUS_FAILED);
}

static int follow(const struct context *context, struct connection *c)
{
	usec_t asked = 0;

	for (;;) {
		struct varlink_reply reply = {0};
		int r = connection_receive(c, TICK, &reply);

		if (r >= 0)
			r = take_reply(context, &reply);
		varlink_reply_done(&reply);
		if (r != 0 && r != -ETIMEDOUT)
			return r;
		if (r == -ETIMEDOUT)
			context->writer->ops->tick(context->writer);
		if (usec_sub(usec_now(), asked) >= ALIVE_TICK) {
			extend_timeout(context);
			asked = usec_now();
		}
	}
}

static int open_again(const struct context *context, struct connection *c)
{
	usec_t end = usec_now() + RECONNECT_LIMIT;
	int r;

	do {
		r = connection_open(context->socket, c);
		if (r >= 0)
			return 0;
		usleep(RECONNECT_PAUSE_MSEC * 1000);
	} while (usec_now() < end);
	return r;
}

int run_sequence(const struct context *context, const char *method, char **names)
{
	struct connection c;
	int r = connection_open(context->socket, &c);

	if (r < 0)
		return explain_error(context, r);
	/* Both calls can be made again: what is done already is then found to be so. */
	for (unsigned i = 0; i < RECONNECTS_MAX; i++) {
		r = connection_call(&c, varlink_call_new(method, guests_parameter(names), true));
		r = r < 0 ? r : follow(context, &c);
		connection_close(&c);
		if (r != -ECONNRESET && r != -EPIPE)
			break;
		fprintf(stderr, "The daemon has gone; waiting for it to come back\n");
		if (open_again(context, &c) < 0)
			break;
	}
	return r > 0 ? r - 1 : explain_error(context, r);
}
