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
	/* Its end: {"outcome": [...]}. */
	void (*outcome)(struct writer *w, struct json_object *parameters);
	/* The layout is for people. */
	void (*status)(struct writer *w, struct json_object *parameters,
		       const struct status_layout *layout);
	void (*plan)(struct writer *w, struct json_object *parameters);
	/* {"images": [...]}. */
	void (*images)(struct writer *w, struct json_object *parameters);
	void (*reloaded)(struct writer *w, struct json_object *parameters);
	/* {"cancelled": 2}. */
	void (*cancelled)(struct writer *w, struct json_object *parameters);
	/* The display is to be brought up to date, about every second. */
	void (*tick)(struct writer *w);
	struct writer *(*free)(struct writer *w);
};

/* For people. A terminal shows the progress in place, other output in lines. NULL: no memory. */
struct writer *writer_text_new(FILE *out, bool terminal);

/* Each result as one object on one line; events are left out. */
struct writer *writer_json_new(FILE *out);

static inline struct writer *writer_free(struct writer *w)
{
	return w ? w->ops->free(w) : NULL;
}

DEFINE_CLEANUP(struct writer, writer_free);
