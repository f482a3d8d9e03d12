/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "status-text.h"

#include "cell.h"
#include "guest-view.h"
#include "model/host-lock.h"
#include "status-why.h"
#include "util/human.h"
#include "width.h"

/* Of the lines of a paragraph after its first. */
#define INDENT 4

/* The states in the order of the verdict: the worst first. */
static const enum guest_state verdict_order[] = {
	GUEST_FAILED,  GUEST_CRASHED,   GUEST_DYING,     GUEST_SUSPENDED,
	GUEST_STOPPED, GUEST_SAVED,     GUEST_PAUSED,    GUEST_SHUTTING_DOWN,
	GUEST_SAVING,  GUEST_MIGRATING, GUEST_RESTORING, GUEST_STARTING,
};

struct tally {
	unsigned states[_GUEST_STATE_MAX];
	unsigned waits, all;
};

static struct tally count(struct json_object *list)
{
	struct tally tally = {0};

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct guest_view g = guest_view_of(json_object_array_get_idx(list, i));

		if (!guest_view_counts(&g))
			continue;
		tally.all++;
		if (g.waits)
			tally.waits++;
		else if (g.state >= 0)
			tally.states[g.state]++;
	}
	return tally;
}

static void print_counts(FILE *out, const struct tally *t)
{
	for (size_t i = 0; i < ELEMENTSOF(verdict_order); i++) {
		enum guest_state state = verdict_order[i];

		/* After the last state that is bad for good. */
		if (state == GUEST_STOPPED && t->waits > 0)
			fprintf(out, "%u wait%s, ", t->waits, t->waits == 1 ? "s" : "");
		if (t->states[state] > 0)
			fprintf(out, "%u %s, ", t->states[state], guest_state_to_string(state));
	}
}

static void write_verdict(FILE *out, const struct tally *t, bool selected)
{
	unsigned running = t->states[GUEST_RUNNING];

	if (t->all == 0) {
		fprintf(out, "None of %s guests should run, and none runs",
			selected ? "these" : "the");
	} else if (running < t->all) {
		print_counts(out, t);
		fprintf(out, "%u of %u run%s", running, t->all, running == 1 ? "s" : "");
	} else if (t->all == 1) {
		fprintf(out, "%s guest runs", selected ? "This" : "The only");
	} else {
		fprintf(out, "All %u %s run", t->all, selected ? "of these guests" : "guests");
	}
	fputc('.', out);
}

/* What is to be known first: whether all is well. */
static void print_verdict(FILE *out, struct json_object *list, const struct status_layout *layout)
{
	_cleanup_free_ char *text = NULL;
	struct tally t = count(list);
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	write_verdict(f, &t, layout->selected);
	fclose(f);
	if (!text)
		return;
	text_wrap(out, text, layout->terminal.width, INDENT);
}

bool status_print_settings(FILE *out, struct json_object *parameters, size_t width)
{
	struct json_object *settings = json_get(parameters, "settings", json_type_object);
	struct json_object *refused = json_get(settings, "refused", json_type_array);
	size_t n = refused ? json_object_array_length(refused) : 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(refused, i);
		_cleanup_free_ char *text = NULL;
		char number[32] = "";
		uint64_t line;

		if (json_get_u64(o, "line", &line) >= 0)
			snprintf(number, sizeof(number), "%llu:", (unsigned long long)line);
		if (str_format(&text, "refused: %s:%s %s", or_dash(json_get_string(o, "file")),
			       number, or_dash(json_get_string(o, "reason"))) >= 0)
			text_wrap(out, text, width, INDENT);
	}
	if (n > 0) {
		_cleanup_free_ char *text = NULL;

		if (str_format(&text, "refused: %s",
			       or_dash(json_get_string(settings, "effect"))) >= 0)
			text_wrap(out, text, width, INDENT);
	}
	return n > 0;
}

