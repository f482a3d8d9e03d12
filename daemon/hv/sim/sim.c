/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/sim.h"

#include "hv/sim/actor.h"
#include "hv/sim/load.h"
#include "hv/sim/read.h"
#include "util/log.h"
#include "util/str.h"

static struct sim *to_sim(struct hv *hv)
{
	return CONTAINER_OF(hv, struct sim, hv);
}

static struct actor *find(struct sim *sim, const struct uuid *uuid)
{
	const struct index_entry *e = index_first(&sim->by_uuid, hash_uuid(uuid));

	for (; e; e = index_next(&sim->by_uuid, e)) {
		struct actor *a = e->item;

		if (uuid_equal(&a->guest->uuid, uuid))
			return a;
	}
	return NULL;
}

static void on_change(void *data)
{
	struct sim *sim = data;

	sim->hv.callbacks.changed(sim->hv.callbacks.data);
}

static int sim_list(struct hv *hv, struct domain_list **ret)
{
	_cleanup_(domain_list_freep) struct domain_list *l = calloc(1, sizeof(*l));
	struct sim *sim = to_sim(hv);
	int r;

	if (!l)
		return -ENOMEM;
	l->domains = calloc(sim->host->n_guests + sim->remains.n + 1, sizeof(*l->domains));
	if (!l->domains)
		return -ENOMEM;
	l->domains[l->n++] = (struct domain){.domid = 0, .system = true};
	r = str_replace(&l->domains[0].name, "Domain-0");
	for (size_t i = 0; r >= 0 && i < sim->host->n_guests; i++)
		if (sim->actors[i].exists)
			r = actor_describe(&sim->actors[i], &l->domains[l->n++]);
	for (size_t i = 0; r >= 0 && i < sim->remains.n; i++)
		r = sim_remains_list(&sim->remains, i, &l->domains[l->n++]);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(l);
	return 0;
}

static int sim_ask_shutdown(struct hv *hv, const struct domain *domain)
{
	struct actor *a = find(to_sim(hv), &domain->uuid);

	if (!a || !a->exists || a->domid != domain->domid)
		return -ESTALE;
	if (!a->guest->shutdown.hangs && !a->shutdown)
		actor_live_until(a, a->guest->shutdown.duration,
				 a->guest->reboots ? SHUTDOWN_REASON_REBOOT
						   : SHUTDOWN_REASON_POWEROFF);
	return 0;
}

static int sim_shutdown_answer(struct hv *hv, const struct domain *domain)
{
	struct actor *a = find(to_sim(hv), &domain->uuid);

	return a && a->exists && a->guest->shutdown.hangs ? 0 : 1;
}

static int sim_send_sysrq(struct hv *hv, const struct domain *domain, char key)
{
	struct actor *a = find(to_sim(hv), &domain->uuid);

	if (!a || !a->exists || a->domid != domain->domid)
		return -ESTALE;
	log_debug("%s: gets the key %c", a->guest->name, key);
	return 0;
}

/* Operations. */

/* No error is a success. */
static void end_operation(struct actor *a, int error, const char *reason)
{
	struct hv_operation operation = a->operation;
	struct operation_result result = {.error = error, .domid = DOMID_NONE};

	a->operating = false;
	TAILQ_REMOVE(&a->sim->operated, a, entry);
	timer_clear(a->work);
	if (error < 0)
		actor_fail(a);
	else
		actor_succeed(a);
	if (a->exists)
		result.domid = a->domid;
	if (error >= 0 && a->request.targets.n > 0 &&
	    str_replace(&result.target, a->request.targets.targets[0].host) < 0)
		result.error = -ENOMEM;
	result.outcome = result.error < 0 ? OPERATION_FAILED : OPERATION_OK;
	if (reason && str_replace(&result.reason, reason) < 0)
		result.error = -ENOMEM;
	a->sim->hv.callbacks.finished(a->sim->hv.callbacks.data, &operation, &result);
	operation_result_done(&result);
	operation_request_done(&a->request);
}

/* Until the deadline or the progress timeout, or until it is asked to end. */
static void hang(struct actor *a)
{
	usec_t end = a->request.deadline;

	if (a->request.patience > 0)
		end = MIN(end, loop_now(a->sim->loop) + a->request.patience);
	a->hanging = true;
	if (end != USEC_INFINITY)
		timer_set(a->work, end);
}

