/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager-private.h"

/* The host that goes down is ended by force at some time: its stop comes to an end before. */

/* How often the saves of a stop that runs out of time are looked at. */
#define HURRY_PAUSE USEC_PER_SEC

void manager_set_end(struct sequence *s, usec_t deadline, usec_t end)
{
	usec_t now = loop_now(s->manager->loop);

	s->deadline = deadline;
	s->end = end;
	s->save_end = usec_add(now, fit_save_time(usec_left(end, now)));
	timer_set_after(s->manager->hurry, 0);
}

void manager_on_hurry(void *data)
{
	struct manager *m = data;
	usec_t now = loop_now(m->loop), next = USEC_INFINITY, due;
	struct sequence *s;

	TAILQ_FOREACH(s, &m->sequences, entry) {
		if (s->save_end == USEC_INFINITY || s->broken_off)
			continue;
		if (now >= s->save_end && s->job)
			executor_hurry(m->executor, s->job, s->end, "there is no time left for it");
		due = MAX(s->save_end, now + HURRY_PAUSE);
		next = MIN(next, due);
	}
	if (next != USEC_INFINITY)
		timer_set(m->hurry, next);
}
