/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/private.h"
#include "util/index.h"

struct runs {
	struct index by_uuid;
	bool stale; /* its items are not those of the jobs, or not in their order */
};

int runs_new(struct runs **ret)
{
	struct runs *runs = calloc(1, sizeof(*runs));

	if (!runs)
		return -ENOMEM;
	*ret = runs;
	return 0;
}

struct runs *runs_free(struct runs *runs)
{
	if (!runs)
		return NULL;
	index_done(&runs->by_uuid);
	free(runs);
	return NULL;
}

static int add(struct runs *runs, struct run *run)
{
	int r = index_add(&runs->by_uuid, hash_uuid(&run->step->uuid), run);

	if (r >= 0)
		run->place = runs->by_uuid.n - 1;
	return r;
}

/* Many jobs end together: their runs are taken out at the next look, all at once. */
static void refresh(const struct executor *ex)
{
	struct job *job;
	struct run *run;

	if (!ex->runs->stale)
		return;
	index_clear(&ex->runs->by_uuid);
	TAILQ_FOREACH(job, &ex->jobs, entry)
		TAILQ_FOREACH(run, &job->runs, entry)
			/* There was room for it before. */
			add(ex->runs, run);
	ex->runs->stale = false;
}

int executor_index_run(struct executor *ex, struct run *run)
{
	refresh(ex);
	ex->runs->stale = run->job != TAILQ_LAST(&ex->jobs, job_list);
	return add(ex->runs, run);
}

void executor_drop_runs(struct executor *ex)
{
	ex->runs->stale = true;
}

struct run *executor_next_run(const struct executor *ex, const struct uuid *uuid,
			      const struct run *after)
{
	const struct index *x = &ex->runs->by_uuid;
	const struct index_entry *e;

	refresh(ex);
	e = after ? index_next(x, &x->entries[after->place]) : index_first(x, hash_uuid(uuid));
	for (; e; e = index_next(x, e)) {
		struct run *run = e->item;

		if (uuid_equal(&run->step->uuid, uuid) && !machine_ended(&run->machine))
			return run;
	}
	return NULL;
}
