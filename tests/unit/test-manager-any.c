/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <stdio.h>

#include "engine/job.h"
#include "simulation.h"
#include "util/str.h"

/*
 * Whatever else happens on the host, each guest that is well has its own stop begun in time: hosts,
 * settings and what is asked of them are drawn at random, always the same ones.
 */

#define RUNS       1000
#define GUESTS_MAX 6
#define ASKED_MAX  6
#define WINDOW     (600 * USEC_PER_SEC)

static struct {
	struct simulation s;
	struct dice dice;
	size_t n;
	bool well[GUESTS_MAX]; /* nothing that is done to it hangs */
	bool configured[GUESTS_MAX];
	usec_t appears[GUESTS_MAX]; /* since the beginning: another tool starts it; 0: none does */
	usec_t limit;               /* for one stage of a stop; USEC_INFINITY: none */
	bool auto_only, last; /* of the settings: who is stopped, and whether at last all are */
	usec_t asked;         /* when the last stop was; 0: not yet */
	bool stopping[GUESTS_MAX];
	usec_t begun[GUESTS_MAX]; /* when its stop began, or went on at the last stop */
	unsigned done, wanted;
	usec_t over; /* when the last stop was; USEC_INFINITY: not yet */
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
	usec_t *over = data;

	f.done++;
	if (over)
		*over = loop_now(f.s.loop);
}

static void draw_way(char *text, size_t size, const char *key, usec_t most_ms, bool well)
{
	bool hangs = !well && dice_once_in(&f.dice, 2);
	/* Only a shutdown knows of it. */
	bool reboots = !well && dice_once_in(&f.dice, 2) && str_equal(key, "shutdown");

	snprintf(text, size, ",\"%s\":{\"ms\":%zu%s%s}", key, dice_pick(&f.dice, most_ms),
		 hangs ? ",\"hangs\":true" : "", reboots ? ",\"reboots\":true" : "");
}

/* Where it is in the beginning. */
static void draw_state(char *text, size_t size, size_t i)
{
	static const char *const states[] = {"\"running\":true", "\"saved\":true",
					     "\"running\":false"};
	const char *manager = dice_once_in(&f.dice, 3) ? "xl" : "xendomainsd";
	size_t state = dice_pick(&f.dice, ELEMENTSOF(states) + 1);

	if (state < ELEMENTSOF(states)) {
		snprintf(text, size, "\"manager\":\"%s\",%s", manager, states[state]);
		return;
	}
	f.appears[i] = (1 + dice_pick(&f.dice, 400)) * USEC_PER_SEC;
	snprintf(text, size, "\"manager\":\"%s\",\"appears_ms\":%" PRIu64, manager,
		 f.appears[i] / USEC_PER_MSEC);
}

/*
 * One in three of the guests is not well. All are so small that the disk has room for the saves of
 * all at one time.
 */
