/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/fd.h"
#include "util/human.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/json.h"
#include "worker/handover.h"
#include "worker/image/image.h"
#include "worker/life.h"
#include "worker/peer.h"

/*
 * A guest on its way to another host, live: it runs here until its last pages go. We are the
 * sender of xl's protocol (worker/handshake.h). Until the other side is given leave to let the
 * guest run, anything that goes wrong leaves it running here.
 */

/* Watches while an answer is awaited. */
static int check_stop(void *data)
{
	struct task *task = data;

	return xl_interrupted(task->xl);
}

/* After the point of no return nothing ends the waiting early: only the answer tells. */
static int check_nothing(void *data _unused_)
{
	return 0;
}

static int explain_peer(struct task *task, int error)
{
	_cleanup_free_ char *text = NULL;

	if (error == -ECANCELED || error == -ETIME)
		return task_explain_xl(task, error, NULL);
	text = peer_explain(task->peer, error);
	return task_explain(task, -EREMOTEIO, "%s", text ? text : strerror(-error));
}

static int await(struct task *task, enum handshake_answer answer)
{
	int r = peer_await(task->peer, answer, task->record.request.answer_limit, check_stop, task);

	return r < 0 ? explain_peer(task, r) : 0;
}

/* What the other host builds the guest from: with a number of its own, unless that is to stay. */
static int make_header(const char *config, const struct xl_domain *d, const struct target *target,
		       uint8_t **ret, size_t *ret_size)
{
	_cleanup_json_ struct json_object *o = NULL;
	struct json_object *info;
	int r = json_parse(config, strlen(config), &o);

	if (r < 0)
		return r;
	info = json_get(o, "c_info", json_type_object);
	if (!info)
		return -EBADMSG;
	r = json_add_u64(info, "domid", target->keep_domid ? d->domid : 0);
	return r < 0 ? r : image_header_plain(json_text(o, NULL), ret, ret_size);
}

static int greet(struct task *task, const char *config, const struct xl_domain *d,
		 const struct target *target)
{
	_cleanup_free_ uint8_t *header = NULL;
	size_t size;
	int r = make_header(config, d, target, &header, &size);

	if (r < 0)
		return task_explain(task, r, "failed to parse the configuration of the domain");
	r = await(task, HANDSHAKE_BANNER);
	if (r < 0)
		return r;
	r = fd_write_all(peer_input(task->peer), header, size);
	return r < 0 ? explain_peer(task, r) : 0;
}

static int transfer(struct task *task, const struct xl_domain *d, const struct target *target)
{
	usec_t limit = task->record.request.answer_limit;
	struct pump_result result;
	struct pump *pump;
	int pipe, sent;
	bool here; /* it failed on this side, and the other one knew of nothing */
	int r = pump_to_peer(peer_input(task->peer), limit, &pump, &pipe);

	if (r < 0)
		return r;
	task->pump = pump;
	task->expected = d->memory_kib * 1024;
	sent = xl_migrate(task->xl, d->domid, pipe, target->debug);
	task->pump = NULL;
	here = sent < 0 && !pump_has_ended(pump);
	/* Else what is under way would have to go through first. */
	if (here)
		peer_kill(task->peer);
	close(pipe);
	pump_join(pump, &result);
	if (here || sent == -ECANCELED || sent == -ETIME)
		return task_explain_xl(task, sent, NULL);
	if (result.error == -ETIMEDOUT)
		return task_explain(task, -EREMOTEIO, "%s: has taken nothing for %s", target->host,
				    DURATION(limit));
	/* Where the other side has gone, libxl only knows that it could not write. */
	if (result.error < 0 && result.error != -EBADMSG)
		return explain_peer(task, result.error);
	if (sent < 0)
		return task_explain_xl(task, sent, NULL);
	if (result.error < 0)
		return task_explain(task, -EBADMSG, "libxl wrote an invalid stream: %s",
				    stream_problem_to_string(result.problem));
	task->result.bytes = result.bytes;
	return 0;
}

/* The guest stands still, and waits for leave on the other side. Gives it, if all is prepared. */
static int permit(struct task *task, const struct xl_domain *d, const struct target *target)
{
	int r = task_mark_target(task, OPERATION_MARK_HANDOVER, target->host);

	if (r < 0)
		return r;
	/* First the word that it may run there, lest a boot of this host starts it here as well. */
	r = life_depart(task, LEDGER_LEAVING, target->host);
	if (r < 0)
		return task_explain(task, r, "failed to write %s: %s", task->record.request.ledger,
				    life_error(r));
	r = handover_rename(task, d->domid);
	if (r < 0)
		return r;
	r = xl_interrupted(task->xl);
	if (r < 0)
		return task_explain_xl(task, r, NULL);
	r = task_mark_target(task, OPERATION_MARK_PERMITTED, target->host);
	if (r < 0)
		return r;
	/* It goes into the pipe as a whole, or not at all: an error says that it has not. */
	r = fd_write_all(peer_input(task->peer), handshake_permission, handshake_permission_size);
	if (r >= 0)
		return 0;
	task_mark_target(task, OPERATION_MARK_RETURNED, target->host);
	return explain_peer(task, r);
}

