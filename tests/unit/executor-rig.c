/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "executor-rig.h"

#include <check.h>
#include <stdio.h>

#include "engine/job.h"
#include "report-words.h"
#include "util/str.h"

struct stage_rig f;

static void update(void)
{
	struct domain_list *new;

	ck_assert_int_eq(hv_list(&rig.p.hv, &new), 0);
	ck_assert_int_eq(domain_list_index(new), 0);
	executor_domains_changed(f.ex, new);
	domain_list_free(f.list);
	f.list = new;
}

static void on_finished(void *data _unused_, const struct hv_operation *operation,
			const struct operation_result *result)
{
	update();
	executor_operation_finished(f.ex, operation, result);
}

static void on_report(void *data _unused_, struct job *job _unused_, const struct report *r)
{
	size_t length = strlen(f.said);

	report_in_words(f.said + length, sizeof(f.said) - length, r);
	keep_reason(f.reasons, sizeof(f.reasons), r);
}

static bool on_drained(void *data _unused_, struct job *job)
{
	return f.extension && executor_extend(f.ex, job, TAKE_PTR(f.extension)) >= 0;
}

static usec_t on_deadline(void *data _unused_, const struct job *job _unused_)
{
	return f.deadline;
}

static void on_job_finished(void *data _unused_, struct job *job)
{
	f.finished++;
	f.succeeded = job_succeeded(job);
}

void look_again(void)
{
	update();
	run_now();
}

void begin(const struct rig_limits *limits)
{
	memset(&f, 0, sizeof(f));
	f.deadline = USEC_INFINITY;
	rig_begin();
	rig.p.hv.callbacks.finished = on_finished;
	ck_assert_int_eq(executor_new(rig.loop, &rig.p.hv, "/ledger",
				      &(struct executor_callbacks){
					      .report = on_report,
					      .drained = on_drained,
					      .deadline = on_deadline,
					      .finished = on_job_finished,
				      },
				      &f.ex),
			 0);
	executor_set_limits(
		f.ex,
		&(struct executor_limits){
			.save_kib = limits->save_kib ? limits->save_kib : UINT64_MAX,
			.parallel = limits->parallel,
			.streams = limits->streams,
			.disk_rate = limits->disk_rate,
			.brief_kib = limits->brief_kib,
			.cpus = limits->cpus,
			.brief = 8,
			.creates = limits->creates ? limits->creates : limits->parallel,
			.boots_count = limits->boots_count,
			.create_pause = limits->create_pause,
			.stop_limit = limits->stop_limit ? limits->stop_limit : USEC_INFINITY});
}

void end(void)
{
	executor_free(f.ex);
	plan_free(f.extension);
	domain_list_free(f.list);
	rig_end();
}

struct plan *new_plan(enum goal goal)
{
	struct plan *plan = calloc(1, sizeof(*plan));

	plan->goal = goal;
	plan->steps = calloc(PUPPET_MAX, sizeof(*plan->steps));
	return plan;
}

struct step *add_step(struct plan *plan, unsigned number, const enum stage *stages)
{
	struct step *s = &plan->steps[plan->n_steps++];

	*s = (struct step){
		.uuid = puppet_uuid(number), .domid = number, .wait = true, .wait_all = true};
	ck_assert_int_eq(str_format(&s->name, "%u", number), 0);
	for (; stages[s->n_stages] != _STAGE_MAX; s->n_stages++)
		s->stages[s->n_stages] = stages[s->n_stages];
	return s;
}

struct job *run_plan(struct plan *plan)
{
	struct job *job;

	ck_assert_int_eq(executor_run(f.ex, plan, NULL, &job), 0);
	look_again();
	return job;
}

void expect_calls(const char *calls)
{
	ck_assert_str_eq(rig.p.calls, calls);
	rig.p.calls[0] = '\0';
}

void expect_said(const char *said)
{
	ck_assert_str_eq(f.said, said);
	f.said[0] = '\0';
}

bool reason_had(const char *words)
{
	return strstr(f.reasons, words);
}
