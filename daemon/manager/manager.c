/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "manager/manager.h"

#include "engine/job.h"
#include "manager/private.h"
#include "settings-files/keeper.h"
#include "util/log.h"
#include "util/str.h"
#include "world/migrated.h"

/* A stop whose next step fails is tried again so often, after such pauses. */
#define TRIES_MAX 10
#define TRY_PAUSE USEC_PER_SEC

/* Sequences. */

static void remember_pace(const struct sequence *s)
{
	struct manager *m = s->manager;
	const char *directory = world_inventory(m->world)->directory;
	uint64_t rate = pace_rate(&s->pace);

	/* A guest that is named says little of all of them. */
	if (!m->config || s->n_names > 0)
		return;
	if (rate > 0)
		ledger_file_add_pace(m->ledger, rate, pace_disk_rate(&s->pace), s->saved_as,
				     s->saved_to ? s->saved_to : directory);
	else if (s->squeezed && paces_forgive(manager_paces(m)) > 0)
		ledger_file_add_pace(m->ledger, paces_forgive(manager_paces(m)), 0,
				     m->config->guests.compression, directory);
	else
		return;
	manager_set_limits(m);
}

void manager_end_sequence(struct sequence *s, int error, const char *reason)
{
	struct manager *m = s->manager;
	struct following *f;

	sequence_log_end(s, error, reason, loop_now(m->loop));
	remember_pace(s);
	TAILQ_REMOVE(&m->sequences, s, entry);
	while ((f = TAILQ_FIRST(&s->following))) {
		struct follower follower = f->follower;

		TAILQ_REMOVE(&s->following, f, entry);
		free(f);
		follower.done(follower.data, error, reason, s->job);
	}
	timer_set_after(m->advance, 0);
	sequence_free(s);
	manager_tell_changed(m);
}

void manager_fail_sequence(struct sequence *s, const char *reason)
{
	struct manager *m = s->manager;

	if (!s->job) {
		manager_end_sequence(s, -EIO, reason);
		return;
	}
	sequence_fail(s, reason);
	executor_kick(m->executor);
}

bool manager_try_again(struct sequence *s, const char *reason)
{
	struct manager *m = s->manager;

	if (sequence_is_start(s) || world_lost(m->world) || ++s->tries > TRIES_MAX) {
		manager_fail_sequence(s, reason);
		return false;
	}
	log_warning("stop: %s, retrying", reason);
	s->phase = PHASE_READY;
	s->retry_at = usec_add(loop_now(m->loop), TRY_PAUSE);
	timer_set(m->advance, s->retry_at);
	return true;
}

/* A guest that is started after a stop of all must not be one that this stop stops next. */
bool manager_waits_for_stop(const struct sequence *s)
{
	const struct manager *m = s->manager;

	return sequence_is_start(s) && (m->refusal || sequences_stop_all(&m->sequences));
}

/* Other operations change the images, which a start reads, and the room for them. */
static void bring_up_to_date(struct sequence *s)
{
	if (s->phase == PHASE_READY && s->outdated && sequence_is_start(s))
		s->phase = PHASE_NEW;
	else if (s->phase == PHASE_READY && s->outdated)
		world_forget_room(s->manager->world);
	s->outdated = s->outdated && s->phase == PHASE_LOOKING;
}

static void advance(struct sequence *s)
{
	const char *reason = NULL;
	bool news = manager_has_news(s);
	int r = 0;

	if (manager_waits_for_stop(s) || loop_now(s->manager->loop) < s->retry_at ||
	    (s->phase == PHASE_READY && manager_waits_in_vain(s) && !news))
		return;
	if (news)
		s->phase = PHASE_READY;
	bring_up_to_date(s);
	if (s->phase == PHASE_NEW)
		r = manager_look(s);
	if (r >= 0 && s->phase == PHASE_READY) {
		r = manager_begin_free(s, &reason);
		if (r >= 0)
			s->tries = 0;
	}
	if (r < 0)
		manager_try_again(s, reason ? reason : strerror(-r));
}

static void on_advance(void *data)
{
	struct manager *m = data;
	struct sequence *s, *next;

	for (s = TAILQ_FIRST(&m->sequences); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		advance(s);
	}
	TAILQ_FOREACH(s, &m->sequences, entry)
		if (s->retry_at > loop_now(m->loop) && !timer_is_set(m->advance))
			timer_set(m->advance, s->retry_at);
	/* An obstacle to a reaction to a guest's end may be gone. */
	manager_react(m);
}

