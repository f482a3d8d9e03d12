/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/job.h"
#include "manager/private.h"

/* What a sequence that is cancelled leaves. */
struct telling {
	const struct sequence *sequence;
	const struct cancel_view *view;
};

static void tell_guest(void *data, const struct report *report)
{
	const struct telling *t = data;
	usec_t since;
	const struct machine *machine = executor_machine(t->sequence->manager->executor,
							 &report->step->uuid, &since);
	bool asked;

	/* A guest can be at work in another sequence. */
	if (report->final || !machine || machine->step != report->step ||
	    machine->state == MACHINE_WAITING)
		return;
	asked = machine->state == MACHINE_ASKED && report->stage != STAGE_SYSRQ;
	t->view->guest(t->view->data, report->step->name, report->stage, !asked);
}

static void tell_sequence(const struct sequence *s, const struct cancel_view *view)
{
	struct telling telling = {.sequence = s, .view = view};
	bool restart = s->restarts || s->restarted;

	view->sequence(view->data, restart ? "restart" : goal_to_string(plan_goal(s->goal)),
		       (const char *const *)s->names, s->n_names);
	if (s->job)
		job_reports(s->job, tell_guest, &telling);
}

void manager_tell_cancelled(const struct manager *m, const struct cancel_view *view)
{
	const struct sequence *s;

	TAILQ_FOREACH(s, &m->sequences, entry)
		if (sequence_is_by_hand(s))
			tell_sequence(s, view);
}

void manager_note_cut(struct sequence *s)
{
	s->cut_short = s->restarts || !s->planned || s->waits.n > 0;
}

bool manager_was_cut_short(const struct job *job)
{
	return sequence_was_cut_short(job_data(job));
}

bool manager_stops_for_host(const struct manager *m)
{
	const struct sequence *s;

	TAILQ_FOREACH(s, &m->sequences, entry)
		if (s->for_host && !s->broken_off)
			return true;
	return false;
}
