/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"

/*
 * The guests that come back if the host stays up: guests that its stop has ended, and guests that
 * it has asked to shut down and that shut down later.
 */
struct returning {
	struct uuid uuid;
	uint32_t domid; /* that it had in the stop */
	bool down;      /* it has ended, or its domain has shut down */
	usec_t until;   /* it is not waited for any longer; a time of loop_now() */
};

struct returns {
	struct returning *items;
	size_t n;
};

/* A guest has ended, or it was asked to. A later word on the same guest counts. 0 or -ENOMEM. */
int returns_add(struct returns *r, const struct uuid *uuid, uint32_t domid, bool down);
void returns_remove(struct returns *r, const struct uuid *uuid);
void returns_clear(struct returns *r);

/*
 * Sees which domains have shut down. A domain that went otherwise may run elsewhere, or be saved by
 * another tool: its guest does not come back.
 */
void returns_look(struct returns *r, const struct domain_list *domains, usec_t now);

/* No guest is waited for after that time. */
void returns_set_end(struct returns *r, usec_t until);

/* Takes out a guest that can be started: it is down, and its domain is gone. False: there is none.
 */
bool returns_take(struct returns *r, const struct domain_list *domains, struct uuid *ret);

/* How many are down. */
size_t returns_count(const struct returns *r);
