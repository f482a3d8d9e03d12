/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "hv/sim/remains.h"

#include "util/str.h"

struct sim_body {
	uint32_t domid;
	struct uuid uuid;
	char *name;
	enum shutdown_reason reason;
};

int sim_remains_add(struct sim_remains *remains, const struct uuid *uuid, const char *guest,
		    uint32_t domid, enum shutdown_reason reason)
{
	struct sim_body *bigger = realloc(remains->bodies, (remains->n + 1) * sizeof(*bigger));
	struct sim_body *new;
	int r;

	if (!bigger)
		return -ENOMEM;
	remains->bodies = bigger;
	new = &bigger[remains->n];
	*new = (struct sim_body){.domid = domid, .uuid = *uuid, .reason = reason};
	r = str_format(&new->name, "%s-%u", guest, domid);
	if (r >= 0)
		remains->n++;
	return r;
}

int sim_remains_list(const struct sim_remains *remains, size_t index, struct domain *ret)
{
	const struct sim_body *body = &remains->bodies[index];

	*ret = (struct domain){
		.domid = body->domid,
		.uuid = body->uuid,
		.shutdown = true,
		.reason = body->reason,
		.manager = DOMAIN_MANAGER_XENDOMAINSD,
		.on_poweroff = DEATH_PRESERVE,
		.on_reboot = DEATH_PRESERVE,
		.on_watchdog = DEATH_PRESERVE,
		.on_crash = DEATH_PRESERVE,
		.on_soft_reset = DEATH_PRESERVE,
	};
	return str_replace(&ret->name, body->name);
}

void sim_remains_done(struct sim_remains *remains)
{
	for (size_t i = 0; i < remains->n; i++)
		free(remains->bodies[i].name);
	free(remains->bodies);
}