/* With what others take of the host now; that changes until the next part begins. */
static usec_t time_of_part(const struct actor *a)
{
	const struct sim *sim = a->sim;
	struct sim_load load = {0};
	const struct actor *other;

	if (sim_load_matters(sim->host))
		TAILQ_FOREACH(other, &sim->operated, entry)
			sim_load_add(&load, other->operation.operation);
	return sim_load_part(sim->host, a->guest, a->operation.operation, &load, a->parts);
}

static bool moves_memory(enum operation operation)
{
	return operation == OPERATION_SAVE || operation == OPERATION_RESTORE ||
	       operation == OPERATION_MIGRATE;
}

static void on_work(void *data)
{
	struct actor *a = data;
	struct sim *sim = a->sim;

	if (a->aborted) {
		end_operation(a, -ECANCELED, "cancelled");
		return;
	}
	if (loop_now(sim->loop) >= a->request.deadline) {
		end_operation(a, -ETIME, "timed out");
		return;
	}
	if (a->steps == a->parts && !a->way->hangs) {
		end_operation(a, a->way->error ? -EIO : 0, a->way->error);
		return;
	}
	if (a->steps == a->parts && a->hanging) {
		end_operation(a, -EINTR, "made no progress, and was killed");
		return;
	}
	if (a->steps == a->parts) {
		hang(a);
		return;
	}
	/* The end tells of the last part. */
	a->operation.permille = a->steps * OPERATION_PERMILLE_MOVED / a->parts;
	if (moves_memory(a->operation.operation)) {
		a->operation.total = a->guest->memory_kib * 1024;
		a->operation.bytes = a->operation.total * a->steps / a->parts;
	}
	a->steps++;
	sim->hv.callbacks.progress(sim->hv.callbacks.data, &a->operation);
	timer_set(a->work, MIN(loop_now(sim->loop) + time_of_part(a), a->request.deadline));
}

static int check_request(const struct actor *a, const struct operation_request *request)
{
	bool needs_domain = request->operation != OPERATION_CREATE &&
			    request->operation != OPERATION_RESTORE;

	if (a->operating)
		return -EBUSY;
	if (needs_domain)
		return a->exists && a->domid == request->domid ? 0 : -ESTALE;
	if (a->exists)
		return -EEXIST;
	return request->operation == OPERATION_RESTORE && !a->guest->saved ? -ENOENT : 0;
}

/*
 * A configuration without a UUID gets one drawn by the caller: the guest takes it on, as a real
 * one would.
 */
static struct actor *find_for(struct sim *sim, const struct operation_request *request)
{
	struct actor *a = find(sim, &request->uuid);
	const struct index_entry *e;

	if (a || request->operation != OPERATION_CREATE)
		return a;
	e = index_first(&sim->by_name, hash_text(request->name));
	for (; e; e = index_next(&sim->by_name, e)) {
		a = e->item;
		if (a->guest->has_uuid || a->exists || !str_equal(a->guest->name, request->name) ||
		    index_add(&sim->by_uuid, hash_uuid(&request->uuid), a) < 0)
			continue;
		a->guest->uuid = request->uuid;
		return a;
	}
	return NULL;
}

static int sim_operate(struct hv *hv, const struct operation_request *request)
{
	struct sim *sim = to_sim(hv);
	struct actor *a = find_for(sim, request);
	struct target_list targets = {0};
	int r = a ? check_request(a, request) : -ENOENT;

	r = r < 0 ? r : target_list_copy(&request->targets, &targets);
	if (r < 0)
		return r;
	a->request = (struct operation_request){
		.targets = targets,
		.operation = request->operation,
		.uuid = request->uuid,
		.deadline = request->deadline,
		.patience = request->patience,
		.preserve = request->preserve,
	};
	a->operation = (struct hv_operation){
		.operation = request->operation,
		.uuid = request->uuid,
		.name = a->guest->name,
		.domid = request->domid,
		.started = loop_now(sim->loop),
	};
	a->way = sim_guest_way(a->guest, request->operation);
	a->steps = 0;
	a->parts = sim_load_parts(sim->host, a->guest, request->operation);
	a->aborted = a->hanging = false;
	a->operating = true;
	TAILQ_INSERT_TAIL(&sim->operated, a, entry);
	actor_begin(a);
	timer_set_after(a->work, 0);
	return 0;
}

static void sim_abort(struct hv *hv, const struct uuid *uuid)
{
	struct actor *a = find(to_sim(hv), uuid);

	if (!a || !a->operating)
		return;
	a->aborted = true;
	timer_set_after(a->work, 0);
}

static const struct hv_operation *sim_operation(struct hv *hv, const struct uuid *uuid)
{
	struct actor *a = find(to_sim(hv), uuid);

	return a && a->operating ? &a->operation : NULL;
}

