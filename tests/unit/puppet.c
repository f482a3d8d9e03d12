/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "puppet.h"

#include <check.h>
#include <stdio.h>

#include "util/str.h"

static struct puppet *to_puppet(struct hv *hv)
{
	return CONTAINER_OF(hv, struct puppet, hv);
}

struct uuid puppet_uuid(unsigned number)
{
	return (struct uuid){.bytes = {[14] = (uint8_t)(number >> 8), [15] = (uint8_t)number}};
}

static unsigned number_of(const struct uuid *uuid)
{
	return (unsigned)(uuid->bytes[14] << 8 | uuid->bytes[15]);
}

static void note(struct puppet *p, const char *what, const struct uuid *uuid)
{
	size_t length = strlen(p->calls);

	snprintf(p->calls + length, sizeof(p->calls) - length, "%s %u|", what, number_of(uuid));
}

static int puppet_list(struct hv *hv, struct domain_list **ret)
{
	struct puppet *p = to_puppet(hv);
	struct domain_list *l;

	p->lists++;
	if (p->list_error < 0)
		return p->list_error;
	l = calloc(1, sizeof(*l));
	ck_assert_ptr_nonnull(l);
	l->domains = calloc(p->n_domains + 1, sizeof(*l->domains));
	for (l->n = 0; l->n < p->n_domains; l->n++) {
		struct domain *d = &l->domains[l->n];

		*d = p->domains[l->n];
		d->name = d->name ? strdup(d->name) : NULL;
		d->source = d->source ? strdup(d->source) : NULL;
	}
	*ret = l;
	return 0;
}

static int puppet_ask_shutdown(struct hv *hv, const struct domain *domain)
{
	struct puppet *p = to_puppet(hv);
	const struct domain *d = puppet_domain(p, domain->domid);

	note(p, "ask", &domain->uuid);
	if (p->ask_error < 0)
		return p->ask_error;
	return d && uuid_equal(&d->uuid, &domain->uuid) ? 0 : -ESTALE;
}

static struct puppet_operation *find(struct puppet *p, const struct uuid *uuid)
{
	for (size_t i = 0; i < PUPPET_MAX; i++)
		if (p->operations[i].flying && uuid_equal(&p->operations[i].operation.uuid, uuid))
			return &p->operations[i];
	return NULL;
}

static struct puppet_operation *take_off(struct puppet *p, enum operation operation,
					 const struct uuid *uuid)
{
	for (size_t i = 0; i < PUPPET_MAX; i++)
		if (!p->operations[i].flying) {
			p->operations[i] = (struct puppet_operation){
				.operation = {.operation = operation, .uuid = *uuid, .name = "?"},
				.deadline = USEC_INFINITY,
				.flying = true,
			};
			return &p->operations[i];
		}
	ck_abort_msg("too many operations");
}

static int puppet_shutdown_answer(struct hv *hv, const struct domain *domain)
{
	struct puppet *p = to_puppet(hv);

	return puppet_domain(p, domain->domid) ? p->answer : 1;
}

static int puppet_send_sysrq(struct hv *hv, const struct domain *domain, char key)
{
	char what[] = {'k', 'e', 'y', '-', key, '\0'};

	note(to_puppet(hv), what, &domain->uuid);
	return to_puppet(hv)->ask_error;
}

static int puppet_operate(struct hv *hv, const struct operation_request *request)
{
	struct puppet *p = to_puppet(hv);
	struct puppet_operation *o;

	note(p, operation_to_string(request->operation), &request->uuid);
	if (p->operate_error < 0)
		return p->operate_error;
	if (find(p, &request->uuid))
		return -EBUSY;
	o = take_off(p, request->operation, &request->uuid);
	o->deadline = request->deadline;
	o->threads = request->threads;
	return 0;
}

static void puppet_abort(struct hv *hv, const struct uuid *uuid)
{
	note(to_puppet(hv), "abort", uuid);
}

