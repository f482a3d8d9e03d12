/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "io/loop.h"
#include "unit.h"

/* A timer that notes when it fired. */
struct ring {
	struct loop *loop;
	struct timer *timer;
	char name;
	usec_t at;
	unsigned times;
	usec_t again; /* sets itself so far ahead, so many times */
	unsigned more;
};

static char order[100];

static void on_ring(void *data)
{
	struct ring *r = data;

	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%c", r->name);
	r->at = loop_now(r->loop);
	r->times++;
	if (r->more > 0) {
		r->more--;
		timer_set_after(r->timer, r->again);
	}
}

static void ring_make(struct ring *r, struct loop *loop, char name)
{
	*r = (struct ring){.loop = loop, .name = name};
	ck_assert_int_eq(timer_new(loop, on_ring, r, &r->timer), 0);
}

static void on_exit_timer(void *data)
{
	loop_exit(data, 7);
}

/* A loop that ends after so long, or it would run for ever. */
static struct loop *new_loop(unsigned speed, usec_t limit, struct timer **ret_limit)
{
	struct loop *loop;

	order[0] = '\0';
	ck_assert_int_eq(loop_new(&loop), 0);
	loop_set_speed(loop, speed);
	ck_assert_int_eq(timer_new(loop, on_exit_timer, loop, ret_limit), 0);
	timer_set_after(*ret_limit, limit);
	return loop;
}

START_TEST(timers_fire_once_each_in_their_order)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring a, b, c, d;
	usec_t start;

	loop = new_loop(LOOP_VIRTUAL, 1000 * USEC_PER_SEC, &limit);
	start = loop_now(loop);
	ring_make(&a, loop, 'a');
	ring_make(&b, loop, 'b');
	ring_make(&c, loop, 'c');
	ring_make(&d, loop, 'd');
	timer_set(c.timer, start + 30 * USEC_PER_SEC);
	timer_set(a.timer, start + 10 * USEC_PER_SEC);
	timer_set(b.timer, start + 10 * USEC_PER_SEC);
	ck_assert(timer_is_set(a.timer));
	ck_assert(!timer_is_set(d.timer));
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_str_eq(order, "abc");
	ck_assert_uint_eq(a.at, start + 10 * USEC_PER_SEC);
	ck_assert_uint_eq(c.at, start + 30 * USEC_PER_SEC);
	ck_assert_uint_eq(loop_now(loop), start + 1000 * USEC_PER_SEC);
	ck_assert(!timer_is_set(a.timer));
	timer_free(a.timer);
	timer_free(b.timer);
	timer_free(c.timer);
	timer_free(d.timer);
}
END_TEST

START_TEST(a_timer_that_is_set_anew_or_cleared_forgets_its_time)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring a, b;

	loop = new_loop(LOOP_VIRTUAL, USEC_PER_SEC, &limit);
	ring_make(&a, loop, 'a');
	ring_make(&b, loop, 'b');
	timer_set_after(a.timer, 10);
	timer_set_after(a.timer, 30);
	timer_set_after(b.timer, 20);
	timer_clear(b.timer);
	timer_clear(b.timer);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_str_eq(order, "a");
	timer_free(a.timer);
	timer_free(b.timer);
}
END_TEST

START_TEST(a_timer_of_the_past_fires_at_once)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring a;
	usec_t start;

	loop = new_loop(LOOP_VIRTUAL, USEC_PER_SEC, &limit);
	start = loop_now(loop);
	ring_make(&a, loop, 'a');
	timer_set(a.timer, 0);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_uint_eq(a.times, 1);
	/* And does not turn the clock back. */
	ck_assert_uint_eq(a.at, start);
	timer_free(a.timer);
}
END_TEST

static void free_both(void *data)
{
	struct ring *r = data;

	for (size_t i = 0; i < 2; i++)
		r[i].timer = timer_free(r[i].timer);
}

START_TEST(a_callback_may_free_its_timer_and_others_that_are_due)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring r[2];

	loop = new_loop(LOOP_VIRTUAL, USEC_PER_SEC, &limit);
	ring_make(&r[1], loop, 'b');
	ck_assert_int_eq(timer_new(loop, free_both, r, &r[0].timer), 0);
	timer_set_after(r[0].timer, 10);
	timer_set_after(r[1].timer, 10);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_str_eq(order, "");
}
END_TEST

static void on_readable(void *data, unsigned events)
{
	struct ring *r = data;

	ck_assert_uint_eq(events, WATCH_READ);
	loop_exit(r->loop, 3);
}

/* With a timer that is due whenever it is looked at. */
static void check_no_starving(unsigned speed)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	_cleanup_(watch_freep) struct watch *watch = NULL;
	struct ring a;
	int ends[2];

	loop = new_loop(speed, 1000 * USEC_PER_SEC, &limit);
	ring_make(&a, loop, 'a');
	a.again = 0;
	a.more = 1000000;
	timer_set_after(a.timer, 0);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(watch_new(loop, ends[0], WATCH_READ, on_readable, &a, &watch), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(loop_run(loop), 3);
	ck_assert_uint_lt(a.times, 1000);
	timer_free(a.timer);
	close(ends[0]);
	close(ends[1]);
}

START_TEST(a_timer_that_sets_itself_for_now_does_not_starve_descriptors)
{
	check_no_starving(1);
	check_no_starving(LOOP_VIRTUAL);
}
END_TEST

