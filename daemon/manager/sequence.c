/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/sequence.h"

#include "engine/job.h"
#include "util/log.h"
#include "util/str.h"

void sequence_free(struct sequence *s)
{
	struct following *f;

	while ((f = TAILQ_FIRST(&s->following))) {
		TAILQ_REMOVE(&s->following, f, entry);
		free(f);
	}
	for (size_t i = 0; i < s->n_names; i++)
		free(s->names[i]);
	free(s->names);
	uuid_list_clear(&s->waits);
	uuid_list_clear(&s->leave_down);
	uuid_list_clear(&s->wanted_down);
	free(s->trouble);
	free(s->saved_to);
	free(s);
}

int sequence_new(struct manager *m, enum goal goal, const char *const *names, size_t n_names,
		 usec_t now, struct sequence **ret)
{
	struct sequence *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct sequence){
		.manager = m,
		.goal = goal,
		.started = now,
		.deadline = USEC_INFINITY,
		.end = USEC_INFINITY,
		.save_end = USEC_INFINITY,
	};
	TAILQ_INIT(&s->following);
	s->names = calloc(n_names + 1, sizeof(*s->names));
	for (; s->names && s->n_names < n_names; s->n_names++) {
		s->names[s->n_names] = strdup(names[s->n_names]);
		if (!s->names[s->n_names])
			break;
	}
	if (!s->names || s->n_names < n_names) {
		sequence_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

bool sequence_concerns(const struct sequence *s, const char *name, const struct uuid *uuid)
{
	struct uuid named;

	for (size_t i = 0; i < s->n_names; i++)
		if (str_equal(s->names[i], name) ||
		    (uuid_parse(s->names[i], &named) >= 0 && uuid_equal(&named, uuid)))
			return true;
	return s->n_names == 0;
}

void sequence_fail(struct sequence *s, const char *trouble)
{
	s->failed = true;
	str_replace(&s->trouble, trouble);
	s->phase = PHASE_RUNNING;
}

static bool is_known(const struct requester *r)
{
	return r->name || r->pid > 0;
}

int sequence_follow(struct sequence *s, uint64_t id, const struct follower *follower)
{
	struct following *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct following){.id = id, .follower = *follower};
	if (!is_known(&s->requester))
		s->requester = follower->requester;
	TAILQ_INSERT_TAIL(&s->following, f, entry);
	return 0;
}

bool sequence_unfollow(struct sequence *s, uint64_t id)
{
	struct following *f;

	TAILQ_FOREACH(f, &s->following, entry)
		if (f->id == id) {
			TAILQ_REMOVE(&s->following, f, entry);
			free(f);
			return true;
		}
	return false;
}

int sequence_plan(const struct sequence *s, const struct config *config,
		  const struct inventory *inventory, const struct ledger *ledger, usec_t now,
		  struct plan **ret)
{
	const struct paces *paces = ledger_paces(ledger, config->guests.compression,
						 inventory->directory);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	int r = plan_build(s->goal, config, inventory, (const char *const *)s->names, s->n_names,
			   &plan);

	if (r >= 0 && s->for_host)
		r = plan_fit(plan, config, paces_expect(paces), usec_left(s->deadline, now),
			     usec_left(s->save_end, now), usec_left(s->end, now));
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

void sequence_say_plainly(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_steps; i++)
		if (plan->steps[i].n_stages > 0 && plan->steps[i].reason &&
		    (plan->limit > 0 || plan->squeezed || plan->steps[i].late))
			log_warning("%s: %s", plan->steps[i].name, plan->steps[i].reason);
}

void sequence_measure(struct sequence *s, const struct report *report, const char *directory,
		      enum compression compression, usec_t now)
{
	uint64_t kib = report->step->memory_kib;

