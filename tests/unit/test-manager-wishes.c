/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <inttypes.h>
#include <stdio.h>

#include "engine/job.h"
#include "simulation.h"
#include "util/str.h"

/*
 * Whatever comes together on the host, each guest ends as was wanted last: guests that end by
 * themselves and are to be restarted, starts, stops and restarts of some or all of them, stops of a
 * host that stays up, and settings that are refused for a while, are drawn at random, always the
 * same ones. What was not decided, because something else was under way, must be decided after it.
 */

#define RUNS       400
#define GUESTS_MAX 5
#define ASKED_MAX  10

enum wish_kind {
	WISH_UP,
	WISH_DOWN,
	WISH_EITHER, /* what has begun is ended, and what has not is left */
};

struct asked {
	enum wish_kind kind;
	size_t mask; /* of guests; 0: all */
	bool refused;
};

static struct {
	struct simulation s;
	struct dice dice;
	size_t n;
	enum wish_kind first[GUESTS_MAX];
	struct asked asked[ASKED_MAX];
	size_t n_asked;
	bool settings_refused;
	unsigned held[GUESTS_MAX]; /* before this run */
} f;

static const char *const names[GUESTS_MAX] = {"a", "b", "c", "d", "e"};

static void on_report(void *data _unused_, const struct report *r _unused_)
{
}

static void on_done(void *data, int error, const char *reason _unused_,
		    const struct job *job _unused_)
{
	struct asked *asked = data;

	asked->refused = error < 0;
}

/* One in two ends by itself, again and again, and is restarted then. */
static const char *draw_host(void)
{
	static char host[4000];
	static const char *const reasons[] = {"reboot", "crash", "watchdog"};
	size_t at = 0;

	f.n = 1 + dice_pick(&f.dice, GUESTS_MAX);
	for (size_t i = 0; i < f.n; i++) {
		bool runs = dice_once_in(&f.dice, 2), ends = dice_once_in(&f.dice, 2);
		char end[100] = "";

		f.first[i] = runs ? WISH_UP : WISH_DOWN;
		if (ends)
			snprintf(end, sizeof(end), ",\"ends\":{\"after_ms\":%zu,\"reason\":\"%s\"}",
				 1000 * (1 + dice_pick(&f.dice, 200)),
				 reasons[dice_pick(&f.dice, ELEMENTSOF(reasons))]);
		at += (size_t)snprintf(
			host + at, sizeof(host) - at,
			"%s{\"name\":\"%s\",\"config\":\"/auto/%s\",\"running\":%s,"
			"\"uuid\":\"00000000-0000-4000-8000-00000000000%zu\","
			"\"memory_mib\":8,\"on_reboot\":\"restart\",\"on_crash\":\"restart\","
			"\"on_watchdog\":\"restart\",\"create\":{\"ms\":%zu},\"restore\":{\"ms\":%zu},"
			"\"save\":{\"ms\":%zu},\"shutdown\":{\"ms\":%zu},\"destroy\":{\"ms\":%zu}%s}",
			at ? "," : "[", names[i], names[i], runs ? "true" : "false", i,
			dice_pick(&f.dice, 40000), dice_pick(&f.dice, 40000),
			dice_pick(&f.dice, 40000), dice_pick(&f.dice, 40000),
			dice_pick(&f.dice, 5000), end);
	}
	snprintf(host + at, sizeof(host) - at, "]");
	return host;
}

static const char *draw_variables(void)
{
	return dice_once_in(&f.dice, 2) ? "XENDOMAINS_CREATE_USLEEP=0\n"
					: "XENDOMAINS_CREATE_USLEEP=0\nXENDOMAINS_SAVE=\n";
}

static struct asked *add(enum wish_kind kind, size_t mask)
{
	struct asked *asked = &f.asked[f.n_asked++];

	*asked = (struct asked){.kind = kind, .mask = mask};
	return asked;
}

static size_t draw_mask(void)
{
	return dice_once_in(&f.dice, 3) ? 0 : 1 + dice_pick(&f.dice, (1U << f.n) - 1);
}

static size_t list(size_t mask, const char **some)
{
	size_t n = 0;

	for (size_t i = 0; i < f.n; i++)
		if (mask & (1U << i))
			some[n++] = names[i];
	return n;
}

