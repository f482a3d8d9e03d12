/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/press.h"

#include <stdlib.h>

#include "util/macro.h"

/* A shorter measurement says little. */
#define WINDOW (10 * USEC_PER_SEC)

static int compare_left(const void *x, const void *y)
{
	const struct flight *a = x, *b = y;

	return (a->left > b->left) - (a->left < b->left);
}

static usec_t time_for(uint64_t kib, uint64_t rate)
{
	return rate > 0 ? kib * USEC_PER_SEC / rate : USEC_INFINITY;
}

/* How many are at work, from the one at index i on. */
static size_t count_from(const struct flight *flights, size_t n, size_t i)
{
	size_t active = 0;

	for (; i < n; i++)
		active += !flights[i].given_up;
	return active;
}

/*
 * When each ends, where those that are not given up share the disk evenly: they are sorted by what
 * is left of them.
 */
static void find_ends(const struct flight *flights, size_t n, uint64_t rate, usec_t *ends)
{
	size_t active = count_from(flights, n, 0);
	uint64_t written = 0, each = 0;

	for (size_t i = 0; i < n; i++) {
		ends[i] = time_for(flights[i].left, rate);
		if (flights[i].given_up)
			continue;
		written += (flights[i].left - each) * active--;
		each = flights[i].left;
		ends[i] = time_for(written, rate);
	}
}

static bool is_late(const struct flight *f, usec_t end)
{
	return end > f->until && f->own > f->until;
}

static bool may_give_up(const struct flight *f)
{
	return !f->kept && !f->given_up;
}

/* No other one can help them by making way. */
static void give_up_hopeless(struct flight *flights, size_t n, uint64_t rate)
{
	for (size_t i = 0; i < n; i++)
		flights[i].given_up = may_give_up(&flights[i]) &&
				      is_late(&flights[i], time_for(flights[i].left, rate));
}

static struct flight *choose(struct flight *flights, size_t n, const usec_t *ends)
{
	struct flight *chosen = NULL;

	for (size_t i = 0; i < n; i++)
		if (may_give_up(&flights[i]) && is_late(&flights[i], ends[i]) &&
		    (!chosen || flights[i].may_end >= chosen->may_end))
			chosen = &flights[i];
	return chosen;
}

/* Whether one that stays has little more time than it takes. */
static bool is_pressing(const struct flight *flights, size_t n, const usec_t *ends)
{
	bool pressing = false;

	for (size_t i = 0; i < n; i++)
		pressing |= !flights[i].given_up && ends[i] >= flights[i].until / 4 * 3;
	return pressing;
}

void press_judge(struct flight *flights, size_t n, uint64_t rate, bool at_once)
{
	_cleanup_free_ usec_t *ends = calloc(n + 1, sizeof(*ends));
	struct flight *f;

	if (!ends)
		return;
	qsort(flights, n, sizeof(*flights), compare_left);
	give_up_hopeless(flights, n, rate);
	find_ends(flights, n, rate, ends);
	while ((f = choose(flights, n, ends))) {
		f->given_up = true;
		find_ends(flights, n, rate, ends);
	}
	if (at_once || (rate > 0 && is_pressing(flights, n, ends)))
		return;
	for (size_t i = 0; i < n; i++)
		flights[i].given_up = false;
}

void flow_tell(struct flow *flow, usec_t now, uint64_t kib)
{
	if (flow->since > 0 && now < flow->since + WINDOW)
		return;
	if (flow->since > 0)
		flow->rate = (kib - flow->from) * USEC_PER_SEC / (now - flow->since);
	flow->since = now;
	flow->from = kib;
}