	if (report->stage != STAGE_SAVE)
		return;
	switch (report->result) {
	case RESULT_RUNNING:
		/* A reload can have saves go elsewhere before the end, or in another way. */
		if (s->pace.first == 0) {
			str_replace(&s->saved_to, directory);
			s->saved_as = compression;
		}
		pace_begin(&s->pace, now);
		break;
	case RESULT_OK:
		pace_end(&s->pace, now, kib, report->written > 0 ? report->written / 1024 : kib);
		break;
	case RESULT_FAILED:
		/* What it wrote is not known. The fastest of several stops counts for the disk. */
		pace_end(&s->pace, now, kib * report->permille / 1000, 0);
		break;
	case RESULT_SKIPPED:
	case _RESULT_MAX:
	case _RESULT_INVALID:
		break;
	}
}

static void log_sequence(const struct sequence *s, int level, const struct log_fields *fields,
			 const char *text)
{
	if (s->goal != GOAL_REACT)
		log_message(level, fields, "%s of %s guests: %s", fields->operation,
			    s->n_names ? "named" : "all", text);
}

void sequence_log_begin(const struct sequence *s)
{
	struct log_fields fields = {
		.message_id = MSG_SEQUENCE_STARTED,
		.operation = goal_to_string(s->goal),
		LOG_FIELDS_NONE,
		.requester = &s->requester,
	};
	const struct requester *r = &s->requester;
	_cleanup_free_ char *text = NULL;

	if (r->name)
		str_format(&text, "begins, requested by %s", r->name);
	else if (r->pid > 0)
		str_format(&text, "begins, requested by user %" PRIu32 " with process %" PRIu32,
			   r->uid, r->pid);
	log_sequence(s, LOG_NOTICE, &fields, text ? text : "begins");
}

bool sequence_was_cut_short(const struct sequence *s)
{
	return s->cut_short || job_was_cut_short(s->job);
}

static enum result end_result(const struct sequence *s, int error)
{
	if (error == -ECANCELED)
		return RESULT_SKIPPED;
	if (error < 0 || !job_succeeded(s->job))
		return RESULT_FAILED;
	return sequence_was_cut_short(s) ? RESULT_SKIPPED : RESULT_OK;
}

void sequence_log_end(const struct sequence *s, int error, const char *reason, usec_t now)
{
	static const struct {
		const char *message_id, *text;
		int level;
	} ends[_RESULT_MAX] = {
		[RESULT_OK] = {MSG_SEQUENCE_DONE, "done", LOG_NOTICE},
		[RESULT_SKIPPED] = {MSG_SEQUENCE_CUT, "cancelled", LOG_NOTICE},
		[RESULT_FAILED] = {MSG_SEQUENCE_FAILED, "finished; some guests failed", LOG_ERR},
	};
	enum result result = end_result(s, error);
	struct log_fields fields = {
		.message_id = ends[result].message_id,
		.operation = goal_to_string(s->goal),
		.result = result_to_string(result),
		.domid = DOMID_NONE,
		.elapsed = usec_sub(now, s->started),
	};

	log_sequence(s, ends[result].level, &fields, reason ? reason : ends[result].text);
}

/* Whether it is for these guests and no others. */
static bool is_for(const struct sequence *s, const char *const *names, size_t n_names)
{
	if (s->n_names != n_names)
		return false;
	for (size_t i = 0; i < n_names; i++)
		if (!str_equal(s->names[i], names[i]))
			return false;
	return true;
}

struct sequence *sequences_find(const struct sequence_list *list, enum goal goal, bool restarts,
				const char *const *names, size_t n_names)
{
	struct sequence *s, *last = NULL;

	/* Only the newest counts: after a stop, a new start does not join an earlier start. */
	TAILQ_FOREACH(s, list, entry)
		if (s->goal != GOAL_REACT)
			last = s;
	return last && last->goal == goal && last->restarts == restarts && !last->broken_off &&
			       !last->failed && !last->for_host && is_for(last, names, n_names)
		       ? last
		       : NULL;
}

struct sequence *sequences_find_for_host(const struct sequence_list *list)
{
	struct sequence *s;

	TAILQ_FOREACH(s, list, entry)
		if (s->for_host && !s->broken_off && !s->failed)
			return s;
	return NULL;
}

bool sequences_stop_all(const struct sequence_list *list)
{
	const struct sequence *s;

	TAILQ_FOREACH(s, list, entry)
		if (sequence_stops_all(s) && !s->broken_off && !s->failed)
			return true;
	return false;
}
