/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "writer.h"

struct writer_json {
	struct writer writer;
	FILE *out;
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

static void ignore_event(struct writer *w _unused_, struct json_object *event _unused_)
{
}

static void ignore_tick(struct writer *w _unused_)
{
}

static struct writer *json_free(struct writer *w)
{
	free(CONTAINER_OF(w, struct writer_json, writer));
	return NULL;
}

static const struct writer_ops json_ops = {
	.event = ignore_event,
	.outcome = print,
	.status = print_status,
	.plan = print,
	.images = print,
	.reloaded = print,
	.cancelled = print,
	.tick = ignore_tick,
	.free = json_free,
};

struct writer *writer_json_new(FILE *out)
{
	struct writer_json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	*j = (struct writer_json){.writer = {.ops = &json_ops}, .out = out};
	return &j->writer;
}
