/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include "cancel-text.h"
#include "cell.h"
#include "image-table.h"
#include "model/stage.h"
#include "printable.h"
#include "progress.h"
#include "sequence-text.h"
#include "status-text.h"
#include "terminal.h"
#include "util/human.h"
#include "width.h"
#include "writer.h"

/* Between a name and its stages. */
#define GAP 2

struct writer_text {
	struct writer writer;
	FILE *out;
	bool quiet;                /* events are left out */
	struct progress *progress; /* bars; NULL: lines */
};

static struct writer_text *to_text(struct writer *w)
{
	return CONTAINER_OF(w, struct writer_text, writer);
}

static void text_event(struct writer *w, struct json_object *event)
{
	struct writer_text *t = to_text(w);
	_cleanup_free_ char *text = NULL;

	if (t->quiet)
		return;
	make_printable(event);
	text = sequence_event_text(event, terminal_of(fileno(t->out)).width, t->progress);
	if (t->progress) {
		progress_event(t->progress, event, text);
	} else if (text) {
		fputs(text, t->out);
		fflush(t->out);
	}
}

static void text_clear(struct writer *w)
{
	struct writer_text *t = to_text(w);

	if (t->progress)
		progress_end(t->progress);
}

static void text_tick(struct writer *w)
{
	struct writer_text *t = to_text(w);

	if (t->progress)
		progress_draw(t->progress);
}

static void text_outcome(struct writer *w, struct json_object *parameters, const char *method)
{
	struct json_object *list = json_get(parameters, "outcome", json_type_array);
	struct writer_text *t = to_text(w);

	text_clear(w);
	make_printable(parameters);
	status_print_settings(t->out, parameters, SIZE_MAX);
	sequence_print_outcome(t->out, terminal_of(fileno(t->out)).width, list, method);
}

static void text_begun(struct writer *w, struct json_object *parameters, const char *words)
{
	make_printable(parameters);
	status_print_settings(to_text(w)->out, parameters, SIZE_MAX);
	fprintf(to_text(w)->out, "%s\n", words);
}

static void print_list(FILE *out, struct json_object *parameters, const char *key,
		       const char *prefix)
{
	struct json_object *list = json_get(parameters, key, json_type_array);

	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		fprintf(out, "%s%s\n", prefix,
			json_object_get_string(json_object_array_get_idx(list, i)));
}

static void text_status(struct writer *w, struct json_object *parameters,
			const struct status_layout *layout)
{
	make_printable(parameters);
	status_print(to_text(w)->out, parameters, layout);
}

static void print_step(FILE *out, struct json_object *s, size_t width)
{
	struct json_object *stages = json_get(s, "stages", json_type_array);
	const char *name = or_dash(json_get_string(s, "name"));
	const char *reason = json_get_string(s, "reason");
	size_t n = stages ? json_object_array_length(stages) : 0;
	const char *separator = "";

	fputs(name, out);
	text_pad(out, width - text_width(name) + GAP);
	for (size_t i = 0; i < n; i++) {
		const char *stage = json_object_get_string(json_object_array_get_idx(stages, i));

		fprintf(out, "%s%s", separator, stage);
		separator = stage_is_preparation(stage_from_string(stage)) ? ", then " : ", else ";
	}
	if (n == 0)
		fputs(or_dash(json_get_string(s, "result")), out);
	fprintf(out, "%s%s\n", reason ? ": " : "", reason ? reason : "");
}

/* Says which kind of stop the plan is for. */
static void print_occasion(FILE *out, struct json_object *parameters)
{
	uint64_t usec;

	if (!json_get_bool(parameters, "host"))
		return;
	if (json_get_u64(parameters, "deadline_usec", &usec) >= 0)
		fprintf(out,
			"If the host shuts down now, guests have %s (InhibitDelayMaxSec= of "
			"logind):\n",
			DURATION(usec));
	else
		fputs("If the host shuts down now, logind does not wait for guests. They are stopped "
		      "with the host's services (XENDOMAINS_STOP_MAXWAIT for each stage):\n",
		      out);
}

static void print_needs(FILE *out, struct json_object *parameters)
{
	uint64_t usec;

	if (json_get_u64(parameters, "needs_usec", &usec) < 0)
		return;
	fprintf(out, "This may take %s", DURATION(usec_seconds_up(usec)));
	if (json_get_u64(parameters, "longest_usec", &usec) >= 0)
		fprintf(out, ", or %s if guests do not react (XENDOMAINS_STOP_MAXWAIT)",
			DURATION(usec_seconds_up(usec)));
	if (json_get_u64(parameters, "deadline_usec", &usec) >= 0)
		fprintf(out, "; %s are available", DURATION(usec));
	fputc('\n', out);
}

static void text_plan(struct writer *w, struct json_object *parameters)
{
	struct json_object *list = json_get(parameters, "steps", json_type_array);
	FILE *out = to_text(w)->out;
	size_t n = list ? json_object_array_length(list) : 0;
	size_t width = 0;

	make_printable(parameters);
	status_print_settings(out, parameters, SIZE_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_get_string(json_object_array_get_idx(list, i), "name");

		width = MAX(width, text_width(or_dash(name)));
	}
	print_occasion(out, parameters);
	for (size_t i = 0; i < n; i++)
		print_step(out, json_object_array_get_idx(list, i), width);
	if (n == 0)
		fputs("Nothing to do\n", out);
	print_needs(out, parameters);
	print_list(out, parameters, "warnings", "note: ");
}

static void text_images(struct writer *w, struct json_object *parameters)
{
	FILE *out = to_text(w)->out;
	struct terminal terminal = terminal_of(fileno(out));

	make_printable(parameters);
	image_table_print(out, json_get(parameters, "images", json_type_array), &terminal);
}

static void text_reloaded(struct writer *w, struct json_object *parameters)
{
	make_printable(parameters);
	print_list(to_text(w)->out, parameters, "warnings", "note: ");
}

static void text_cancelled(struct writer *w, struct json_object *parameters)
{
	FILE *out = to_text(w)->out;

	make_printable(parameters);
	cancel_print(out, terminal_of(fileno(out)).width, parameters);
}

static struct writer *text_free(struct writer *w)
{
	struct writer_text *t = to_text(w);

	progress_free(t->progress);
	free(t);
	return NULL;
}

static const struct writer_ops text_ops = {
	.event = text_event,
	.outcome = text_outcome,
	.begun = text_begun,
	.status = text_status,
	.plan = text_plan,
	.images = text_images,
	.reloaded = text_reloaded,
	.cancelled = text_cancelled,
	.clear = text_clear,
	.tick = text_tick,
	.free = text_free,
};

struct writer *writer_text_new(FILE *out, enum progress_mode mode)
{
	struct writer_text *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	*t = (struct writer_text){
		.writer = {.ops = &text_ops},
		.out = out,
		.quiet = mode == PROGRESS_NONE,
	};
	if (mode == PROGRESS_AUTO && terminal_of(fileno(out)).moves)
		t->progress = progress_new(out);
	return &t->writer;
}