static int format_way_down(char **ret, struct json_object *host, const char *kind)
{
	char granted[HUMAN_MAX + 16] = "", needed[HUMAN_MAX + 16] = "", left[HUMAN_MAX + 16] = "";
	uint64_t usec;

	if (json_get_u64(host, "grants_usec", &usec) >= 0)
		snprintf(granted, sizeof(granted), ": %s granted",
			 DURATION(rounded_time(usec, false)));
	if (json_get_u64(host, "needs_usec", &usec) >= 0)
		snprintf(needed, sizeof(needed), "%c %s needed", granted[0] ? ',' : ':',
			 DURATION(rounded_time(usec, true)));
	if (json_get_u64(host, "left_usec", &usec) >= 0)
		snprintf(left, sizeof(left), ", %s left", DURATION(rounded_time(usec, false)));
	return str_format(ret, "host: shutting down (%s)%s%s%s", kind, granted, needed, left);
}

/* Then it is not known what guests do now. */
static void print_lost(FILE *out, const char *lost, size_t width)
{
	_cleanup_free_ char *text = NULL;

	if (lost && str_format(&text, "host: %s. What follows was before that", lost) >= 0)
		text_wrap(out, text, width, INDENT);
}

/* Only where the host goes down, or would not wait for all guests. */
static void print_host(FILE *out, struct json_object *host, size_t width)
{
	const char *kind = json_get_string(host, "going_down");
	enum host_lock lock = host_lock_from_string(json_get_string(host, "lock"));
	uint64_t grants = 0, needs = 0;
	_cleanup_free_ char *text = NULL;
	int r = 0;

	if (!host)
		return;
	json_get_u64(host, "needs_usec", &needs);
	if (kind)
		r = format_way_down(&text, host, kind);
	else if (json_get_u64(host, "grants_usec", &grants) < 0)
		r = str_format(&text, "host: logind is not responding: a shutdown will not wait "
				      "for guests until services are stopped");
	else if (lock == HOST_LOCK_ASKED)
		r = str_format(&text, "host: logind has not granted the inhibitor lock: a shutdown "
				      "will not wait for guests until services are stopped");
	else if (lock == HOST_LOCK_HELD && needs > grants)
		r = str_format(&text,
			       "host: a shutdown waits up to %s for guests; stopping them may take "
			       "%s",
			       DURATION(rounded_time(grants, false)),
			       DURATION(rounded_time(needs, true)));
	if (r >= 0 && text)
		text_wrap(out, text, width, INDENT);
}

static void print_notes(FILE *out, struct json_object *parameters, size_t width)
{
	struct json_object *list = json_get(parameters, "warnings", json_type_array);

	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		const char *note = json_object_get_string(json_object_array_get_idx(list, i));
		_cleanup_free_ char *text = NULL;

		if (str_format(&text, "note: %s", or_dash(note)) >= 0)
			text_wrap(out, text, width, INDENT);
	}
}

static void print_guests(FILE *out, struct json_object *list, const struct status_layout *layout)
{
	size_t n = list ? json_object_array_length(list) : 0;
	size_t width = layout->terminal.width;
	_cleanup_(table_freep) struct table *table = status_columns(list, &layout->choice, width,
								    layout->terminal.colour);

	if (table)
		table_print(table, out);
	for (size_t i = 0; i < n; i++)
		status_print_why(out, json_object_array_get_idx(list, i), width);
}

void status_print(FILE *out, struct json_object *parameters, const struct status_layout *layout)
{
	struct json_object *list = json_get(parameters, "guests", json_type_array);
	struct json_object *host = json_get(parameters, "host", json_type_object);
	size_t n = list ? json_object_array_length(list) : 0;
	size_t width = layout->terminal.width;
	bool story = layout->story && n == 1;

	print_lost(out, json_get_string(parameters, "lost"), width);
	status_print_settings(out, parameters, width);
	if (n == 0 && layout->selected)
		fputs("No guest is in such a state\n", out);
	else if (n == 0)
		fputs("No guest is configured, saved or running\n", out);
	else if (!story)
		print_verdict(out, list, layout);
	print_host(out, host, width);
	if (story)
		status_print_story(out, json_object_array_get_idx(list, 0), width);
	else if (n > 0)
		print_guests(out, list, layout);
	print_notes(out, parameters, width);
}