typedef void (*end_job_fn)(struct executor *ex, struct job *job, const char *reason);

/* Stages that have begun are finished, and no other guest follows. Returns the number of sequences.
 */
static size_t break_off(struct manager *m, bool (*which)(const struct sequence *s),
			end_job_fn end_job, const char *reason)
{
	struct sequence *s, *next;
	size_t n = 0;

	for (s = TAILQ_FIRST(&m->sequences); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (!which(s))
			continue;
		n++;
		if (s->phase == PHASE_LOOKING)
			world_unrefresh(m->world, s->refresh);
		if (s->job) {
			s->broken_off = true;
			s->phase = PHASE_RUNNING;
			end_job(m->executor, s->job, reason);
		} else {
			manager_end_sequence(s, -ECANCELED, reason);
		}
	}
	return n;
}

static bool is_start_only(const struct sequence *s)
{
	return sequence_is_start(s) && !s->restarted;
}

/* Nothing that was asked for before a stop of all follows that stop. */
static void clear_for_stop(struct manager *m, bool for_host)
{
	struct sequence *s;

	/* If the host stays up, the guests of a restart are started. */
	TAILQ_FOREACH(s, &m->sequences, entry) {
		s->restarts = s->restarts && for_host;
		s->restarted = s->restarted && for_host;
		if (s->restarted && !s->broken_off && !s->failed)
			manager_put_back(s, "the host goes down");
	}
	break_off(m, is_start_only, executor_cancel, "a stop was asked for");
	manager_abort_builds(m);
}

/* A request to the manager. */
struct wish {
	enum goal goal;
	bool restarts;
	const char *const *names;
	size_t n_names;
	bool for_host;
	usec_t deadline, end; /* of the host */
};

static int add_sequence(struct manager *m, const struct wish *wish, struct sequence **ret)
{
	struct sequence *s;
	int r;

	if (goal_is_start(wish->goal) && m->refusal)
		return -ESHUTDOWN;
	r = sequence_new(m, wish->goal, wish->names, wish->n_names, loop_now(m->loop), &s);
	if (r < 0)
		return r;
	s->for_host = wish->for_host;
	if (sequence_stops_all(s))
		clear_for_stop(m, s->for_host);
	TAILQ_INSERT_TAIL(&m->sequences, s, entry);
	s->number = ++m->newest;
	timer_set_after(m->advance, 0);
	*ret = s;
	return 0;
}

/* The same that is under way, or a new one. 0 or -errno. */
static int find_or_add(struct manager *m, const struct wish *wish, struct sequence **ret)
{
	struct sequence *s = wish->for_host
				     ? sequences_find_for_host(&m->sequences)
				     : sequences_find(&m->sequences, wish->goal, wish->restarts,
						      wish->names, wish->n_names);

	/* A later request may have undone the work of that sequence. */
	if (!s || (!s->for_host && s->number != m->newest))
		return add_sequence(m, wish, ret);
	if (s->for_host && s->number != m->newest) {
		clear_for_stop(m, true);
		s->number = ++m->newest;
	}
	*ret = s;
	return 0;
}

static int request(struct manager *m, const struct wish *wish, const struct follower *follower,
		   uint64_t *ret_id)
{
	struct sequence *s;
	int r;

	if (manager_obstacle(m, wish->goal) || (wish->restarts && manager_obstacle(m, GOAL_START)))
		return -EHOSTDOWN;
	if (wish->restarts && m->refusal)
		return -ESHUTDOWN;
	r = find_or_add(m, wish, &s);
	if (r < 0)
		return r;
	s->restarts = wish->restarts;
	/* PID 1 may have other limits than logind, and knows of them later. */
	if (s->for_host)
		manager_set_end(s, wish->deadline, wish->end);
	r = sequence_follow(s, m->last_id + 1, follower);
	if (r < 0)
		return r;
	*ret_id = ++m->last_id;
	/* There may be less time than before for guests that wait for others. */
	executor_kick(m->executor);
	return 0;
}

int manager_request(struct manager *m, enum goal goal, const char *const *names, size_t n_names,
		    const struct follower *follower, uint64_t *ret_id)
{
	return request(m, &(struct wish){.goal = goal, .names = names, .n_names = n_names},
		       follower, ret_id);
}

