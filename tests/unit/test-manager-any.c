/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <stdio.h>

#include "job.h"
#include "simulation.h"
#include "util/str.h"

/*
 * Whatever else happens on the host, each guest that is well has its own stop begun in time: hosts,
 * settings and what is asked of them are drawn at random, always the same ones.
 */

#define RUNS       2000
#define GUESTS_MAX 6
#define ASKED_MAX  6

static struct {
	struct simulation s;
	struct dice dice;
	size_t n;
	bool well[GUESTS_MAX]; /* nothing that is done to it hangs */
	usec_t limit;          /* for one stage of a stop; USEC_INFINITY: none */
	usec_t asked;          /* when the last stop was; 0: not yet */
	bool stopping[GUESTS_MAX];
	usec_t begun[GUESTS_MAX]; /* when its stop began, or went on at the last stop */
	unsigned done, wanted;
	bool last_done;
} f;

static const char *const names[GUESTS_MAX] = {"a", "b", "c", "d", "e", "f"};

static size_t index_of(const char *name)
{
	int i = str_lookup(names, GUESTS_MAX, name);

	ck_assert_int_ge(i, 0);
	return (size_t)i;
}

static void on_report(void *data _unused_, const struct report *r)
{
	size_t i = index_of(r->step->name);

	if (r->goal != GOAL_STOP)
		return;
	f.stopping[i] = !r->final;
	if (f.asked > 0 && f.begun[i] == USEC_INFINITY)
		f.begun[i] = loop_now(f.s.loop);
}

static void on_done(void *data, int error _unused_, const char *reason _unused_,
		    const struct job *job _unused_)
{
	bool *last = data;

	f.done++;
	if (last)
		*last = true;
}

/*
 * One in three of the guests is not well. All are so small that the disk has room for the saves of
 * all at one time.
 */
static void draw_way(char *text, size_t size, const char *key, usec_t most_ms, bool well)
{
	bool hangs = !well && dice_once_in(&f.dice, 2);

	snprintf(text, size, ",\"%s\":{\"ms\":%zu%s}", key, dice_pick(&f.dice, most_ms),
		 hangs ? ",\"hangs\":true" : "");
}

static char *draw_host(void)
{
	static char host[4000];
	size_t at = 0;

	f.n = 2 + dice_pick(&f.dice, GUESTS_MAX - 1);
	for (size_t i = 0; i < f.n; i++) {
		static const char *const keys[] = {"create", "restore", "save", "shutdown"};
		static const char *const states[] = {"\"running\":true", "\"saved\":true",
						     "\"running\":false"};

		f.well[i] = !dice_once_in(&f.dice, 3);
		at += (size_t)snprintf(
			host + at, sizeof(host) - at,
			"%s{\"name\":\"%s\",\"config\":\"/auto/%s\",\"memory_mib\":8,%s",
			at ? "," : "[", names[i], names[i], states[dice_pick(&f.dice, 3)]);
		for (size_t k = 0; k < ELEMENTSOF(keys); k++) {
			draw_way(host + at, sizeof(host) - at, keys[k], k < 2 ? 60000 : 8000,
				 f.well[i]);
			at += strlen(host + at);
		}
		at += (size_t)snprintf(host + at, sizeof(host) - at, "}");
	}
	snprintf(host + at, sizeof(host) - at, "]");
	return host;
}

static char *draw_variables(void)
{
	static const unsigned limits[] = {0, 20, 60, 300};
	static char text[300];
	unsigned limit = limits[dice_pick(&f.dice, ELEMENTSOF(limits))];
	bool save = !dice_once_in(&f.dice, 3);
	/* The last stage waits for all others: without a limit there is none. */
	bool last = limit > 0 && dice_once_in(&f.dice, 2);

	f.limit = limit > 0 ? limit * USEC_PER_SEC : USEC_INFINITY;
	snprintf(text, sizeof(text), "XENDOMAINS_CREATE_USLEEP=0\nXENDOMAINS_STOP_MAXWAIT=%u\n%s%s",
		 limit, save ? "" : "XENDOMAINS_SAVE=\n", last ? "" : "XENDOMAINS_SHUTDOWN_ALL=\n");
	return text;
}

