/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "hv/hv.h"

/*
 * A hypervisor that does what a test tells it, and nothing by itself: operations stay in flight
 * until puppet_finish(), domains are what the test makes them.
 */

#define PUPPET_MAX 16

struct puppet_operation {
	struct hv_operation operation;
	usec_t deadline;
	unsigned threads;
	bool flying;
};

struct puppet {
	struct hv hv;
	struct domain domains[PUPPET_MAX];
	size_t n_domains;
	struct puppet_operation operations[PUPPET_MAX];
	char calls[2000]; /* "save 1|ask 2|": what was asked of it, with the guests' numbers */
	int answer;       /* what a guest has made of a request */
	int ask_error, operate_error; /* what the next calls return */
	int list_error;
	unsigned lists; /* how often the domains were listed */
	int survey_error;
	bool surveying, survey_is_current;
	const struct survey *told; /* by the survey that is under way */
	bool freed;
};

void puppet_make(struct puppet *p);

/* A UUID that only this number has. */
struct uuid puppet_uuid(unsigned number);

/* Adds a domain of the guest of this number, of ours, and its domid is the number too. */
struct domain *puppet_add(struct puppet *p, unsigned number, const char *name);
struct domain *puppet_domain(struct puppet *p, uint32_t domid);
void puppet_remove(struct puppet *p, uint32_t domid);

/* An operation that an earlier daemon began. */
void puppet_adopt(struct puppet *p, enum operation operation, unsigned number);

/* The operation in flight for a guest, or NULL. */
struct puppet_operation *puppet_flying(struct puppet *p, unsigned number);

/* Ends it, through the callback. */
void puppet_finish(struct puppet *p, unsigned number, int error, const char *reason,
		   uint32_t domid);
void puppet_end(struct puppet *p, unsigned number, const struct operation_result *result);
