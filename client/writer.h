/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include "wire/json.h"

struct status_layout;

/* How results are shown: as text for people, or as JSON. The objects are those of the API. */
struct writer {
	const struct writer_ops *ops;
};

struct writer_ops {
	/* An event while a start or stop goes on. */
	void (*event)(struct writer *w, struct json_object *event);
	/* Its end: {"outcome": [...]}. method: what was called. */
	void (*outcome)(struct writer *w, struct json_object *parameters, const char *method);
	/* In place of both: the daemon has taken it over, and is not waited for. words say so. */
	void (*begun)(struct writer *w, struct json_object *parameters, const char *words);
	/* The layout is for people. */
	void (*status)(struct writer *w, struct json_object *parameters,
		       const struct status_layout *layout);
	void (*plan)(struct writer *w, struct json_object *parameters);
	/* {"images": [...]}. */
	void (*images)(struct writer *w, struct json_object *parameters);
	void (*reloaded)(struct writer *w, struct json_object *parameters);
	/* {"cancelled": 2, "sequences": [...], "left": [...]}. */
	void (*cancelled)(struct writer *w, struct json_object *parameters);
	/* Something else is about to be printed: lines that change in place go. */
	void (*clear)(struct writer *w);
	/* The display is to be brought up to date, about every second. */
	void (*tick)(struct writer *w);
	struct writer *(*free)(struct writer *w);
};

/* How events are shown. */
enum progress_mode {
	PROGRESS_AUTO,  /* by bars, where the terminal can move its cursor, else plainly */
	PROGRESS_PLAIN, /* a line for what begins and what ends */
	PROGRESS_JSON,  /* each as an object */
	PROGRESS_NONE,
	_PROGRESS_MODE_MAX,
};

/* For people. NULL: no memory. */
struct writer *writer_text_new(FILE *out, enum progress_mode mode);

/* Each result as one object on one line. with_events: {"event": {...}}, too; else they are left
 * out. */
struct writer *writer_json_new(FILE *out, bool with_events);

static inline struct writer *writer_free(struct writer *w)
{
	return w ? w->ops->free(w) : NULL;
}

DEFINE_CLEANUP(struct writer, writer_free);