START_TEST(the_virtual_clock_waits_for_descriptors)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	_cleanup_(watch_freep) struct watch *watch = NULL;
	struct ring a;
	usec_t start;
	int ends[2];

	loop = new_loop(LOOP_VIRTUAL, 10, &limit);
	start = loop_now(loop);
	ring_make(&a, loop, 'a');
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(watch_new(loop, ends[0], WATCH_READ, on_readable, &a, &watch), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	ck_assert_int_eq(loop_run(loop), 3);
	ck_assert_uint_eq(loop_now(loop), start);
	timer_free(a.timer);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(the_real_clock_keeps_its_time)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring a;
	usec_t start, before = usec_now();

	loop = new_loop(1, 5 * USEC_PER_MSEC, &limit);
	start = loop_now(loop);
	ck_assert_uint_ge(start, before);
	ring_make(&a, loop, 'a');
	timer_set_after(a.timer, 2 * USEC_PER_MSEC);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_uint_eq(a.times, 1);
	ck_assert_uint_ge(a.at, start + 2 * USEC_PER_MSEC);
	ck_assert_uint_ge(usec_now(), before + 5 * USEC_PER_MSEC);
	timer_free(a.timer);
}
END_TEST

START_TEST(a_faster_clock_is_that_much_faster)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	usec_t before, simulated;

	/* Five simulated seconds in five milliseconds. */
	loop = new_loop(1000, 5 * USEC_PER_SEC, &limit);
	before = usec_now();
	simulated = loop_now(loop);
	ck_assert_int_eq(loop_run(loop), 7);
	simulated = loop_now(loop) - simulated;
	ck_assert_uint_ge(simulated, 5 * USEC_PER_SEC);
	ck_assert_uint_ge(usec_now() - before, 4 * USEC_PER_MSEC);
}
END_TEST

static void on_exit_now(void *data)
{
	struct ring *r = data;

	loop_exit(r->loop, 5);
}

START_TEST(nothing_is_called_behind_an_exit)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL, *first = NULL;
	struct ring a;

	loop = new_loop(LOOP_VIRTUAL, USEC_PER_SEC, &limit);
	ring_make(&a, loop, 'a');
	ck_assert_int_eq(timer_new(loop, on_exit_now, &a, &first), 0);
	timer_set_after(first, 0);
	timer_set_after(a.timer, 0);
	ck_assert_int_eq(loop_run(loop), 5);
	ck_assert_uint_eq(a.times, 0);
	/* It can go on. */
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_uint_eq(a.times, 1);
	timer_free(a.timer);
}
END_TEST

static void on_writable(void *data, unsigned events)
{
	struct ring *r = data;

	ck_assert_uint_eq(events, WATCH_WRITE);
	r->times++;
	loop_exit(r->loop, 4);
}

START_TEST(a_watch_that_is_freed_is_silent)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct watch *watch;
	struct ring a;
	int ends[2];

	loop = new_loop(LOOP_VIRTUAL, 10, &limit);
	ring_make(&a, loop, 'a');
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(watch_new(loop, ends[1], WATCH_WRITE, on_writable, &a, &watch), 0);
	ck_assert_int_eq(loop_run(loop), 4);
	ck_assert_uint_eq(a.times, 1);
	watch = watch_free(watch);
	ck_assert_ptr_null(watch);
	ck_assert_int_eq(loop_run(loop), 7);
	ck_assert_uint_eq(a.times, 1);
	timer_free(a.timer);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

START_TEST(a_descriptor_that_cannot_be_watched_is_an_error)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct watch *watch = NULL;

	loop = new_loop(1, 10, &limit);
	ck_assert_int_eq(watch_new(loop, 100000, WATCH_READ, on_readable, NULL, &watch), -EIO);
	ck_assert_ptr_null(watch);
}
END_TEST

static void on_signal(void *data, int signal)
{
	struct ring *r = data;

	ck_assert_int_eq(signal, SIGUSR2);
	loop_exit(r->loop, 9);
}

START_TEST(a_signal_reaches_the_loop)
{
	_cleanup_(loop_freep) struct loop *loop = NULL;
	_cleanup_(timer_freep) struct timer *limit = NULL;
	struct ring a;

	loop = new_loop(1, 60 * USEC_PER_SEC, &limit);
	ring_make(&a, loop, 'a');
	ck_assert_int_eq(loop_watch_signal(loop, SIGUSR2, on_signal, &a), 0);
	raise(SIGUSR2);
	ck_assert_int_eq(loop_run(loop), 9);
	timer_free(a.timer);
	loop_free(NULL);
	timer_free(NULL);
	watch_free(NULL);
}
END_TEST

SUITE("loop", timers_fire_once_each_in_their_order,
      a_timer_that_is_set_anew_or_cleared_forgets_its_time, a_timer_of_the_past_fires_at_once,
      a_callback_may_free_its_timer_and_others_that_are_due,
      a_timer_that_sets_itself_for_now_does_not_starve_descriptors,
      the_virtual_clock_waits_for_descriptors, the_real_clock_keeps_its_time,
      a_faster_clock_is_that_much_faster, nothing_is_called_behind_an_exit,
      a_watch_that_is_freed_is_silent, a_descriptor_that_cannot_be_watched_is_an_error,
      a_signal_reaches_the_loop);
