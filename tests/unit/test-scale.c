/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>

#include "simulation.h"

/* With a sanitizer, which sees the same code with fewer, so many would take minutes. */
#ifdef __SANITIZE_ADDRESS__
#define GUESTS 100
#else
#define GUESTS 500
#endif
#define PLACES 8

/* Many guests, of three kinds: configured, saved, and made by others. */
static char *many_guests(usec_t *ret_work)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*ret_work = 0;
	for (int i = 0; i < GUESTS; i++) {
		bool saved = i % 3 == 0, foreign = i % 5 == 4;
		int up = i % 7 * 1000;

		fprintf(out, "%s{\"name\":\"guest%03d\",\"create\":{\"ms\":%d},\"up_ms\":%d",
			i ? "," : "[", i, 500 + i, up);
		fprintf(out,
			foreign ? ",\"running\":true,\"manager\":\"xl\"}"
				: ",\"config\":\"/auto/%03d\",\"saved\":%s}",
			i, saved ? "true" : "false");
		/* A place is taken until the guest is up, and for five seconds at most. */
		if (!foreign)
			*ret_work += (usec_t)(saved ? 1000 : 500 + i + MIN(up, 5000)) *
				     USEC_PER_MSEC;
	}
	fputc(']', out);
	fclose(out);
	return text;
}

static unsigned count(const struct simulation *s, enum guest_state state)
{
	const struct inventory *inventory = world_inventory(manager_world(s->manager));
	const char *reason;
	unsigned n = 0;

	for (size_t i = 0; i < inventory->n; i++)
		n += guest_state(&inventory->guests[i], &reason) == state;
	return n;
}

START_TEST(many_guests_are_started_and_stopped)
{
	usec_t work;
	_cleanup_free_ char *guests = many_guests(&work);
	_cleanup_simulation_ struct simulation s;
	struct wish *start, *stop;

	SIMULATION_BEGIN(&s, .native = "[Host]\nParallelOperations=8\nParallelCreates=8\n",
			 .guests = guests);
	start = simulation_wish(&s, GOAL_START, NULL);
	simulation_run(&s);
	ck_assert(start->succeeded);
	ck_assert_uint_eq(count(&s, GUEST_RUNNING), GUESTS);
	ck_assert_uint_le(s.flying_max, PLACES);
	/* No place is empty while there is work: only the last few may be. */
	ck_assert_uint_ge(start->ended, work / PLACES - 5 * USEC_PER_SEC);
	ck_assert_uint_le(start->ended, work / PLACES + 8 * USEC_PER_SEC);

	stop = simulation_wish(&s, GOAL_STOP, NULL);
	simulation_run(&s);
	ck_assert(stop->succeeded);
	ck_assert_uint_eq(count(&s, GUEST_RUNNING), 0);
	ck_assert_uint_le(s.flying_max, PLACES);
	/* A second for each save, in eight lanes. */
	ck_assert_uint_le(stop->ended - start->ended, (GUESTS / PLACES + 2) * USEC_PER_SEC);
}
END_TEST

SUITE("scale", many_guests_are_started_and_stopped);