static void ask(enum goal goal, size_t mask)
{
	struct follower follower = {.report = on_report, .done = on_done};
	const char *some[GUESTS_MAX];
	size_t n = 0;
	uint64_t id;

	for (size_t i = 0; i < f.n; i++)
		if (mask & (1U << i))
			some[n++] = names[i];
	ck_assert_int_eq(manager_request(f.s.manager, goal, some, n, &follower, &id), 0);
	f.wanted++;
}

static void ask_for_host(usec_t time, bool *last)
{
	struct follower follower = {.report = on_report, .done = on_done, .data = last};
	uint64_t id;

	ck_assert_int_eq(manager_stop_until(f.s.manager, loop_now(f.s.loop) + time, &follower, &id),
			 0);
	f.wanted++;
}

static void ask_something(void)
{
	size_t some = 1 + dice_pick(&f.dice, (1U << f.n) - 1);

	switch (dice_pick(&f.dice, 6)) {
	case 0:
		ask(GOAL_START, 0);
		break;
	case 1:
		ask(GOAL_START, some);
		break;
	case 2:
	case 3:
		ask(GOAL_STOP, some);
		break;
	case 4:
		ask(GOAL_STOP, 0);
		break;
	case 5:
		ask_for_host(600 * USEC_PER_SEC, NULL);
		simulation_run_for(&f.s, dice_pick(&f.dice, 10 * USEC_PER_SEC));
		manager_rest(f.s.manager, "the host stays up");
		break;
	default:
		break;
	}
}

static bool is_up(size_t i)
{
	const struct inventory *inventory;

	ck_assert_int_eq(world_update(manager_world(f.s.manager)), 0);
	inventory = world_inventory(manager_world(f.s.manager));
	for (size_t k = 0; k < inventory->n; k++)
		if (str_equal(inventory->guests[k].name, names[i]) &&
		    guest_is_alive(&inventory->guests[k]))
			return true;
	return false;
}

static void stop_at_last(void)
{
	f.asked = loop_now(f.s.loop);
	for (size_t i = 0; i < f.n; i++)
		f.begun[i] = f.stopping[i] ? f.asked : USEC_INFINITY;
	ask_for_host(600 * USEC_PER_SEC, &f.last_done);
}

/* A guest that is being started when the stop comes has to come down, not up. */
static void check_begins(unsigned run, usec_t within)
{
	simulation_run_for(&f.s, within);
	for (size_t i = 0; i < f.n; i++)
		if (f.well[i] && is_up(i))
			ck_assert_msg(f.begun[i] <= f.asked + within,
				      "run %u: %s runs, and its stop has not begun after %" PRIu64
				      " s: %s",
				      run, names[i], within / USEC_PER_SEC, f.s.said);
}

/* Without a limit, a guest that does not react is waited for without an end. */
static void check_end(unsigned run)
{
	simulation_run_for(&f.s, 4 * 3600 * USEC_PER_SEC);
	ck_assert_msg(f.last_done || f.limit == USEC_INFINITY, "run %u: the stop does not end",
		      run);
	for (size_t i = 0; i < f.n; i++)
		ck_assert_msg(!f.well[i] || !is_up(i), "run %u: %s is well, and was not stopped",
			      run, names[i]);
}

static void begin(unsigned run, const char *native)
{
	memset(&f, 0, sizeof(f));
	f.dice.state = 7 + run;
	simulation_begin(&f.s, draw_variables(), native, draw_host());
	for (size_t n = dice_pick(&f.dice, ASKED_MAX + 1); n > 0; n--) {
		ask_something();
		simulation_run_for(&f.s, dice_pick(&f.dice, 30 * USEC_PER_SEC));
	}
	stop_at_last();
}

START_TEST(the_stop_of_a_guest_that_is_well_begins_in_time_whatever_else_happens)
{
	for (unsigned run = 0; run < RUNS; run++) {
		begin(run, NULL);
		check_begins(run, f.limit == USEC_INFINITY ? USEC_PER_SEC : f.limit + USEC_PER_SEC);
		check_end(run);
		simulation_end(&f.s);
	}
}
END_TEST

SUITE("manager-any", the_stop_of_a_guest_that_is_well_begins_in_time_whatever_else_happens);
