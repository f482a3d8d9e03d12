/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/hv.h"

#include "util/str.h"

static void note_asked(struct hv *hv, const struct domain *domain)
{
	if (domain->domid < HV_DOMIDS)
		hv->asked[domain->domid / 8] |= (uint8_t)(1U << domain->domid % 8);
}

bool hv_has_asked(const struct hv *hv, uint32_t domid)
{
	return domid < HV_DOMIDS && (hv->asked[domid / 8] & 1U << domid % 8);
}

int hv_ask_shutdown(struct hv *hv, const struct domain *domain)
{
	int r = hv->ops->ask_shutdown(hv, domain);

	if (r >= 0)
		note_asked(hv, domain);
	return r;
}

int hv_send_sysrq(struct hv *hv, const struct domain *domain, char key)
{
	int r = hv->ops->send_sysrq(hv, domain, key);

	if (r >= 0)
		note_asked(hv, domain);
	return r;
}

static void end_done(struct hv_end *end)
{
	free((char *)end->operation.name);
	operation_result_done(&end->result);
}

static int copy_end(struct hv_end *ret, const struct hv_operation *operation,
		    const struct operation_result *result)
{
	struct hv_end end = {.operation = *operation, .result = *result};
	_cleanup_free_ char *name = NULL;
	int r = str_replace(&name, operation->name);

	end.result.reason = end.result.target = NULL;
	r = r < 0 ? r : str_replace(&end.result.reason, result->reason);
	r = r < 0 ? r : str_replace(&end.result.target, result->target);
	end.operation.name = TAKE_PTR(name);
	if (r < 0) {
		end_done(&end);
		return r;
	}
	*ret = end;
	return 0;
}

int hv_add_end(struct hv *hv, const struct hv_operation *operation,
	       const struct operation_result *result)
{
	struct hv_ends *ends = &hv->ends;
	struct hv_end *bigger = realloc(ends->items, (ends->n + 1) * sizeof(*bigger));
	int r;

	if (!bigger)
		return -ENOMEM;
	ends->items = bigger;
	r = copy_end(&bigger[ends->n], operation, result);
	if (r < 0)
		return r;
	r = uuid_list_add(&ends->uuids, &operation->uuid);
	if (r < 0)
		end_done(&bigger[ends->n]);
	else
		ends->n++;
	return r;
}

struct hv_ends hv_take_ends(struct hv *hv)
{
	struct hv_ends ends = hv->ends;

	hv->ends = (struct hv_ends){0};
	return ends;
}

void hv_ends_done(struct hv_ends *ends)
{
	for (size_t i = 0; i < ends->n; i++)
		end_done(&ends->items[i]);
	free(ends->items);
	uuid_list_clear(&ends->uuids);
	*ends = (struct hv_ends){0};
}

const struct hv_operation *hv_ending(const struct hv *hv, const struct uuid *uuid)
{
	for (size_t i = 0; i < hv->ends.n; i++)
		if (uuid_equal(&hv->ends.items[i].operation.uuid, uuid))
			return &hv->ends.items[i].operation;
	return NULL;
}
