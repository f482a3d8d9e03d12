/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "api/access.h"
#include "api/request.h"

/* The methods of the API: what each asks of the manager, and what it answers. */

struct method {
	const char *name;
	/* Answers, or begins what will answer. */
	void (*run)(struct request *request);
	bool names; /* takes guests */
	enum access access;
};

/* NULL: there is none of this name. */
const struct method *method_find(const char *name);