static char *draw_host(void)
{
	static char host[4000];
	size_t at = 0;

	f.n = 2 + dice_pick(&f.dice, GUESTS_MAX - 1);
	for (size_t i = 0; i < f.n; i++) {
		static const char *const keys[] = {"create", "restore", "save", "shutdown"};
		char state[100];

		f.well[i] = !dice_once_in(&f.dice, 3);
		f.configured[i] = !dice_once_in(&f.dice, 3);
		draw_state(state, sizeof(state), i);
		at += (size_t)snprintf(
			host + at, sizeof(host) - at,
			"%s{\"name\":\"%s\",%s%s%s\"memory_mib\":8,%s", at ? "," : "[", names[i],
			f.configured[i] ? "\"config\":\"/auto/" : "",
			f.configured[i] ? names[i] : "", f.configured[i] ? "\"," : "", state);
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
	static char text[400];
	unsigned limit = limits[dice_pick(&f.dice, ELEMENTSOF(limits))];
	bool save = !dice_once_in(&f.dice, 3);

	f.last = dice_once_in(&f.dice, 2);
	f.auto_only = dice_once_in(&f.dice, 3);
	f.limit = limit > 0 ? limit * USEC_PER_SEC : USEC_INFINITY;
	snprintf(text, sizeof(text),
		 "XENDOMAINS_CREATE_USLEEP=0\nXENDOMAINS_STOP_MAXWAIT=%u\n%s%s%s", limit,
		 save ? "" : "XENDOMAINS_SAVE=\n", f.last ? "" : "XENDOMAINS_SHUTDOWN_ALL=\n",
		 f.auto_only ? "XENDOMAINS_AUTO_ONLY=true\n" : "");
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

static void ask_for_host(usec_t time, usec_t *over)
{
	struct follower follower = {.report = on_report, .done = on_done, .data = over};
	uint64_t id;

	ck_assert_int_eq(manager_stop_until(f.s.manager, loop_now(f.s.loop) + time, USEC_INFINITY,
					    &follower, &id),
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
		ask_for_host(WINDOW, NULL);
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
	f.over = USEC_INFINITY;
	for (size_t i = 0; i < f.n; i++)
		f.begun[i] = f.stopping[i] ? f.asked : USEC_INFINITY;
	ask_for_host(WINDOW, &f.over);
}

static usec_t came_up(size_t i)
{
	return MAX(f.asked, f.s.began + f.appears[i]);
}

static bool is_to_be_stopped(size_t i)
{
	return f.well[i] && (f.configured[i] || !f.auto_only || f.last) && came_up(i) < f.over;
}

/*
 * When its stop has to have begun: at once, or when those before it have had their time; and for
 * one that only the last stage reaches, when the host has no more time than it needs.
 */
static usec_t due(size_t i, usec_t within)
{
	usec_t soon = came_up(i) + within;

	return !f.configured[i] && f.auto_only ? MAX(soon, f.asked + WINDOW - 59 * USEC_PER_SEC)
					       : soon;
}

/* A guest that is being started when the stop comes has to come down, not up. */
static void check_begins(unsigned run, size_t i, usec_t when)
{
	if (when > loop_now(f.s.loop))
		simulation_run_for(&f.s, when - loop_now(f.s.loop));
	if (is_to_be_stopped(i) && is_up(i))
		ck_assert_msg(f.begun[i] <= when,
			      "run %u: %s runs, and its stop has not begun after %" PRIu64 " s",
			      run, names[i], (when - came_up(i)) / USEC_PER_SEC);
}

static void check_all_begin(unsigned run, usec_t within)
{
	bool checked[GUESTS_MAX] = {false};

	for (size_t n = 0; n < f.n; n++) {
		size_t first = f.n;

		for (size_t i = 0; i < f.n; i++)
			if (!checked[i] && (first == f.n || due(i, within) < due(first, within)))
				first = i;
		check_begins(run, first, due(first, within));
		checked[first] = true;
	}
}

/* Without a limit, a guest that does not react is waited for without an end. */
static void check_end(unsigned run)
{
	simulation_run_for(&f.s, 4 * 3600 * USEC_PER_SEC);
	ck_assert_msg(f.over != USEC_INFINITY || f.limit == USEC_INFINITY,
		      "run %u: the stop does not end", run);
	for (size_t i = 0; i < f.n; i++)
		ck_assert_msg(!is_to_be_stopped(i) || !is_up(i),
			      "run %u: %s is well, and was not stopped", run, names[i]);
}

static void begin(unsigned run, const char *native)
{
	const char *variables;

	memset(&f, 0, sizeof(f));
	f.dice.state = 7 + run;
	variables = draw_variables();
	SIMULATION_BEGIN(&f.s, .variables = variables, .native = native, .guests = draw_host());
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
		check_all_begin(run,
				f.limit == USEC_INFINITY ? USEC_PER_SEC : f.limit + USEC_PER_SEC);
		check_end(run);
		simulation_end(&f.s);
	}
}
END_TEST

SUITE("manager-any", the_stop_of_a_guest_that_is_well_begins_in_time_whatever_else_happens);