static int give_back(struct task *task, const struct xl_domain *d, const struct target *target,
		     unsigned status)
{
	_cleanup_free_ char *words = peer_explain(task->peer, -EPIPE);

	/* Only recovery needs the mark: without it a dead worker's guest would stay suspended. */
	task_mark_target(task, OPERATION_MARK_RETURNED, target->host);
	task_explain(task, -EREMOTEIO, "%s could not let it run (status %u): %s", target->host,
		     status, words ? words : "it did not say why");
	return handover_take_back(task, d->domid, -EREMOTEIO);
}

/* The permission is sent: waits for the outcome. */
static int conclude(struct task *task, const struct xl_domain *d, const struct target *target)
{
	usec_t limit = task->record.request.answer_limit;
	_cleanup_free_ char *why = NULL;
	unsigned status;
	int r = peer_await(task->peer, HANDSHAKE_REPORT, limit, check_nothing, NULL);

	if (r >= 0 && peer_status(task->peer) == 0) {
		if (task_mark_target(task, OPERATION_MARK_MIGRATED, target->host) < 0)
			log_warning("%s: Failed to write the operation file",
				    task->record.request.name);
		return handover_finish(task, d, target->host);
	}
	if (r >= 0) {
		status = peer_status(task->peer);
		r = peer_await(task->peer, HANDSHAKE_RETURN, limit, check_nothing, NULL);
		if (r >= 0)
			return give_back(task, d, target, status);
	}
	why = peer_explain(task->peer, r);
	return handover_undecided(task, d, target->host, why ? why : strerror(-r));
}

static int migrate(struct task *task, const char *config, const struct xl_domain *d,
		   const struct target *target)
{
	int r = greet(task, config, d, target);

	r = r < 0 ? r : transfer(task, d, target);
	r = r < 0 ? r : await(task, HANDSHAKE_READY);
	r = r < 0 ? r : permit(task, d, target);
	return r < 0 ? handover_take_back(task, d->domid, r) : conclude(task, d, target);
}

static int migrate_to(struct task *task, const char *config, const struct xl_domain *d,
		      const struct target *target)
{
	_cleanup_(peer_freep) struct peer *peer = NULL;
	int r = peer_start(target, &peer);

	if (r < 0)
		return task_explain(task, r, "failed to run %s: %s", target->command[0],
				    strerror(-r));
	task->peer = peer;
	task->record.mark = OPERATION_MARK_NONE;
	r = migrate(task, config, d, target);
	task->peer = NULL;
	return r;
}

/* Another host is tried unless it is this one, or the guest itself, that was the matter. */
static bool may_try_another(struct task *task, const struct xl_domain *d, int error)
{
	struct xl_domain now;

	if (task->result.outcome == OPERATION_UNDECIDED || error == -ETIMEDOUT ||
	    xl_interrupted(task->xl) < 0)
		return false;
	return task_find_domain(task, &now) >= 0 && !now.shutdown && now.domid == d->domid;
}

/* The reasons of all hosts, one after the other. */
static int add_reason(struct task *task, char **reasons)
{
	_cleanup_free_ char *last = *reasons;

	*reasons = NULL;
	return str_format(reasons, "%s%s%s", last ? last : "", last ? "; " : "",
			  task->result.reason ? task->result.reason : "failed");
}

int run_migrate(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *config = NULL, *reasons = NULL;
	struct xl_domain d;
	int r = task_find_domain(task, &d);

	if (r < 0)
		return task_explain(task, r, "domain %u is not there any more", request->domid);
	if (d.shutdown)
		return task_explain(task, -ESHUTDOWN, "the guest has shut down already");
	if (request->targets.n == 0 || !request->ledger)
		return task_explain(task, -EINVAL, "no host to migrate to is configured");
	r = xl_get_config(task->xl, d.domid, &config);
	if (r < 0)
		return task_explain_xl(task, r, "failed to get the configuration of the domain");
	for (size_t i = 0; i < request->targets.n; i++) {
		r = migrate_to(task, config, &d, &request->targets.targets[i]);
		if (r >= 0)
			return r;
		if (add_reason(task, &reasons) < 0)
			return r;
		free(TAKE_PTR(task->result.reason));
		if (!may_try_another(task, &d, r))
			break;
	}
	task->result.reason = TAKE_PTR(reasons);
	return r;
}
