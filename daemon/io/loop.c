/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/loop.h"

#include <event2/event.h>
#include <sys/queue.h>

#include "io/timers.h"
#include "util/log.h"

struct timer {
	struct timer_place place;
	struct loop *loop;
	timer_fn fn;
	void *data;
	unsigned turn; /* of the loop, in which it was set */
};

struct watch {
	struct event *event;
	watch_fn fn;
	void *data;
	struct loop *loop;
};

struct signal_watch {
	SLIST_ENTRY(signal_watch) entry;
	struct event *event;
	signal_fn fn;
	void *data;
	int signal;
};

struct loop {
	struct event_base *base;
	struct event *wakeup; /* for the earliest timer */
	struct timers timers;
	SLIST_HEAD(, signal_watch) signals;
	unsigned speed;
	usec_t start; /* of the real clock, when a speed was set */
	usec_t virtual_now;
	unsigned turn;       /* counts the times that timers were looked at */
	unsigned dispatched; /* callbacks of descriptors and signals, ever */
	bool exiting;
	int status;
};

static void on_libevent_log(int severity, const char *message)
{
	log_message(severity == EVENT_LOG_DEBUG ? LOG_DEBUG : LOG_WARNING, NULL, "libevent: %s",
		    message);
}

static void on_wakeup(evutil_socket_t fd _unused_, short what _unused_, void *data _unused_)
{
	/* loop_run() looks at the timers by itself. */
}

int loop_new(struct loop **ret)
{
	_cleanup_(loop_freep) struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	event_set_log_callback(on_libevent_log);
	SLIST_INIT(&loop->signals);
	loop->speed = 1;
	loop->start = usec_now();
	loop->base = event_base_new();
	if (!loop->base)
		return -ENOMEM;
	loop->wakeup = evtimer_new(loop->base, on_wakeup, NULL);
	if (!loop->wakeup)
		return -ENOMEM;
	*ret = TAKE_PTR(loop);
	return 0;
}

struct loop *loop_free(struct loop *loop)
{
	struct signal_watch *s;

	if (!loop)
		return NULL;
	while ((s = SLIST_FIRST(&loop->signals))) {
		SLIST_REMOVE_HEAD(&loop->signals, entry);
		event_free(s->event);
		free(s);
	}
	if (loop->wakeup)
		event_free(loop->wakeup);
	if (loop->base) {
		/* A stream that is freed lives on in libevent for the calls that it has put off. */
		event_base_loop(loop->base, EVLOOP_NONBLOCK);
		event_base_free(loop->base);
	}
	timers_done(&loop->timers);
	free(loop);
	return NULL;
}

void loop_set_speed(struct loop *loop, unsigned speed)
{
	loop->speed = speed;
	loop->start = usec_now();
	loop->virtual_now = loop->start;
}

usec_t loop_now(const struct loop *loop)
{
	if (loop->speed == LOOP_VIRTUAL)
		return loop->virtual_now;
	return loop->start + (usec_now() - loop->start) * loop->speed;
}

static struct timer *first_timer(const struct loop *loop)
{
	struct timer_place *place = timers_first(&loop->timers);

	return place ? CONTAINER_OF(place, struct timer, place) : NULL;
}

static void run_due_timers(struct loop *loop)
{
	usec_t now = loop_now(loop);
	struct timer *t;

	/* A timer that a callback sets for now has the next turn, or descriptors would starve. */
	loop->turn++;
	while (!loop->exiting && (t = first_timer(loop)) && t->place.at <= now &&
	       t->turn != loop->turn) {
		timer_clear(t);
		t->fn(t->data);
		if (loop->speed != LOOP_VIRTUAL && usec_sub(loop_now(loop), now) > USEC_PER_SEC)
			break;
	}
}

/* Waits for descriptors until the earliest timer is due. */
static int wait_real(struct loop *loop)
{
	const struct timer_place *first = timers_first(&loop->timers);

	if (first) {
		/* Rounded up, or the loop would spin through the last microsecond. */
		usec_t delay = (usec_sub(first->at, loop_now(loop)) + loop->speed) / loop->speed;
		struct timeval tv = {
			.tv_sec = (time_t)(delay / USEC_PER_SEC),
			.tv_usec = (suseconds_t)(delay % USEC_PER_SEC),
		};

		evtimer_add(loop->wakeup, &tv);
	}
	return event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
}

