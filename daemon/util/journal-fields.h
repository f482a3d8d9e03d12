/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/domid.h"
#include "util/time.h"
#include "util/uuid.h"

/*
 * What a message can carry beside its text, for the journal to index: XEN_DOMAIN= and so on. Their
 * names there are in io/systemd-journal.c, journal_sink().
 */

/* Who has requested something: a process, or what the name says. */
struct requester {
	const char *name;  /* borrowed; NULL: a process, or it is not known */
	uint32_t uid, pid; /* pid 0: no process */
};

/* Fields that do not apply are NULL, 0, DOMID_NONE or USEC_INFINITY: use LOG_FIELDS_NONE. */
struct log_fields {
	const char *message_id;
	const char *domain;
	const struct uuid *uuid;
	uint32_t domid;
	const char *operation;
	const char *stage;
	const char *result;
	usec_t elapsed;
	const struct requester *requester;
};

#define LOG_FIELDS_NONE .domid = DOMID_NONE, .elapsed = USEC_INFINITY
