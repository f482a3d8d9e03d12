/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/fit.h"

#include <inttypes.h>

#include "core/turns.h"
#include "util/human.h"
#include "util/str.h"

/* What a save takes besides writing memory: suspending, syncing. */
#define SAVE_OVERHEAD USEC_PER_SEC

#define CLEAN_TIME USEC_PER_SEC

/* The sums of one wave: guests of a wave go together, and waves one after the other. */
struct wave {
	usec_t begin;
	usec_t saved; /* when the disk is through with the guests that are saved */
	usec_t others;
	usec_t last; /* when those are down that wait for all others */
};

usec_t fit_shutdown_time(usec_t stop_limit)
{
	return MIN(SHUTDOWN_TIME, stop_limit);
}

static usec_t shutdown_time(const struct config *config, bool wait)
{
	return wait ? fit_shutdown_time(config->stop_limit) : 0;
}

static usec_t save_time(const struct step *s, uint64_t rate)
{
	return SAVE_OVERHEAD + step_memory_left(s) * USEC_PER_SEC / rate;
}

static usec_t keys_time(const struct config *config, const struct step *s)
{
	return s->sysrq ? strlen(s->sysrq) * config->sysrq_pause : 0;
}

static void count(struct wave *w, struct step *s, const struct config *config, uint64_t rate)
{
	usec_t begin = w->begin + keys_time(config, s);
	enum stage stage = step_main_stage(s);

	if (stage == STAGE_SAVE || stage == STAGE_MIGRATE) {
		w->saved = MAX(w->saved, begin) + save_time(s, rate);
		s->estimate = w->saved;
	} else if (stage == STAGE_SHUTDOWN) {
		s->estimate = begin + shutdown_time(config, s->wait);
		w->others = MAX(w->others, s->estimate);
	} else if (stage != STAGE_SHUTDOWN_ALL) {
		s->estimate = begin + CLEAN_TIME;
		w->others = MAX(w->others, s->estimate);
	}
}

static void count_last(struct wave *w, struct step *s, const struct config *config)
{
	if (step_main_stage(s) != STAGE_SHUTDOWN_ALL)
		return;
	s->estimate = MAX(w->saved, w->others) + shutdown_time(config, s->wait_all);
	w->last = MAX(w->last, s->estimate);
}

/* When the wave is over that begins at begin. */
static usec_t estimate_wave(struct plan *plan, unsigned number, usec_t begin,
			    const struct config *config, uint64_t rate)
{
	struct wave w = {.begin = begin, .saved = begin, .others = begin, .last = begin};

	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].wave == number && plan->steps[i].n_stages > 0)
			count(&w, &plan->steps[i], config, rate);
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].wave == number && plan->steps[i].n_stages > 0)
			count_last(&w, &plan->steps[i], config);
	w.others = MAX(w.others, w.saved);
	return MAX(w.last, w.others);
}

static unsigned last_wave(const struct plan *plan)
{
	unsigned last = 0;

	for (size_t i = 0; i < plan->n_steps; i++)
		last = MAX(last, plan->steps[i].wave);
	return last;
}

static bool may_be_asked_last(const struct step *s)
{
	enum stage stage = step_main_stage(s);

	return s->wait_all && (stage == STAGE_SHUTDOWN || stage == STAGE_SHUTDOWN_ALL) &&
	       step_has(s, STAGE_SHUTDOWN_ALL);
}

/* When the wave is over in which no guest reacts that is shut down. */
static usec_t longest_wave(const struct plan *plan, unsigned number, usec_t begin,
			   const struct config *config, uint64_t rate)
{
	usec_t saved = begin, end = begin, last;

	for (size_t i = 0; i < plan->n_steps; i++) {
		const struct step *s = &plan->steps[i];
		enum stage stage = step_main_stage(s);
		usec_t from = usec_add(begin, keys_time(config, s));

		if (s->wave != number || s->n_stages == 0)
			continue;
		if (stage == STAGE_SAVE || stage == STAGE_MIGRATE)
			saved = usec_add(MAX(saved, from), save_time(s, rate));
		else if (stage == STAGE_SHUTDOWN && s->wait)
			end = MAX(end, usec_add(from, config->stop_limit));
	}
	end = MAX(end, saved);
	last = end;
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].wave == number && may_be_asked_last(&plan->steps[i]))
			last = usec_add(end, config->stop_limit);
	return last;
}

static usec_t find_longest(const struct plan *plan, const struct config *config, uint64_t rate)
{
	usec_t end = 0;

	for (unsigned i = 0; i <= last_wave(plan); i++)
		end = longest_wave(plan, i, end, config, rate);
	return MAX(end, plan->needs);
}

void plan_estimate(struct plan *plan, const struct config *config, uint64_t rate)
{
	usec_t end = 0;

	for (unsigned i = 0; i <= last_wave(plan); i++)
		end = estimate_wave(plan, i, end, config, rate);
	plan->needs = end;
	plan->longest = find_longest(plan, config, rate);
}