int manager_restart(struct manager *m, bool forced, const char *const *names, size_t n_names,
		    const struct follower *follower, uint64_t *ret_id)
{
	return request(m,
		       &(struct wish){.goal = forced ? GOAL_STOP_FORCED : GOAL_STOP,
				      .restarts = true,
				      .names = names,
				      .n_names = n_names},
		       follower, ret_id);
}

int manager_stop_until(struct manager *m, usec_t deadline, usec_t end,
		       const struct follower *follower, uint64_t *ret_id)
{
	return request(
		m,
		&(struct wish){
			.goal = GOAL_STOP, .for_host = true, .deadline = deadline, .end = end},
		follower, ret_id);
}

void manager_unfollow(struct manager *m, uint64_t id)
{
	struct sequence *s;

	TAILQ_FOREACH(s, &m->sequences, entry)
		if (sequence_unfollow(s, id))
			return;
}

void manager_rest(struct manager *m, const char *reason)
{
	break_off(m, sequence_is_for_host, executor_rest, reason);
}

size_t manager_cancel(struct manager *m, const char *reason, const struct cancel_view *view)
{
	struct sequence *s;

	TAILQ_FOREACH(s, &m->sequences, entry)
		uuid_list_clear(&s->wanted_down);
	if (view)
		manager_tell_cancelled(m, view);
	TAILQ_FOREACH(s, &m->sequences, entry)
		if (sequence_is_by_hand(s))
			manager_note_cut(s);
	return break_off(m, sequence_is_by_hand, executor_release, reason);
}

bool manager_wants_down(const struct job *job, const struct uuid *uuid)
{
	const struct sequence *s = job_data(job);

	return uuid_list_has(&s->wanted_down, uuid);
}

bool manager_stops_all(const struct manager *m)
{
	return sequences_stop_all(&m->sequences);
}

int manager_refuse_starts(struct manager *m, const char *reason)
{
	/* Sequences that wait for that go on. */
	if (!reason)
		timer_set_after(m->advance, 0);
	return str_replace(&m->refusal, reason);
}

const char *manager_refusal(const struct manager *m)
{
	return m->refusal;
}

int manager_set_notice(struct manager *m, const char *notice)
{
	return str_replace(&m->notice, notice);
}

/* What the world and the executor report. */

static void on_world_changed(void *data)
{
	struct manager *m = data;
	const struct sequence *s;

	if (!m->executor)
		return;
	TAILQ_FOREACH(s, &m->sequences, entry)
		if (manager_has_news(s))
			timer_set_after(m->advance, 0);
	migrated_look(m->ledger, world_hv(m->world), world_domains(m->world));
	executor_domains_changed(m->executor, world_domains(m->world));
	manager_react(m);
	manager_tell_changed(m);
}

static void on_progress(void *data, const struct hv_operation *operation)
{
	struct manager *m = data;

	executor_progress(m->executor, operation);
	manager_tell_shown(m);
}

static void log_resume(const struct hv_operation *operation, const struct operation_result *result)
{
	struct log_fields fields = {
		.message_id = MSG_RESUME_FAILED,
		.domain = operation->name,
		.uuid = &operation->uuid,
		.operation = operation_to_string(operation->operation),
		LOG_FIELDS_NONE,
	};

	log_message(LOG_WARNING, &fields, "Failed to resume the guest: %s", result->reason);
}

static void on_finished(void *data, const struct hv_operation *operation,
			const struct operation_result *result)
{
	struct manager *m = data;
	struct sequence *s;

	/* Whether a disk could be ejected says nothing of the guest, nor of the directories. */
	if (operation->operation == OPERATION_EJECT) {
		if (result->outcome != OPERATION_OK)
			log_warning("%s: Failed to eject a disk: %s", operation->name,
				    result->reason);
		executor_operation_finished(m->executor, operation, result);
		return;
	}
	if (operation->operation == OPERATION_RESUME && result->outcome != OPERATION_OK)
		log_resume(operation, result);
	migrated_note(m->ledger, operation, result);
	/* No sequence waits for an operation of an earlier daemon: keep the result for status. */
	if (operation->adopted)
		manager_keep_result(m, operation, result);
	executor_operation_finished(m->executor, operation, result);
	TAILQ_FOREACH(s, &m->sequences, entry)
		s->outdated = s->outdated || !sequence_is_start(s) ||
			      sequence_concerns(s, operation->name, &operation->uuid);
	timer_set_after(m->advance, 0);
}

static void on_lost(void *data)
{
	manager_tell_shown(data);
}

