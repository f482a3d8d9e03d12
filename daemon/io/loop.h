/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/macro.h"
#include "util/time.h"

/*
 * The event loop: a cover of libevent, which only this directory sees. Everything runs in the
 * thread that calls loop_run().
 *
 * The clock of a loop is CLOCK_MONOTONIC, unless a speed is set: the simulated host runs faster
 * than the world, or (LOOP_VIRTUAL) jumps from timer to timer as soon as nothing else is to do.
 */
struct loop;
struct timer;
struct watch;

#define LOOP_VIRTUAL 0

enum watch_events {
	WATCH_READ = 1,
	WATCH_WRITE = 2,
};

typedef void (*timer_fn)(void *data);
typedef void (*watch_fn)(void *data, unsigned events);
typedef void (*signal_fn)(void *data, int signal);

int loop_new(struct loop **ret);
struct loop *loop_free(struct loop *loop);

/* Before the first timer. speed: simulated seconds to a real one, or LOOP_VIRTUAL. */
void loop_set_speed(struct loop *loop, unsigned speed);

/* Runs until loop_exit(), whose status it returns; -EIO if libevent fails. */
int loop_run(struct loop *loop);
void loop_exit(struct loop *loop, int status);

usec_t loop_now(const struct loop *loop);

/* A timer is made unarmed, and fires once each time it is set. Its callback may free it. */
int timer_new(struct loop *loop, timer_fn fn, void *data, struct timer **ret);
struct timer *timer_free(struct timer *timer);
void timer_set(struct timer *timer, usec_t at);
void timer_set_after(struct timer *timer, usec_t delay);
void timer_clear(struct timer *timer);
bool timer_is_set(const struct timer *timer);

/* Watches a descriptor, which stays the caller's and must outlive the watch. Level-triggered. */
int watch_new(struct loop *loop, int fd, unsigned events, watch_fn fn, void *data,
	      struct watch **ret);
struct watch *watch_free(struct watch *watch);

/* One callback for a signal, for as long as the loop lives. */
int loop_watch_signal(struct loop *loop, int signal, signal_fn fn, void *data);

/* For the other files of this directory. */
struct event_base *loop_base(struct loop *loop);

DEFINE_CLEANUP(struct loop, loop_free);
DEFINE_CLEANUP(struct timer, timer_free);
DEFINE_CLEANUP(struct watch, watch_free);