static void drop_saves(struct step *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n_stages; i++)
		if (s->stages[i] != STAGE_SAVE && s->stages[i] != STAGE_MIGRATE)
			s->stages[kept++] = s->stages[i];
	s->n_stages = kept;
}

static int explain(struct step *s, usec_t takes, usec_t limit, const char *what)
{
	free(TAKE_PTR(s->reason));
	return str_format(&s->reason,
			  "expected to finish after about %s, but only %s are available: %s",
			  DURATION(usec_seconds_up(takes)), DURATION(limit), what);
}

/* How long a plan has: until logind waits no longer, and until systemd forces the host down. */
struct limits {
	usec_t wait, save, end;
};

usec_t fit_save_time(usec_t end)
{
	return end == USEC_INFINITY ? end : end - MIN(SHUTDOWN_TIME, end / 2);
}

/* Instead of a save that comes too late; false where it would come too late as well. */
static bool can_shut_down(const struct step *s, const struct wave *w, const struct config *config,
			  usec_t limit)
{
	if (step_has(s, STAGE_SHUTDOWN))
		return w->begin + keys_time(config, s) + shutdown_time(config, s->wait) <= limit;
	return step_has(s, STAGE_SHUTDOWN_ALL) &&
	       w->saved + shutdown_time(config, s->wait_all) <= limit;
}

/* Why a save makes way for a shutdown: the time that it does not keep; USEC_INFINITY: it stays. */
static usec_t missed_limit(const struct step *s, const struct wave *w, const struct config *config,
			   const struct limits *limits)
{
	if (limits->wait > 0 && s->estimate > limits->wait &&
	    can_shut_down(s, w, config, limits->wait))
		return limits->wait;
	/* To be asked to shut down is better than to be saved half. */
	if (s->estimate > limits->save && step_may_shut_down(s))
		return limits->save;
	return USEC_INFINITY;
}

/* The guests of a wave that are saved or migrated, in the order in which they are chosen. */
static size_t sort_choices(struct plan *plan, unsigned number, struct step **choices)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_steps; i++) {
		enum stage stage = step_main_stage(&plan->steps[i]);

		if (plan->steps[i].wave == number &&
		    (stage == STAGE_SAVE || stage == STAGE_MIGRATE))
			choices[n++] = &plan->steps[i];
	}
	turns_choose(choices, n);
	return n;
}

/* A step that is kept although it takes too long is marked as late, and comes after the others. */
static int fit_saves(struct plan *plan, unsigned number, usec_t begin, const struct config *config,
		     uint64_t rate, const struct limits *limits)
{
	struct wave w = {.begin = begin, .saved = begin, .others = begin, .last = begin};
	_cleanup_free_ struct step **choices = calloc(plan->n_steps + 1, sizeof(struct step *));
	usec_t limit = limits->wait > 0 ? MIN(limits->wait, limits->save) : limits->save;
	size_t n = choices ? sort_choices(plan, number, choices) : 0;
	int r = choices ? 0 : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct step *s = choices[i];
		struct wave with = w;
		usec_t missed;

		count(&with, s, config, rate);
		missed = missed_limit(s, &w, config, limits);
		if (missed != USEC_INFINITY) {
			r = explain(s, s->estimate, missed, "shutting the guest down instead");
			drop_saves(s);
			plan->squeezed = true;
		} else {
			s->late = s->estimate > limit;
			w = with;
		}
	}
	return r;
}

static int say_if_late(struct step *s, const struct limits *limits)
{
	if (s->n_stages == 0)
		return 0;
	if (s->estimate > limits->end) {
		s->late = true;
		/* That it is shut down instead is said already. */
		return s->reason ? 0
				 : explain(s, s->estimate, limits->end,
					   "the host may be forced down before");
	}
	s->late = limits->wait > 0 && s->estimate > limits->wait;
	return s->late ? explain(s, s->estimate, limits->wait,
				 "going on while the services of the host are stopped")
		       : 0;
}

int plan_fit(struct plan *plan, const struct config *config, uint64_t rate, usec_t limit,
	     usec_t save, usec_t end)
{
	const struct limits limits = {.wait = limit, .save = save, .end = end};
	usec_t over = 0;
	int r = 0;

	plan->limit = limit;
	for (unsigned i = 0; r >= 0 && i <= last_wave(plan); i++) {
		r = fit_saves(plan, i, over, config, rate, &limits);
		r = r < 0 ? r : turns_sort(plan->steps, plan->n_steps, false);
		over = estimate_wave(plan, i, over, config, rate);
	}
	/* A disk can be half as fast as it was. */
	if (r >= 0 && save != USEC_INFINITY && over > save / 2) {
		r = turns_sort(plan->steps, plan->n_steps, true);
		over = 0;
		for (unsigned i = 0; i <= last_wave(plan); i++)
			over = estimate_wave(plan, i, over, config, rate);
	}
	plan->needs = over;
	plan->longest = find_longest(plan, config, rate);
	for (size_t i = 0; r >= 0 && i < plan->n_steps; i++)
		r = say_if_late(&plan->steps[i], &limits);
	return r;
}
