/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "writer.h"

struct writer_json {
	struct writer writer;
	FILE *out;
	bool with_events;
};

static void print(struct writer *w, struct json_object *parameters)
{
	struct writer_json *j = CONTAINER_OF(w, struct writer_json, writer);
	const char *text = parameters ? json_text(parameters, NULL) : "{}";

	if (text)
		fprintf(j->out, "%s\n", text);
	else
		fputs("Out of memory\n", stderr);
}

static void print_status(struct writer *w, struct json_object *parameters,
			 const struct status_layout *layout _unused_)
{
	print(w, parameters);
}

static void json_event(struct writer *w, struct json_object *event)
{
	struct writer_json *j = CONTAINER_OF(w, struct writer_json, writer);
	_cleanup_json_ struct json_object *o = j->with_events ? json_object_new_object() : NULL;

	if (!o || json_add(o, "event", json_object_get(event)) < 0)
		return;
	print(w, o);
	fflush(j->out);
}

static void json_outcome(struct writer *w, struct json_object *parameters,
			 const char *method _unused_)
{
	print(w, parameters);
}

static void do_nothing(struct writer *w _unused_)
{
}

static struct writer *json_free(struct writer *w)
{
	free(CONTAINER_OF(w, struct writer_json, writer));
	return NULL;
}

static const struct writer_ops json_ops = {
	.event = json_event,
	.outcome = json_outcome,
	.begun = json_outcome,
	.status = print_status,
	.plan = print,
	.images = print,
	.reloaded = print,
	.cancelled = print,
	.clear = do_nothing,
	.tick = do_nothing,
	.free = json_free,
};

struct writer *writer_json_new(FILE *out, bool with_events)
{
	struct writer_json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	*j = (struct writer_json){
		.writer = {.ops = &json_ops}, .out = out, .with_events = with_events};
	return &j->writer;
}
