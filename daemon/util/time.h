/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

/*
 * All times are microseconds. A point in time is CLOCK_MONOTONIC unless its name ends in _wall:
 * it is the same for every process of one boot, so that a worker and a later daemon agree on it.
 */
typedef uint64_t usec_t;

#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_INFINITY UINT64_MAX

static inline usec_t usec_now_on(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static inline usec_t usec_now(void)
{
	return usec_now_on(CLOCK_MONOTONIC);
}

static inline usec_t usec_now_wall(void)
{
	return usec_now_on(CLOCK_REALTIME);
}

/* a + b, and never beyond USEC_INFINITY, which it is if either is. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
	return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* How long from now until then: USEC_INFINITY if then is, and never below zero. */
static inline usec_t usec_left(usec_t then, usec_t now)
{
	if (then == USEC_INFINITY)
		return then;
	return then > now ? then - now : 0;
}

/* Up to whole seconds: what is needed is not told too small. */
static inline usec_t usec_seconds_up(usec_t usec)
{
	usec_t part = usec % USEC_PER_SEC;

	return part ? usec_add(usec, USEC_PER_SEC - part) : usec;
}

/* a - b, and never below zero. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
	return a > b ? a - b : 0;
}
