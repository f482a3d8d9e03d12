/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "engine/overdue.h"
#include "engine/private.h"

/* Operations that an earlier daemon began: no run is at work on them. */

static uint64_t find_memory(const struct executor *ex, const struct uuid *uuid)
{
	const struct domain *d = ex->domains ? domain_list_next(ex->domains, uuid, NULL) : NULL;

	return d ? d->memory_kib : 0;
}

usec_t executor_take_adopted(const struct executor *ex, struct places *places)
{
	usec_t now = loop_now(ex->loop), next = USEC_INFINITY;
	const struct hv_operation *op;

	for (size_t i = 0; (op = hv_next_operation(ex->hv, i)); i++) {
		usec_t limit = ex->limits.stop_limit, until = overdue_adopted(op, limit);

		if (!op->adopted || op->stuck)
			continue;
		places->stalled += op->operation == OPERATION_SAVE &&
				   overdue_adopted_stalls(op, now, limit);
		if (until <= now)
			continue;
		places_take_adopted(places, op, find_memory(ex, &op->uuid));
		next = MIN(next, until);
	}
	return next;
}
