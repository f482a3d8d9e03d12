/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/plan.h"
#include "engine/job.h"
#include "wire/json-writer.h"

/* Objects of the API (wire/interface.c), but for the status. */

void encode_event(struct json_writer *w, const struct report *e);

/* An image is being read, or has been read. */
struct image_event {
	const char *file;
	enum result result;
	uint64_t bytes, total; /* as hv_asker has them; RESULT_RUNNING only */
	usec_t elapsed;
};

void encode_image_event(struct json_writer *w, const struct image_event *e);

/* A sequence that was cancelled, and a guest that it was at work on: as struct cancel_view. */
void encode_cancelled(struct json_writer *w, const char *goal, const char *const *names,
		      size_t n_names);
void encode_left(struct json_writer *w, const char *name, enum stage stage, bool goes_on);

/* The answer of org.varlink.service.GetInfo. NULL: no memory. */
struct json_object *encode_info(void);

/* Adds the steps of a plan, and how long it may take. 0 or -ENOMEM. */
int encode_plan(struct json_object *o, const struct plan *plan);
