/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "io/timers.h"

#include "util/macro.h"

static bool is_before(const struct timer_place *a, const struct timer_place *b)
{
	return a->at != b->at ? a->at < b->at : a->number < b->number;
}

static void put(struct timers *t, struct timer_place *place, size_t index)
{
	t->heap[index - 1] = place;
	place->index = index;
}

/* Puts it at a free place, or further up. */
static void sift_up(struct timers *t, struct timer_place *place, size_t index)
{
	for (; index > 1 && is_before(place, t->heap[index / 2 - 1]); index /= 2)
		put(t, t->heap[index / 2 - 1], index);
	put(t, place, index);
}

/* Puts it at a free place, or further down. */
static void sift_down(struct timers *t, struct timer_place *place, size_t index)
{
	size_t child;

	for (; (child = 2 * index) <= t->n; index = child) {
		if (child < t->n && is_before(t->heap[child], t->heap[child - 1]))
			child++;
		if (!is_before(t->heap[child - 1], place))
			break;
		put(t, t->heap[child - 1], index);
	}
	put(t, place, index);
}

int timers_join(struct timers *t)
{
	if (t->n_members == t->room) {
		size_t room = t->room ? 2 * t->room : 16;
		struct timer_place **bigger = realloc(t->heap, room * sizeof(struct timer_place *));

		if (!bigger)
			return -ENOMEM;
		t->heap = bigger;
		t->room = room;
	}
	t->n_members++;
	return 0;
}

void timers_leave(struct timers *t)
{
	t->n_members--;
}

void timers_insert(struct timers *t, struct timer_place *place, usec_t at)
{
	timers_remove(t, place);
	place->at = at;
	place->number = ++t->last_number;
	sift_up(t, place, ++t->n);
}

void timers_remove(struct timers *t, struct timer_place *place)
{
	size_t index = place->index;
	struct timer_place *last;

	if (!index)
		return;
	place->index = 0;
	last = t->heap[--t->n];
	if (last == place)
		return;
	if (is_before(last, place))
		sift_up(t, last, index);
	else
		sift_down(t, last, index);
}

struct timer_place *timers_first(const struct timers *t)
{
	return t->n > 0 ? t->heap[0] : NULL;
}

void timers_done(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){0};
}
