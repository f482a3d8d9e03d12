/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/sim.h"

#include "hv/sim/host.h"
#include "hv/sim/images.h"
#include "hv/sim/remains.h"
#include "util/log.h"
#include "util/str.h"

/* How often an operation tells how far it is. */
#define PROGRESS_STEPS 20

/* xl's monitor needs a moment to remove a domain that has shut down. */
#define MONITOR_DELAY (200 * USEC_PER_MSEC)

/* The living part of a guest; what it is like stands in the host. */
struct actor {
	struct sim *sim;
	struct sim_guest *guest;

	bool exists; /* as a domain */
	uint32_t domid;
	bool paused, shutdown, up;
	enum shutdown_reason reason;
	enum domain_manager manager;
	struct timer *life; /* what its domain does next by itself */
	struct timer *wake; /* when its kernel is up */
	enum shutdown_reason life_reason;
	bool life_removes; /* xl's monitor comes along */

	bool operating;
	struct hv_operation operation;
	struct operation_request request;
	struct timer *work;
	unsigned steps;
	usec_t step_time;
	const struct sim_way *way;
	bool aborted, hanging;
};

struct sim {
	struct hv hv;
	struct loop *loop;
	struct sim_host *host;
	struct actor *actors; /* one for each guest of the host */
	struct sim_remains remains;
	struct sim_images *images;
	uint32_t next_domid;
	struct timer *change;
	struct timer *survey;
	bool with_configs, with_images;
};

static struct sim *to_sim(struct hv *hv)
{
	return CONTAINER_OF(hv, struct sim, hv);
}

static struct actor *find(struct sim *sim, const struct uuid *uuid)
{
	for (size_t i = 0; i < sim->host->n_guests; i++)
		if (uuid_equal(&sim->host->guests[i].uuid, uuid))
			return &sim->actors[i];
	return NULL;
}

static void note_change(struct sim *sim)
{
	timer_set_after(sim->change, 0);
}

static void on_change(void *data)
{
	struct sim *sim = data;

	sim->hv.callbacks.changed(sim->hv.callbacks.data);
}

/* The life of a domain. */

static void remove_domain(struct actor *a)
{
	timer_clear(a->life);
	timer_clear(a->wake);
	a->exists = a->shutdown = a->paused = a->up = false;
	note_change(a->sim);
}

static void live_until(struct actor *a, usec_t delay, enum shutdown_reason reason)
{
	a->life_reason = reason;
	timer_set_after(a->life, delay);
}

static void on_up(void *data)
{
	struct actor *a = data;

	a->up = true;
	note_change(a->sim);
}

static void add_domain(struct actor *a, enum domain_manager manager)
{
	a->exists = true;
	a->domid = a->sim->next_domid++;
	a->manager = manager;
	a->paused = a->shutdown = a->up = a->life_removes = false;
	timer_set_after(a->wake, a->guest->up_after);
	if (a->guest->ends_after)
		live_until(a, a->guest->ends_after, a->guest->ends_with);
	note_change(a->sim);
}

static void on_life(void *data)
{
	struct actor *a = data;

	if (!a->exists) {
		add_domain(a, a->guest->manager);
		return;
	}
	if (a->life_removes) {
		a->life_removes = false;
		remove_domain(a);
		if (a->reason == SHUTDOWN_REASON_REBOOT && a->guest->reboots)
			timer_set_after(a->life, 0);
		return;
	}
	a->shutdown = true;
	a->reason = a->life_reason;
	if (a->manager != DOMAIN_MANAGER_XENDOMAINSD) {
		a->life_removes = true;
		timer_set_after(a->life, MONITOR_DELAY);
	}
	note_change(a->sim);
}

