/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/executor.h"

/* What is being done to a guest. */
struct activity {
	const char *name; /* NULL: nothing */
	enum guest_state state;
	usec_t elapsed;
	unsigned permille;
};

/* An operation on it, of any sequence or daemon, or a request that is waited for. */
struct activity activity_of(struct hv *hv, const struct executor *executor, const struct guest *g,
			    usec_t now);