static const struct hv_operation *puppet_operation(struct hv *hv, const struct uuid *uuid)
{
	const struct puppet_operation *o = find(to_puppet(hv), uuid);

	return o ? &o->operation : NULL;
}

static const struct hv_operation *puppet_next_operation(struct hv *hv, size_t index)
{
	struct puppet *p = to_puppet(hv);

	for (size_t i = 0; i < PUPPET_MAX; i++)
		if (p->operations[i].flying && index-- == 0)
			return &p->operations[i].operation;
	return NULL;
}

static int puppet_survey(struct hv *hv, const char *autostart _unused_, const char *save _unused_,
			 const struct survey *known _unused_)
{
	struct puppet *p = to_puppet(hv);

	note(p, "survey", &UUID_NULL);
	if (p->survey_error < 0)
		return p->survey_error;
	if (p->surveying)
		return -EBUSY;
	p->surveying = true;
	return 0;
}

static bool puppet_survey_is_current(struct hv *hv)
{
	return to_puppet(hv)->survey_is_current;
}

static const struct survey *puppet_surveyed(struct hv *hv)
{
	return to_puppet(hv)->told;
}

static struct hv *puppet_free(struct hv *hv)
{
	to_puppet(hv)->freed = true;
	return NULL;
}

void puppet_make(struct puppet *p)
{
	static const struct hv_ops ops = {
		.list = puppet_list,
		.ask_shutdown = puppet_ask_shutdown,
		.shutdown_answer = puppet_shutdown_answer,
		.send_sysrq = puppet_send_sysrq,
		.operate = puppet_operate,
		.abort = puppet_abort,
		.operation = puppet_operation,
		.next_operation = puppet_next_operation,
		.survey = puppet_survey,
		.surveyed = puppet_surveyed,
		.survey_is_current = puppet_survey_is_current,
		.free = puppet_free,
	};

	*p = (struct puppet){.hv = {.ops = &ops}, .answer = 1};
}

struct domain *puppet_add(struct puppet *p, unsigned number, const char *name)
{
	struct domain *d = &p->domains[p->n_domains++];

	ck_assert_uint_le(p->n_domains, PUPPET_MAX);
	*d = (struct domain){
		.domid = number,
		.uuid = puppet_uuid(number),
		.name = (char *)name,
		.manager = DOMAIN_MANAGER_XENDOMAINSD,
		.on_reboot = DEATH_RESTART,
	};
	return d;
}

struct domain *puppet_domain(struct puppet *p, uint32_t domid)
{
	for (size_t i = 0; i < p->n_domains; i++)
		if (p->domains[i].domid == domid)
			return &p->domains[i];
	return NULL;
}

void puppet_remove(struct puppet *p, uint32_t domid)
{
	struct domain *d = puppet_domain(p, domid);

	ck_assert_ptr_nonnull(d);
	*d = p->domains[--p->n_domains];
}

void puppet_adopt(struct puppet *p, enum operation operation, unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	take_off(p, operation, &uuid)->operation.adopted = true;
}

struct puppet_operation *puppet_flying(struct puppet *p, unsigned number)
{
	struct uuid uuid = puppet_uuid(number);

	return find(p, &uuid);
}

void puppet_finish(struct puppet *p, unsigned number, int error, const char *reason, uint32_t domid)
{
	struct operation_result result = {
		.outcome = error < 0 ? OPERATION_FAILED : OPERATION_OK,
		.error = error,
		.reason = (char *)reason,
		.domid = domid,
	};

	puppet_end(p, number, &result);
}

void puppet_end(struct puppet *p, unsigned number, const struct operation_result *result)
{
	struct puppet_operation *o = puppet_flying(p, number);
	struct hv_operation operation;

	ck_assert_msg(o, "nothing is being done to guest %u", number);
	operation = o->operation;
	o->flying = false;
	p->hv.callbacks.finished(p->hv.callbacks.data, &operation, result);
}