static int make_domain(const struct actor *a, struct domain *ret)
{
	const struct sim_guest *g = a->guest;
	struct domain d = {
		.domid = a->domid,
		.uuid = g->uuid,
		.paused = a->paused,
		.shutdown = a->shutdown,
		.reason = a->reason,
		.up = a->up,
		.driver = g->driver,
		.memory_kib = g->memory_kib,
		.vcpus = g->vcpus,
		.cpu_time = USEC_PER_SEC,
		.manager = a->manager,
		.on_poweroff = g->on_poweroff,
		.on_reboot = g->on_reboot,
		.on_watchdog = g->on_watchdog,
		.on_crash = g->on_crash,
		.on_soft_reset = g->on_soft_reset,
	};
	int r = str_replace(&d.name, g->name);

	domain_set_flags(&d, false, !d.paused && !d.shutdown);
	if (r >= 0 && !a->shutdown)
		r = str_replace(&d.eject, g->ejects);

	if (r >= 0 && a->manager == DOMAIN_MANAGER_XENDOMAINSD)
		r = str_replace(&d.source, g->config);
	if (r < 0) {
		domain_done(&d);
		return r;
	}
	*ret = d;
	return 0;
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
			r = make_domain(&sim->actors[i], &l->domains[l->n++]);
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
		live_until(a, a->guest->shutdown.duration,
			   a->guest->reboots ? SHUTDOWN_REASON_REBOOT : SHUTDOWN_REASON_POWEROFF);
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

static void begin_effect(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		add_domain(a, DOMAIN_MANAGER_XENDOMAINSD);
		a->paused = true;
		timer_clear(a->wake);
		timer_clear(a->life);
		break;
	case OPERATION_SAVE:
		a->shutdown = true;
		a->reason = SHUTDOWN_REASON_SUSPEND;
		timer_clear(a->life);
		note_change(a->sim);
		break;
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE: /* it runs on until it is there */
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

/* Its domain stays, and so does its memory. */
static void go_on(struct actor *a)
{
	a->shutdown = a->up = false;
	timer_set_after(a->wake, a->guest->up_after);
	if (a->guest->ends_after)
		live_until(a, a->guest->ends_after, a->guest->ends_with);
	note_change(a->sim);
}

static void success_effect(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		a->guest->saved = false;
		a->paused = false;
		timer_set_after(a->wake, a->guest->up_after);
		if (a->guest->ends_after)
			live_until(a, a->guest->ends_after, a->guest->ends_with);
		note_change(a->sim);
		break;
	case OPERATION_SAVE:
		a->guest->saved = true;
		remove_domain(a);
		break;
	case OPERATION_DESTROY:
	case OPERATION_MIGRATE:
		remove_domain(a);
		break;
	case OPERATION_UNPAUSE:
		a->paused = false;
		note_change(a->sim);
		break;
	case OPERATION_RESUME: /* here nothing is ever left suspended */
		break;
	case OPERATION_RESTART:
		if (!uuid_is_null(&a->request.preserve) &&
		    sim_remains_add(&a->sim->remains, &a->request.preserve, a->guest->name,
				    a->domid, a->reason) < 0)
			log_warning("%s: there is no memory to preserve it", a->guest->name);
		remove_domain(a);
		add_domain(a, DOMAIN_MANAGER_XENDOMAINSD);
		break;
	case OPERATION_SOFT_RESET:
		go_on(a);
		break;
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

static void failure_effect(struct actor *a)
{
	switch (a->operation.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		remove_domain(a);
		break;
	case OPERATION_SAVE:
		a->shutdown = false;
		if (a->guest->ends_after)
			live_until(a, a->guest->ends_after, a->guest->ends_with);
		note_change(a->sim);
		break;
	case OPERATION_UNPAUSE:
	case OPERATION_DESTROY:
	case OPERATION_RESTART:
	case OPERATION_MIGRATE:
	case OPERATION_RESUME:
	case OPERATION_SOFT_RESET:
	case OPERATION_EJECT:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
}

/* No error is a success. */
static void end_operation(struct actor *a, int error, const char *reason)
{
	struct hv_operation operation = a->operation;
	struct operation_result result = {.error = error, .domid = OPERATION_NO_DOMID};

	a->operating = false;
	timer_clear(a->work);
	if (error < 0)
		failure_effect(a);
	else
		success_effect(a);
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

static void on_work(void *data)
{
	struct actor *a = data;
	struct sim *sim = a->sim;

	if (a->aborted) {
		end_operation(a, -ECANCELED, "ended early, as asked");
		return;
	}
	if (loop_now(sim->loop) >= a->request.deadline) {
		end_operation(a, -ETIME, "took longer than it may");
		return;
	}
	if (a->steps == PROGRESS_STEPS && !a->way->hangs) {
		end_operation(a, a->way->error ? -EIO : 0, a->way->error);
		return;
	}
	if (a->steps == PROGRESS_STEPS && a->hanging) {
		end_operation(a, -EINTR, "made no progress, and was ended by force");
		return;
	}
	if (a->steps == PROGRESS_STEPS) {
		hang(a);
		return;
	}
	a->steps++;
	a->operation.permille = a->steps * 1000 / PROGRESS_STEPS;
	sim->hv.callbacks.progress(sim->hv.callbacks.data, &a->operation);
	timer_set(a->work, MIN(loop_now(sim->loop) + a->step_time, a->request.deadline));
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

	for (size_t i = 0; !a && i < sim->host->n_guests; i++) {
		struct sim_guest *g = &sim->host->guests[i];

		if (request->operation == OPERATION_CREATE && !g->has_uuid &&
		    !sim->actors[i].exists && str_equal(g->name, request->name)) {
			g->uuid = request->uuid;
			a = &sim->actors[i];
		}
	}
	return a;
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
		.started = loop_now(sim->loop),
	};
	a->way = sim_guest_way(a->guest, request->operation);
	a->steps = 0;
	a->step_time = a->way->duration / PROGRESS_STEPS;
	a->aborted = a->hanging = false;
	a->operating = true;
	begin_effect(a);
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
	struct sim *sim = to_sim(hv);

	for (size_t i = 0; i < sim->host->n_guests; i++)
		if (sim->actors[i].operating && index-- == 0)
			return &sim->actors[i].operation;
	return NULL;
}

/* Surveys. */

static void on_survey(void *data)
{
	struct sim *sim = data;
	struct survey *s;
	int r = sim_host_survey(sim->host, sim->with_configs, sim->with_images, &s);

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

static int sim_ask_images(struct hv *hv, const struct image_query *query, hv_images_fn fn,
			  void *data, uint64_t *ret_id)
{
	return sim_images_ask(to_sim(hv)->images, query, fn, data, ret_id);
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
	.ask_images = sim_ask_images,
	.forget_images = sim_forget_images,
	.free = sim_free,
};

static int add_actor(struct sim *sim, size_t index)
{
	struct actor *a = &sim->actors[index];
	int r;

	a->sim = sim;
	a->guest = &sim->host->guests[index];
	r = timer_new(sim->loop, on_life, a, &a->life);
	r = r < 0 ? r : timer_new(sim->loop, on_up, a, &a->wake);
	r = r < 0 ? r : timer_new(sim->loop, on_work, a, &a->work);
	if (r >= 0 && a->guest->running)
		add_domain(a, a->guest->manager);
	else if (r >= 0 && a->guest->appears_after > 0)
		timer_set_after(a->life, a->guest->appears_after);
	return r;
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
