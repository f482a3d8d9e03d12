/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/turns.h"

struct turn {
	struct step step;
	size_t place; /* of the step in the plan */
	bool late;
};

static bool has_turn(const struct step *s)
{
	enum stage stage = step_main_stage(s);

	return stage == STAGE_SAVE || stage == STAGE_MIGRATE || stage == STAGE_RESTORE;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_late(const struct step *a, const struct step *b)
{
	int r = compare(step_may_shut_down(a), step_may_shut_down(b));

	return r ? r : compare(step_memory_left(a), step_memory_left(b));
}

static int compare_places(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;
	int r = compare(a->step.wave, b->step.wave);

	return r ? r : compare(a->place, b->place);
}

static int compare_turns(const void *x, const void *y)
{
	const struct turn *a = x, *b = y;
	int r = compare(a->step.wave, b->step.wave);

	r = r ? r : compare(a->step.late, b->step.late);
	if (r == 0 && a->late)
		r = compare_late(&a->step, &b->step);
	else if (r == 0)
		r = compare(step_memory_left(&b->step), step_memory_left(&a->step));
	return r ? r : compare(a->place, b->place);
}

int turns_sort(struct step *steps, size_t n_steps, bool tight)
{
	_cleanup_free_ struct turn *turns = calloc(n_steps + 1, sizeof(*turns));
	_cleanup_free_ size_t *places = calloc(n_steps + 1, sizeof(*places));
	size_t n = 0;

	if (!turns || !places)
		return -ENOMEM;
	for (size_t i = 0; i < n_steps; i++)
		if (has_turn(&steps[i]))
			turns[n++] = (struct turn){
				.step = steps[i], .place = i, .late = tight || steps[i].late};
	/* The places of a wave stay its own. */
	qsort(turns, n, sizeof(*turns), compare_places);
	for (size_t i = 0; i < n; i++)
		places[i] = turns[i].place;
	qsort(turns, n, sizeof(*turns), compare_turns);
	for (size_t i = 0; i < n; i++)
		steps[places[i]] = turns[i].step;
	return 0;
}

static int compare_choices(const void *x, const void *y)
{
	const struct step *a = *(struct step *const *)x, *b = *(struct step *const *)y;
	int r = compare_late(a, b);

	return r ? r : (a > b) - (a < b);
}

void turns_choose(struct step **steps, size_t n)
{
	qsort(steps, n, sizeof(*steps), compare_choices);
}