static const struct hv_operation *sim_next_operation(struct hv *hv, size_t index)
{
	const struct actor *a;

	TAILQ_FOREACH(a, &to_sim(hv)->operated, entry)
		if (index-- == 0)
			return &a->operation;
	return NULL;
}

/* Surveys. */

static void on_survey(void *data)
{
	struct sim *sim = data;
	struct survey *s;
	int r = sim_host_survey(sim->host, sim->with_configs, sim->with_images, &s);

	sim->host->surveyed = r >= 0;
	sim->hv.callbacks.surveyed(sim->hv.callbacks.data, r < 0 ? NULL : s,
				   r < 0 ? strerror(-r) : NULL);
}

static int sim_survey(struct hv *hv, const char *autostart, const char *save,
		      const struct survey *known _unused_)
{
	struct sim *sim = to_sim(hv);

	if (timer_is_set(sim->survey))
		return -EBUSY;
	sim->with_configs = autostart;
	sim->with_images = save;
	timer_set_after(sim->survey, 0);
	return 0;
}

static bool sim_survey_is_current(struct hv *hv)
{
	return to_sim(hv)->host->surveyed;
}

static int sim_ask_images(struct hv *hv, const struct image_query *query,
			  const struct hv_asker *asker, uint64_t *ret_id)
{
	return sim_images_ask(to_sim(hv)->images, query, asker, ret_id);
}

static void sim_forget_images(struct hv *hv, uint64_t id)
{
	sim_images_forget(to_sim(hv)->images, id);
}

static struct hv *sim_free(struct hv *hv)
{
	struct sim *sim = to_sim(hv);

	for (size_t i = 0; sim->actors && i < sim->host->n_guests; i++) {
		timer_free(sim->actors[i].life);
		timer_free(sim->actors[i].wake);
		timer_free(sim->actors[i].work);
		operation_request_done(&sim->actors[i].request);
	}
	index_done(&sim->by_uuid);
	index_done(&sim->by_name);
	free(sim->actors);
	sim_images_free(sim->images);
	sim_remains_done(&sim->remains);
	timer_free(sim->change);
	timer_free(sim->survey);
	sim_host_free(sim->host);
	free(sim);
	return NULL;
}

static const struct hv_ops sim_ops = {
	.list = sim_list,
	.ask_shutdown = sim_ask_shutdown,
	.shutdown_answer = sim_shutdown_answer,
	.send_sysrq = sim_send_sysrq,
	.operate = sim_operate,
	.abort = sim_abort,
	.operation = sim_operation,
	.next_operation = sim_next_operation,
	.survey = sim_survey,
	.survey_is_current = sim_survey_is_current,
	.ask_images = sim_ask_images,
	.forget_images = sim_forget_images,
	.free = sim_free,
};

static int add_actor(struct sim *sim, size_t index)
{
	struct actor *a = &sim->actors[index];
	struct sim_guest *g = &sim->host->guests[index];
	int r = timer_new(sim->loop, on_work, a, &a->work);

	r = r < 0 ? r : index_add(&sim->by_uuid, hash_uuid(&g->uuid), a);
	r = r < 0 ? r : index_add(&sim->by_name, hash_text(g->name), a);
	return r < 0 ? r : actor_init(a, sim, g);
}

int hv_sim_new(struct loop *loop, const char *text, size_t size, struct hv **ret, char **ret_reason)
{
	_cleanup_(hv_freep) struct hv *hv = NULL;
	struct sim *sim = calloc(1, sizeof(*sim));
	int r;

	if (!sim)
		return -ENOMEM;
	*sim = (struct sim){.hv = {.ops = &sim_ops}, .loop = loop, .next_domid = 1};
	hv = &sim->hv;
	r = sim_host_read(text, size, &sim->host, ret_reason);
	if (r < 0)
		return r;
	loop_set_speed(loop, sim->host->speed);
	TAILQ_INIT(&sim->operated);
	sim->actors = calloc(sim->host->n_guests + 1, sizeof(*sim->actors));
	if (!sim->actors)
		return -ENOMEM;
	r = timer_new(loop, on_change, sim, &sim->change);
	r = r < 0 ? r : timer_new(loop, on_survey, sim, &sim->survey);
	r = r < 0 ? r : sim_images_new(loop, sim->host, &sim->images);
	for (size_t i = 0; r >= 0 && i < sim->host->n_guests; i++)
		r = add_actor(sim, i);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(hv);
	return 0;
}
