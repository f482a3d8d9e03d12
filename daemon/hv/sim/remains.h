/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"

/*
 * Domains of the simulated host that have ended and are kept as they are, while their guests live
 * on in other ones. They stay to its end.
 */
struct sim_remains {
	struct sim_body *bodies;
	size_t n;
};

/* uuid: the new UUID of the domain; its name is the guest's with its number. */
int sim_remains_add(struct sim_remains *remains, const struct uuid *uuid, const char *guest,
		    uint32_t domid, enum shutdown_reason reason);

/* One of the domains, as the list of domains has it. 0 or -ENOMEM. */
int sim_remains_list(const struct sim_remains *remains, size_t index, struct domain *ret);

void sim_remains_done(struct sim_remains *remains);
