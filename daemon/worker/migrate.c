/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "util/fd.h"
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
	struct job *job = data;

	return xl_interrupted(job->xl);
}

/* After the point of no return nothing ends the waiting early: only the answer tells. */
static int check_nothing(void *data _unused_)
{
	return 0;
}

static int explain_peer(struct job *job, int error)
{
	_cleanup_free_ char *text = NULL;

	if (error == -ECANCELED || error == -ETIME)
		return job_explain_xl(job, error, NULL);
	text = peer_explain(job->peer, error);
	return job_explain(job, -EREMOTEIO, "%s", text ? text : strerror(-error));
}

static int await(struct job *job, enum handshake_answer answer)
{
	int r = peer_await(job->peer, answer, job->record.request.answer_limit, check_stop, job);

	return r < 0 ? explain_peer(job, r) : 0;
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

static int greet(struct job *job, const char *config, const struct xl_domain *d,
		 const struct target *target)
{
	_cleanup_free_ uint8_t *header = NULL;
	size_t size;
	int r = make_header(config, d, target, &header, &size);

	if (r < 0)
		return job_explain(job, r, "failed to parse the configuration of the domain");
	r = await(job, HANDSHAKE_BANNER);
	if (r < 0)
		return r;
	r = fd_write_all(peer_input(job->peer), header, size);
	return r < 0 ? explain_peer(job, r) : 0;
}

static int transfer(struct job *job, const struct xl_domain *d, const struct target *target)
{
	usec_t limit = job->record.request.answer_limit;
	struct pump_result result;
	struct pump *pump;
	int pipe, sent;
	bool here; /* it failed on this side, and the other one knew of nothing */
	int r = pump_to_peer(peer_input(job->peer), limit, &pump, &pipe);

	if (r < 0)
		return r;
	job->pump = pump;
	job->expected = d->memory_kib * 1024;
	sent = xl_migrate(job->xl, d->domid, pipe, target->debug);
	job->pump = NULL;
	here = sent < 0 && !pump_has_ended(pump);
	/* Else what is under way would have to go through first. */
	if (here)
		peer_kill(job->peer);
	close(pipe);
	pump_join(pump, &result);
	if (here || sent == -ECANCELED || sent == -ETIME)
		return job_explain_xl(job, sent, NULL);
	if (result.error == -ETIMEDOUT)
		return job_explain(job, -EREMOTEIO, "%s: has taken nothing for %llu s",
				   target->host, (unsigned long long)(limit / USEC_PER_SEC));
	/* Where the other side has gone, libxl only knows that it could not write. */
	if (result.error < 0 && result.error != -EBADMSG)
		return explain_peer(job, result.error);
	if (sent < 0)
		return job_explain_xl(job, sent, NULL);
	if (result.error < 0)
		return job_explain(job, -EBADMSG, "libxl wrote an invalid stream: %s",
				   stream_problem_to_string(result.problem));
	job->result.bytes = result.bytes;
	return 0;
}

/* The guest stands still, and waits for leave on the other side. Gives it, if all is prepared. */
static int permit(struct job *job, const struct xl_domain *d, const struct target *target)
{
	int r = job_mark_target(job, OPERATION_MARK_HANDOVER, target->host);

	if (r < 0)
		return r;
	/* First the word that it may run there, lest a boot of this host starts it here as well. */
	r = life_depart(job, LEDGER_LEAVING, target->host);
	if (r < 0)
		return job_explain(job, r, "failed to write %s: %s", job->record.request.ledger,
				   life_error(r));
	r = handover_rename(job, d->domid);
	if (r < 0)
		return r;
	r = xl_interrupted(job->xl);
	if (r < 0)
		return job_explain_xl(job, r, NULL);
	r = job_mark_target(job, OPERATION_MARK_PERMITTED, target->host);
	if (r < 0)
		return r;
	/* It goes into the pipe as a whole, or not at all: an error says that it has not. */
	r = fd_write_all(peer_input(job->peer), handshake_permission, handshake_permission_size);
	if (r >= 0)
		return 0;
	job_mark_target(job, OPERATION_MARK_RETURNED, target->host);
	return explain_peer(job, r);
}

static int give_back(struct job *job, const struct xl_domain *d, const struct target *target,
		     unsigned status)
{
	_cleanup_free_ char *words = peer_explain(job->peer, -EPIPE);

	/* Only recovery needs the mark: without it a dead worker's guest would stay suspended. */
	job_mark_target(job, OPERATION_MARK_RETURNED, target->host);
	job_explain(job, -EREMOTEIO, "%s could not let it run (status %u): %s", target->host,
		    status, words ? words : "it did not say why");
	return handover_take_back(job, d->domid, -EREMOTEIO);
}

/* The permission is sent: waits for the outcome. */
static int conclude(struct job *job, const struct xl_domain *d, const struct target *target)
{
	usec_t limit = job->record.request.answer_limit;
	_cleanup_free_ char *why = NULL;
	unsigned status;
	int r = peer_await(job->peer, HANDSHAKE_REPORT, limit, check_nothing, NULL);

	if (r >= 0 && peer_status(job->peer) == 0) {
		if (job_mark_target(job, OPERATION_MARK_MIGRATED, target->host) < 0)
			log_warning("%s: Failed to write the operation file",
				    job->record.request.name);
		return handover_finish(job, d, target->host);
	}
	if (r >= 0) {
		status = peer_status(job->peer);
		r = peer_await(job->peer, HANDSHAKE_RETURN, limit, check_nothing, NULL);
		if (r >= 0)
			return give_back(job, d, target, status);
	}
	why = peer_explain(job->peer, r);
	return handover_undecided(job, d, target->host, why ? why : strerror(-r));
}

static int migrate(struct job *job, const char *config, const struct xl_domain *d,
		   const struct target *target)
{
	int r = greet(job, config, d, target);

	r = r < 0 ? r : transfer(job, d, target);
	r = r < 0 ? r : await(job, HANDSHAKE_READY);
	r = r < 0 ? r : permit(job, d, target);
	return r < 0 ? handover_take_back(job, d->domid, r) : conclude(job, d, target);
}

static int migrate_to(struct job *job, const char *config, const struct xl_domain *d,
		      const struct target *target)
{
	_cleanup_(peer_freep) struct peer *peer = NULL;
	int r = peer_start(target, &peer);

	if (r < 0)
		return job_explain(job, r, "failed to run %s: %s", target->command[0],
				   strerror(-r));
	job->peer = peer;
	job->record.mark = OPERATION_MARK_NONE;
	r = migrate(job, config, d, target);
	job->peer = NULL;
	return r;
}

/* Another host is tried unless it is this one, or the guest itself, that was the matter. */
static bool may_try_another(struct job *job, const struct xl_domain *d, int error)
{
	struct xl_domain now;

	if (job->result.outcome == OPERATION_UNDECIDED || error == -ETIMEDOUT ||
	    xl_interrupted(job->xl) < 0)
		return false;
	return job_find_domain(job, &now) >= 0 && !now.shutdown && now.domid == d->domid;
}

/* The reasons of all hosts, one after the other. */
static int add_reason(struct job *job, char **reasons)
{
	_cleanup_free_ char *last = *reasons;

	*reasons = NULL;
	return str_format(reasons, "%s%s%s", last ? last : "", last ? "; " : "",
			  job->result.reason ? job->result.reason : "failed");
}

int run_migrate(struct job *job)
{
	const struct operation_request *request = &job->record.request;
	_cleanup_free_ char *config = NULL, *reasons = NULL;
	struct xl_domain d;
	int r = job_find_domain(job, &d);

	if (r < 0)
		return job_explain(job, r, "domain %u is not there any more", request->domid);
	if (d.shutdown)
		return job_explain(job, -ESHUTDOWN, "the guest has shut down already");
	if (request->targets.n == 0 || !request->ledger)
		return job_explain(job, -EINVAL, "no host to migrate to is configured");
	r = xl_get_config(job->xl, d.domid, &config);
	if (r < 0)
		return job_explain_xl(job, r, "failed to get the configuration of the domain");
	for (size_t i = 0; i < request->targets.n; i++) {
		r = migrate_to(job, config, &d, &request->targets.targets[i]);
		if (r >= 0)
			return r;
		if (add_reason(job, &reasons) < 0)
			return r;
		free(TAKE_PTR(job->result.reason));
		if (!may_try_another(job, &d, r))
			break;
	}
	job->result.reason = TAKE_PTR(reasons);
	return r;
}