static void ask(enum goal goal, size_t mask)
{
	struct asked *asked = add(goal == GOAL_START ? WISH_UP : WISH_DOWN, mask);
	struct follower follower = {.report = on_report, .done = on_done, .data = asked};
	const char *some[GUESTS_MAX];
	uint64_t id;

	asked->refused = manager_request(f.s.manager, goal, some, list(mask, some), &follower,
					 &id) < 0;
}

static void ask_restart(size_t mask)
{
	struct asked *asked = add(WISH_UP, mask);
	struct follower follower = {.report = on_report, .done = on_done, .data = asked};
	const char *some[GUESTS_MAX];
	uint64_t id;

	asked->refused = manager_restart(f.s.manager, false, some, list(mask, some), &follower,
					 &id) < 0;
}

static void write_settings(bool refused)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	folder_write(&f.s.folder, "native", refused ? "[Host]\nParallelOperations=x\n" : "");
	r = manager_reload(f.s.manager, &reason);
	ck_assert_int_eq(r, refused ? -EINVAL : 0);
	f.settings_refused = refused;
}

static void do_something(void)
{
	switch (dice_pick(&f.dice, 8)) {
	case 0:
	case 1:
		ask(GOAL_START, draw_mask());
		break;
	case 2:
	case 3:
		ask(GOAL_STOP, draw_mask());
		break;
	case 4:
		ask_restart(draw_mask());
		break;
	case 5:
	case 6:
		write_settings(!f.settings_refused);
		break;
	case 7:
		manager_cancel(f.s.manager, "cancelled", NULL);
		add(WISH_EITHER, 0);
		break;
	default:
		break;
	}
}

static enum wish_kind wanted(size_t i)
{
	enum wish_kind kind = f.first[i];

	for (size_t k = 0; k < f.n_asked; k++)
		if (!f.asked[k].refused && (f.asked[k].mask == 0 || f.asked[k].mask & (1U << i)))
			kind = f.asked[k].kind;
	return kind;
}

/* It has ended too often to be restarted. */
static bool is_held(size_t i)
{
	return LOGGED(.message_id = MSG_GUEST_HELD, .domain = names[i]) > f.held[i];
}

/* Runs, or will: it waits for its restart, or is being restarted. */
static bool is_up(size_t i)
{
	const struct guest *g;

	ck_assert_int_eq(world_update(manager_world(f.s.manager)), 0);
	g = inventory_find_named(world_inventory(manager_world(f.s.manager)), names[i]);
	return g && (guest_is_alive(g) || g->busy ||
		     manager_restart_in(f.s.manager, g) != USEC_INFINITY);
}

static void check(unsigned run, size_t i)
{
	enum wish_kind kind = wanted(i);
	bool up = is_up(i);

	ck_assert_msg(kind != WISH_UP || up || is_held(i),
		      "run %u: %s was wanted up last, and is down", run, names[i]);
	ck_assert_msg(kind != WISH_DOWN || !up, "run %u: %s was wanted down last, and is up", run,
		      names[i]);
}

START_TEST(each_guest_ends_as_was_wanted_last_whatever_comes_together)
{
	for (unsigned run = 0; run < RUNS; run++) {
		memset(&f, 0, sizeof(f));
		f.dice.state = 7 + run;
		for (size_t i = 0; i < GUESTS_MAX; i++)
			f.held[i] = LOGGED(.message_id = MSG_GUEST_HELD, .domain = names[i]);
		SIMULATION_BEGIN(&f.s, .variables = draw_variables(), .native = "",
				 .guests = draw_host());
		for (size_t n = dice_pick(&f.dice, ASKED_MAX); n > 0; n--) {
			simulation_run_for(&f.s, dice_pick(&f.dice, 60 * USEC_PER_SEC));
			do_something();
		}
		if (f.settings_refused)
			write_settings(false);
		simulation_run_for(&f.s, 3600 * USEC_PER_SEC);
		for (size_t i = 0; i < f.n; i++)
			check(run, i);
		simulation_end(&f.s);
	}
}
END_TEST

SUITE("manager-wishes", each_guest_ends_as_was_wanted_last_whatever_comes_together);
