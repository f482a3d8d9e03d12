/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "core/step.h"

#include "util/str.h"

void step_prepare(struct step *s, const struct domain *d)
{
	bool suspended = d->shutdown && d->reason == SHUTDOWN_REASON_SUSPEND;
	enum stage stages[2];
	size_t first = 0, n = 0;

	while (first < s->n_stages &&
	       (s->stages[first] == STAGE_RESUME || s->stages[first] == STAGE_UNPAUSE))
		first++;
	if (first == s->n_stages || s->stages[first] == STAGE_CLEAN)
		return;
	/* A save of ours has ended meanwhile, and its domain is still there. */
	if (suspended && d->saved) {
		s->saved = true;
		s->stages[0] = STAGE_CLEAN;
		s->n_stages = 1;
		return;
	}
	/* Another tool that was saving it has given up, or xl has suspended it. */
	if (suspended)
		stages[n++] = STAGE_RESUME;
	if (d->paused)
		stages[n++] = STAGE_UNPAUSE;
	s->n_stages -= first;
	memmove(&s->stages[n], &s->stages[first], s->n_stages * sizeof(*s->stages));
	memcpy(s->stages, stages, n * sizeof(*s->stages));
	s->n_stages += n;
}

void step_done(struct step *s)
{
	free(s->name);
	free(s->other);
	free(s->reason);
	free(s->image);
	free(s->config);
	free(s->source);
	stale_list_done(&s->stale);
	free(s->sysrq);
	target_list_done(&s->targets);
	free(s->dump);
}

bool step_allows_next(const struct step *s, enum stage stage, enum operation_outcome outcome)
{
	if (stage == STAGE_RESTORE)
		return (outcome == OPERATION_DISK_CHANGED && s->changed == IMAGE_AFRESH) ||
		       (outcome == OPERATION_DISK_UNKNOWN && s->unknown == IMAGE_AFRESH);
	return outcome != OPERATION_UNDECIDED;
}

void step_add_stage(struct step *s, enum stage stage)
{
	s->result = STEP_TODO;
	s->stages[s->n_stages++] = stage;
}

int step_conclude(struct step *s, enum step_result result, const char *format, ...)
{
	va_list ap;
	int r;

	s->result = result;
	va_start(ap, format);
	r = str_vformat(&s->reason, format, ap);
	va_end(ap);
	return r;
}

void step_need_stage(struct step *s)
{
	if (s->n_stages > 0 && !stage_is_preparation(s->stages[s->n_stages - 1]))
		return;
	s->n_stages = 0;
	s->result = STEP_FAILED;
}

static size_t find_stage(const struct step *s, enum stage stage)
{
	size_t i = 0;

	while (i < s->n_stages && s->stages[i] != stage)
		i++;
	return i;
}

uint64_t step_memory_left(const struct step *s)
{
	return s->memory_kib * (1000 - s->done) / 1000;
}

bool step_has(const struct step *s, enum stage stage)
{
	return find_stage(s, stage) < s->n_stages;
}

enum stage step_main_stage(const struct step *s)
{
	for (size_t i = 0; i < s->n_stages; i++)
		if (!stage_is_preparation(s->stages[i]))
			return s->stages[i];
	return _STAGE_INVALID;
}

bool step_may_shut_down(const struct step *s)
{
	return step_has(s, STAGE_SHUTDOWN) || step_has(s, STAGE_SHUTDOWN_ALL);
}

void step_drop_stage(struct step *s, enum stage stage)
{
	size_t at = find_stage(s, stage);

	if (at == s->n_stages)
		return;
	s->n_stages--;
	memmove(&s->stages[at], &s->stages[at + 1], (s->n_stages - at) * sizeof(*s->stages));
}
