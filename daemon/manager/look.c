/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/private.h"
#include "util/log.h"

/*
 * How long a stop waits for the directories to be read. A start waits as long as it takes: a file
 * that does not answer is given up, and many files take long.
 */
#define AUTO_ONLY_SURVEY_LIMIT (20 * USEC_PER_SEC)
#define STOP_SURVEY_LIMIT      (5 * USEC_PER_SEC)

/* A stop with a deadline spends one part in so many on that, but this time at least. */
#define LOOK_SHARE 8
#define LOOK_LEAST (USEC_PER_SEC / 2)

static void on_looked(void *data, const char *error)
{
	struct sequence *s = data;

	if (error && goal_is_start(s->goal)) {
		manager_fail_sequence(s, error);
		return;
	}
	if (error)
		log_warning(
			"stop: %s. Treating every guest whose configuration was not read as one of "
			"XENDOMAINS_AUTO; each save checks for room itself",
			error);
	s->phase = PHASE_READY;
	timer_set_after(s->manager->advance, 0);
}

/*
 * A stop needs the directories for XENDOMAINS_AUTO_ONLY: while one configuration has not been read,
 * a guest that should be spared may be stopped. That is worth the wait, for no guest loses anything
 * by it but time, and of that the host's stop gives a share only. For the room a stop does not wait
 * long: each save checks that itself.
 */
static usec_t survey_limit(const struct sequence *s, usec_t now)
{
	const struct config *config = s->manager->config;
	usec_t limit, share;

	if (goal_is_start(s->goal))
		return USEC_INFINITY;
	if (!config->auto_only && !config->save)
		return 0;
	limit = config->auto_only ? AUTO_ONLY_SURVEY_LIMIT : STOP_SURVEY_LIMIT;
	if (s->deadline == USEC_INFINITY)
		return limit;
	share = usec_sub(s->deadline, now) / LOOK_SHARE;
	share = MAX(share, LOOK_LEAST);
	return MIN(limit, share);
}

int manager_look(struct sequence *s)
{
	struct manager *m = s->manager;
	usec_t limit = survey_limit(s, loop_now(m->loop));

	if (limit == 0) {
		s->phase = PHASE_READY;
		return 0;
	}
	s->phase = PHASE_LOOKING;
	return world_refresh(m->world, limit, on_looked, s, &s->refresh);
}