/* Lets the clock jump, but only when no descriptor has anything to say. */
static int wait_virtual(struct loop *loop)
{
	unsigned before = loop->dispatched;
	const struct timer_place *first;
	int r = event_base_loop(loop->base, EVLOOP_NONBLOCK | EVLOOP_NO_EXIT_ON_EMPTY);

	if (r < 0 || loop->exiting || loop->dispatched != before)
		return r;
	first = timers_first(&loop->timers);
	if (!first)
		return event_base_loop(loop->base, EVLOOP_ONCE | EVLOOP_NO_EXIT_ON_EMPTY);
	loop->virtual_now = MAX(loop->virtual_now, first->at);
	return 0;
}

int loop_run(struct loop *loop)
{
	loop->exiting = false;
	while (!loop->exiting) {
		int r;

		run_due_timers(loop);
		if (loop->exiting)
			break;
		r = loop->speed == LOOP_VIRTUAL ? wait_virtual(loop) : wait_real(loop);
		if (r < 0)
			return -EIO;
	}
	return loop->status;
}

void loop_exit(struct loop *loop, int status)
{
	loop->exiting = true;
	loop->status = status;
	event_base_loopbreak(loop->base);
}

struct event_base *loop_base(struct loop *loop)
{
	return loop->base;
}

int timer_new(struct loop *loop, timer_fn fn, void *data, struct timer **ret)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (timers_join(&loop->timers) < 0) {
		free(t);
		return -ENOMEM;
	}
	*t = (struct timer){.loop = loop, .fn = fn, .data = data};
	*ret = t;
	return 0;
}

struct timer *timer_free(struct timer *timer)
{
	if (!timer)
		return NULL;
	timer_clear(timer);
	timers_leave(&timer->loop->timers);
	free(timer);
	return NULL;
}

void timer_clear(struct timer *timer)
{
	timers_remove(&timer->loop->timers, &timer->place);
}

void timer_set(struct timer *timer, usec_t at)
{
	timer->turn = timer->loop->turn;
	timers_insert(&timer->loop->timers, &timer->place, at);
}

void timer_set_after(struct timer *timer, usec_t delay)
{
	timer_set(timer, loop_now(timer->loop) + delay);
}

bool timer_is_set(const struct timer *timer)
{
	return timer->place.index;
}

static void on_watch(evutil_socket_t fd _unused_, short what, void *data)
{
	struct watch *w = data;

	w->loop->dispatched++;
	w->fn(w->data, (what & EV_READ ? WATCH_READ : 0U) | (what & EV_WRITE ? WATCH_WRITE : 0U));
}

int watch_new(struct loop *loop, int fd, unsigned events, watch_fn fn, void *data,
	      struct watch **ret)
{
	_cleanup_free_ struct watch *w = calloc(1, sizeof(*w));
	short what = EV_PERSIST;

	if (!w)
		return -ENOMEM;
	if (events & WATCH_READ)
		what |= EV_READ;
	if (events & WATCH_WRITE)
		what |= EV_WRITE;
	*w = (struct watch){.fn = fn, .data = data, .loop = loop};
	w->event = event_new(loop->base, fd, what, on_watch, w);
	if (!w->event)
		return -ENOMEM;
	if (event_add(w->event, NULL) < 0) {
		event_free(w->event);
		return -EIO;
	}
	*ret = TAKE_PTR(w);
	return 0;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	event_free(watch->event);
	free(watch);
	return NULL;
}

static void on_signal(evutil_socket_t fd _unused_, short what _unused_, void *data)
{
	struct signal_watch *s = data;

	s->fn(s->data, s->signal);
}

int loop_watch_signal(struct loop *loop, int signal, signal_fn fn, void *data)
{
	_cleanup_free_ struct signal_watch *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct signal_watch){.fn = fn, .data = data, .signal = signal};
	s->event = evsignal_new(loop->base, signal, on_signal, s);
	if (!s->event)
		return -ENOMEM;
	if (event_add(s->event, NULL) < 0) {
		event_free(s->event);
		return -EIO;
	}
	SLIST_INSERT_HEAD(&loop->signals, s, entry);
	TAKE_PTR(s);
	return 0;
}