static void on_report(void *data, struct job *job, const struct report *report)
{
	struct manager *m = data;
	struct sequence *s = job_data(job);
	struct following *f;

	if (report->final) {
		if (!job_left_up(job, report))
			manager_keep_outcome(m, report);
		/* Others may wait for this guest. */
		timer_set_after(m->advance, 0);
	}
	if (report->stage == STAGE_SAVE && report->result == RESULT_RUNNING)
		manager_hurry_saves(m);
	if (m->config)
		sequence_measure(s, report, world_inventory(m->world)->directory,
				 m->config->guests.compression, loop_now(m->loop));
	if (report->final && report->goal == GOAL_REACT && report->result == RESULT_FAILED)
		restarts_give_up(m->restarts, &report->step->uuid, report->domid);
	TAILQ_FOREACH(f, &s->following, entry)
		f->follower.report(f->follower.data, report);
	manager_tell_shown(m);
}

static void on_waits(void *data _unused_, struct job *job, const struct report *report)
{
	struct sequence *s = job_data(job);
	struct following *f;

	TAILQ_FOREACH(f, &s->following, entry)
		if (f->follower.waits)
			f->follower.waits(f->follower.data, report);
	manager_tell_shown(s->manager);
}

static bool on_job_drained(void *data _unused_, struct job *job)
{
	return manager_drained(job_data(job));
}

static usec_t on_deadline(void *data _unused_, const struct job *job)
{
	const struct sequence *s = job_data(job);

	return sequence_is_for_host(s) ? s->deadline : USEC_INFINITY;
}

static void on_job_finished(void *data _unused_, struct job *job)
{
	struct sequence *s = job_data(job);

	if (s->failed)
		manager_end_sequence(s, -EIO, s->trouble ? s->trouble : strerror(ENOMEM));
	else
		manager_end_sequence(s, 0, NULL);
}

int manager_new(struct loop *loop, struct hv *hv, struct ledger_file *ledger,
		const struct settings_paths *paths, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	_cleanup_free_ char *reason = NULL;
	int r;

	if (!m) {
		hv_free(hv);
		return -ENOMEM;
	}
	*m = (struct manager){.loop = loop, .ledger = ledger, .paths = paths};
	TAILQ_INIT(&m->sequences);
	LIST_INIT(&m->watchers);
	m->restarts = restarts_new(ledger);
	if (!m->restarts) {
		hv_free(hv);
		return -ENOMEM;
	}
	r = world_new(loop, hv, ledger,
		      &(struct world_callbacks){
			      .changed = on_world_changed,
			      .lost = on_lost,
			      .progress = on_progress,
			      .finished = on_finished,
			      .data = m,
		      },
		      &m->world);
	if (r < 0)
		return r;
	r = executor_new(loop, world_hv(m->world), ledger_file_path(ledger),
			 &(struct executor_callbacks){
				 .report = on_report,
				 .waits = on_waits,
				 .drained = on_job_drained,
				 .deadline = on_deadline,
				 .finished = on_job_finished,
				 .data = m,
			 },
			 &m->executor);
	r = r < 0 ? r : timer_new(loop, on_advance, m, &m->advance);
	r = r < 0 ? r : timer_new(loop, manager_on_hurry, m, &m->hurry);
	r = r < 0 ? r : timer_new(loop, manager_on_react, m, &m->react);
	r = r < 0 ? r : settings_keeper_new(loop, paths, manager_on_unkept, m, &m->keeper);
	if (r < 0)
		return r;
	r = manager_reload(m, &reason);
	if (r < 0 && r != -EINVAL)
		return r;
	/* To what has happened while no daemon ran. */
	timer_set_after(m->react, 0);
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	struct sequence *s;

	if (!m)
		return NULL;
	if (m->world)
		manager_keep_ends(m);
	settings_keeper_free(m->keeper);
	executor_free(m->executor);
	world_free(m->world);
	while ((s = TAILQ_FIRST(&m->sequences))) {
		TAILQ_REMOVE(&m->sequences, s, entry);
		sequence_free(s);
	}
	timer_free(m->advance);
	timer_free(m->hurry);
	timer_free(m->react);
	config_free(m->config);
	config_free(m->refused);
	free(m->config_error);
	free(m->refusal);
	free(m->notice);
	restarts_free(m->restarts);
	free(m);
	return NULL;
}

struct world *manager_world(const struct manager *m)
{
	return m->world;
}

const struct ledger *manager_ledger(const struct manager *m)
{
	return ledger_file_get(m->ledger);
}
