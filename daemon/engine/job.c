/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"

#include "util/str.h"

/* So often a job stops one guest. */
#define STOPS_MAX 4

struct job *job_new(struct executor *ex, struct loop *loop, void *data)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	*job = (struct job){.ex = ex, .loop = loop, .data = data, .begun = loop_now(loop)};
	TAILQ_INIT(&job->runs);
	return job;
}

void job_free(struct job *job)
{
	struct run *run;

	while ((run = TAILQ_FIRST(&job->runs))) {
		TAILQ_REMOVE(&job->runs, run, entry);
		run_free(run);
	}
	for (size_t i = 0; i < job->n_plans; i++)
		plan_free(job->plans[i]);
	index_done(&job->by_uuid);
	free(job->plans);
	free(job);
}

int job_add_plan(struct job *job, struct plan *plan)
{
	struct plan **bigger = realloc(job->plans, (job->n_plans + 1) * sizeof(*bigger));

	if (!bigger) {
		plan_free(plan);
		return -ENOMEM;
	}
	job->plans = bigger;
	job->plans[job->n_plans++] = plan;
	return 0;
}

int job_add_run(struct job *job, struct run *run)
{
	int r = index_add(&job->by_uuid, hash_uuid(&run->step->uuid), run);

	if (r < 0)
		return r;
	run->round = (unsigned)job->n_plans;
	run->number = job->by_uuid.n - 1;
	TAILQ_INSERT_TAIL(&job->runs, run, entry);
	return 0;
}

struct run *job_next_run(const struct job *job, const struct uuid *uuid, const struct run *run)
{
	const struct index *x = &job->by_uuid;
	const struct index_entry *e = run ? index_next(x, &x->entries[run->number])
					  : index_first(x, hash_uuid(uuid));

	while (e && !uuid_equal(&((struct run *)e->item)->step->uuid, uuid))
		e = index_next(x, e);
	return e ? e->item : NULL;
}

bool job_is_open(const struct job *job)
{
	const struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry)
		if (!machine_ended(&run->machine))
			return true;
	return false;
}

void *job_data(const struct job *job)
{
	return job->data;
}

/* Another tool kept the run from its first stage, and has finished now. */
static bool has_come_free(const struct run *run, const struct domain_list *domains)
{
	const struct domain *d = run_find_domain(run, domains);

	return run->machine.state == MACHINE_FAILED && run->held && d &&
	       domain_condition(d) != run->held_for;
}

bool job_knows(const struct job *job, enum goal goal, const struct step *step,
	       const struct domain_list *domains)
{
	const struct run *run = NULL;

	while ((run = job_next_run(job, &step->uuid, run))) {
		/* A failed guest is reported once. A stopped or skipped guest may run again. */
		bool same = !uuid_is_null(&step->uuid) || str_equal(run->step->name, step->name);
		bool is_over = run->machine.state == MACHINE_DONE ||
			       run->machine.state == MACHINE_SKIPPED;

		if (same && run->machine.goal == goal && !has_come_free(run, domains) &&
		    (!is_over || run->domid == step->domid))
			return true;
	}
	return false;
}

bool job_has_had(const struct job *job, enum goal goal, const struct step *step)
{
	const struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry)
		if (run->machine.goal == goal && (uuid_equal(&run->step->uuid, &step->uuid) ||
						  str_equal(run->step->name, step->name)))
			return true;
	return false;
}

bool job_gives_up(const struct job *job, const struct uuid *uuid)
{
	const struct run *run = NULL;
	unsigned stopped = 0;

	while ((run = job_next_run(job, uuid, run)))
		stopped += run->machine.goal == GOAL_STOP;
	return stopped >= STOPS_MAX;
}

/* Whether it has stopped its guest, which it did not just find down. */
static bool has_stopped(const struct run *run)
{
	return run->machine.goal == GOAL_STOP && run->began && run->machine.state == MACHINE_DONE;
}

/* A start that was skipped leaves its guest as the stop before it did. */
static bool is_followed(const struct run *run)
{
	const struct run *next = run;
	bool stopped = has_stopped(run);

	if (run->machine.state == MACHINE_FAILED ||
	    (run->machine.goal != GOAL_STOP && run->machine.state != MACHINE_SKIPPED))
		return false;
	while ((next = job_next_run(run->job, &run->step->uuid, next)))
		if (goal_is_start(next->machine.goal) &&
		    (!stopped || next->machine.state != MACHINE_SKIPPED))
			return true;
	return false;
}

/* Another tool kept it from its guest, and a later one has got the same domain. */
static bool is_made_good(const struct run *run)
{
	const struct run *next = run;

	if (run->machine.state != MACHINE_FAILED || !run->held)
		return false;
	while ((next = job_next_run(run->job, &run->step->uuid, next)))
		if (next->machine.goal == run->machine.goal && next->domid == run->domid)
			return true;
	return false;
}

/* Whether a start follows such a stop of its guest. */
static bool is_restarted(const struct run *run)
{
	const struct run *before = NULL;

	if (!goal_is_start(run->machine.goal))
		return false;
	while ((before = job_next_run(run->job, &run->step->uuid, before)) && before != run)
		if (has_stopped(before))
			return true;
	return false;
}

bool job_left_up(const struct job *job, const struct report *report)
{
	const struct run *run = NULL;

	if (!goal_is_start(report->goal) || report->step->n_stages > 0)
		return false;
	while ((run = job_next_run(job, &report->step->uuid, run)))
		if (run->machine.goal == GOAL_STOP && run->machine.state == MACHINE_FAILED &&
		    str_equal(run->step->name, report->step->name))
			return true;
	return false;
}

void job_reports(const struct job *job, void (*fn)(void *data, const struct report *report),
		 void *data)
{
	const struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry) {
		struct report report = run_report(run, loop_now(job->loop));

		report.restarted = is_restarted(run);
		/* What has become of the guest is told by its stop. */
		if (report.restarted && report.result == RESULT_SKIPPED)
			continue;
		if (!is_followed(run) && !is_made_good(run) && !job_left_up(job, &report))
			fn(data, &report);
	}
}

bool job_was_cut_short(const struct job *job)
{
	const struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry)
		if (run->released && run->machine.state == MACHINE_SKIPPED)
			return true;
	return false;
}

bool job_succeeded(const struct job *job)
{
	const struct run *run;

	TAILQ_FOREACH(run, &job->runs, entry)
		if (run->machine.state == MACHINE_FAILED && !is_made_good(run))
			return false;
	return true;
}
