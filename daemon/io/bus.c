/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/bus.h"

#include <poll.h>
#include <systemd/sd-bus.h>

#include "util/log.h"

/* Between attempts to connect; it doubles. */
#define PAUSE_MIN USEC_PER_SEC
#define PAUSE_MAX (60 * USEC_PER_SEC)

/* Messages that are dealt with in one turn of the loop, which has other things to do. */
#define MESSAGES_MAX 32

struct bus {
	struct loop *loop;
	struct bus_callbacks callbacks;
	sd_bus *handle;
	struct watch *watch;
	int fd; /* that is watched, and what for */
	unsigned events;
	struct timer *turn;  /* there may be something to do without news from the descriptor */
	struct timer *again; /* to connect */
	usec_t pause;
	bool complained;
};

static void watch_nothing(struct bus *b)
{
	b->watch = watch_free(b->watch);
	b->fd = -1;
	b->events = 0;
}

static void lose(struct bus *b, int error)
{
	struct log_fields fields = {.message_id = MSG_BUS_LOST, LOG_FIELDS_NONE};

	if (!b->complained)
		log_message(LOG_WARNING, &fields, "Failed to reach the system bus, retrying: %s",
			    strerror(-error));
	b->complained = true;
	watch_nothing(b);
	timer_clear(b->turn);
	if (b->handle)
		b->callbacks.down(b->callbacks.data);
	b->handle = sd_bus_close_unref(b->handle);
	timer_set_after(b->again, b->pause);
	b->pause = MIN(b->pause * 2, PAUSE_MAX);
}

static void on_ready(void *data, unsigned events);

/* The awaited events change with every message: see sd_bus_get_fd(3). */
static int rearm(struct bus *b)
{
	int fd = sd_bus_get_fd(b->handle), wanted = sd_bus_get_events(b->handle);
	unsigned events = wanted & POLLOUT ? WATCH_READ | WATCH_WRITE : WATCH_READ;
	uint64_t due = USEC_INFINITY;
	int r = fd < 0 ? fd : wanted;

	r = r < 0 ? r : sd_bus_get_timeout(b->handle, &due);
	if (r >= 0 && (fd != b->fd || events != b->events)) {
		watch_nothing(b);
		r = watch_new(b->loop, fd, events, on_ready, b, &b->watch);
		b->fd = fd;
		b->events = events;
	}
	if (due == USEC_INFINITY)
		timer_clear(b->turn);
	else
		timer_set_after(b->turn, usec_sub(due, usec_now()));
	return r;
}

static void process(struct bus *b)
{
	struct log_fields fields = {.message_id = MSG_BUS_FOUND, LOG_FIELDS_NONE};
	int r = 1;

	for (unsigned i = 0; r > 0 && i < MESSAGES_MAX; i++)
		r = sd_bus_process(b->handle, NULL);
	/* The first answer from the other side. */
	if (r >= 0 && sd_bus_is_ready(b->handle) > 0) {
		if (b->complained)
			log_message(LOG_NOTICE, &fields, "The system bus is reachable again");
		b->complained = false;
		b->pause = PAUSE_MIN;
	}
	r = r < 0 ? r : rearm(b);
	if (r < 0)
		lose(b, r);
}

static void on_ready(void *data, unsigned events _unused_)
{
	process(data);
}

static void on_turn(void *data)
{
	process(data);
}

static void on_again(void *data)
{
	struct bus *b = data;
	int r = sd_bus_open_system(&b->handle);

	if (r < 0) {
		lose(b, r);
		return;
	}
	b->callbacks.up(b->callbacks.data);
	process(b);
}

int bus_new(struct loop *loop, const struct bus_callbacks *callbacks, struct bus **ret)
{
	_cleanup_(bus_freep) struct bus *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	*b = (struct bus){.loop = loop, .callbacks = *callbacks, .fd = -1, .pause = PAUSE_MIN};
	r = timer_new(loop, on_turn, b, &b->turn);
	r = r < 0 ? r : timer_new(loop, on_again, b, &b->again);
	if (r < 0)
		return r;
	timer_set_after(b->again, 0);
	*ret = TAKE_PTR(b);
	return 0;
}

struct bus *bus_free(struct bus *b)
{
	if (!b)
		return NULL;
	watch_nothing(b);
	if (b->handle)
		b->callbacks.down(b->callbacks.data);
	sd_bus_close_unref(b->handle);
	timer_free(b->turn);
	timer_free(b->again);
	free(b);
	return NULL;
}

struct sd_bus *bus_handle(const struct bus *b)
{
	return b->handle;
}

void bus_touch(struct bus *b)
{
	if (b->handle)
		timer_set_after(b->turn, 0);
}
