/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "sequence-text.h"

#include "cell.h"
#include "results.h"
#include "util/human.h"
#include "util/quote.h"
#include "width.h"
#include "wire/interface.h"

#define INDENT 2

/* What has become of guests, in the words of a count. */
struct words {
	const char *method, *done, *already, *skipped, *repeated;
};

static const struct words words[] = {
	{METHOD_START, "started", "ran already", "skipped", "guests that run are left alone"},
	{METHOD_STOP, "stopped", "did not run", "skipped", "guests that do not run are left alone"},
	{METHOD_RESTART, "restarted", "left alone", "left alone", NULL},
};

static const struct words *find_words(const char *method)
{
	static const struct words others = {
		.done = "done", .already = "nothing to do", .skipped = "skipped"};

	for (size_t i = 0; i < ELEMENTSOF(words); i++)
		if (str_equal(words[i].method, method))
			return &words[i];
	return &others;
}

static usec_t elapsed_of(struct json_object *event)
{
	usec_t elapsed = 0;

	/* Of the last event of a guest, the time of its stage: the line is about that. */
	if (json_get_u64(event, "stage_elapsed_usec", &elapsed) < 0)
		json_get_u64(event, "elapsed_usec", &elapsed);
	return elapsed;
}

/* 0, -ENODATA if there is no line for it, or -ENOMEM. */
static int event_line(struct json_object *e, bool bars, char **ret)
{
	const char *name = or_dash(json_get_string(e, "name"));
	const char *stage = json_get_string(e, "stage");
	const char *reason = json_get_string(e, "reason");
	const char *waits_for = json_get_string(e, "waits_for");
	const char *colon = reason ? ": " : "";
	enum result result = result_of(e);
	uint64_t percent;

	reason = reason ? reason : "";
	if (result == RESULT_RUNNING) {
		if (bars || json_get_u64(e, "percent", &percent) >= 0)
			return -ENODATA;
		return waits_for ? str_format(ret, "%s: waits for %s", name, waits_for)
				 : str_format(ret, "%s: %s begins", name, or_dash(stage));
	}
	/* It was there already, which is counted; or nothing could be begun, which the end tells.
	 */
	if ((result == RESULT_OK || result == RESULT_FAILED) && !stage)
		return -ENODATA;
	if (result == RESULT_OK)
		return str_format(ret, "%s: %s done in %s%s%s", name, stage,
				  DURATION(elapsed_of(e)), colon, reason);
	/* Another stage can follow. Why the guest failed is told once, at the end. */
	if (result == RESULT_FAILED)
		return str_format(ret, "%s: %s failed", name, stage);
	return str_format(ret, "%s: %s%s%s%s%s", name, stage ? stage : "", stage ? " " : "",
			  or_dash(json_get_string(e, "result")), colon, reason);
}

char *sequence_event_text(struct json_object *event, size_t width, bool bars)
{
	_cleanup_free_ char *line = NULL, *text = NULL;
	size_t size;
	FILE *out;

	if (event_line(event, bars, &line) < 0)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	text_wrap(out, line, width, INDENT);
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

static void print_failures(FILE *out, size_t width, struct json_object *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *goal = json_get_string(o, "goal");
		_cleanup_free_ char *line = NULL;

		if (result_of(o) != RESULT_FAILED)
			continue;
		if (str_format(&line, "%s: %s%s%s", or_dash(json_get_string(o, "name")),
			       goal ? goal : "", goal ? " failed: " : "",
			       or_dash(json_get_string(o, "reason"))) >= 0)
			text_wrap(out, line, width, INDENT);
	}
}

/*
 * What was done with it. A restart also starts guests that did not run, and does not start those
 * that have left.
 */
static const char *done_of(struct json_object *o, const struct words *w)
{
	const char *goal = json_get_string(o, "goal");

	if (str_equal(json_get_string(o, "stage"), "migrate"))
		return "migrated";
	if (!str_equal(w->method, METHOD_RESTART) || !goal)
		return w->done;
	if (str_equal(goal, "stop"))
		return "stopped";
	return json_get_bool(o, "restarted") ? "restarted" : "started";
}

/* What has become of a guest, in a word; NULL: only a later daemon knows. */
static const char *fate_of(struct json_object *o, const struct words *w)
{
	switch (result_of(o)) {
	case RESULT_OK:
		return json_get_string(o, "stage") ? done_of(o, w) : w->already;
	case RESULT_FAILED:
		return "failed";
	case RESULT_SKIPPED:
		/* A stage of it had begun. */
		return json_get_string(o, "stage") ? "skipped" : w->skipped;
	case RESULT_RUNNING:
	case _RESULT_MAX:
	case _RESULT_INVALID:
		break;
	}
	return NULL;
}

static unsigned count_fates(struct json_object *list, const struct words *w, const char *fate)
{
	unsigned n = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++)
		n += str_equal(fate_of(json_object_array_get_idx(list, i), w), fate);
	return n;
}

/* "10 started, 3 failed, 2 ran already." */
static void print_counts(FILE *out, struct json_object *list, size_t n, const struct words *w)
{
	const char *const fates[] = {
		w->done,  "started", "migrated", "stopped",
		"failed", "skipped", w->skipped, w->already,
	};
	const char *separator = "";

	if (n == 0) {
		fputs("There is nothing to do\n", out);
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(fates); i++) {
		unsigned count = count_fates(list, w, fates[i]);

		/* A word that has come already has had its guests. */
		if (count == 0 || str_lookup(fates, i, fates[i]) >= 0)
			continue;
		fprintf(out, "%s%u %s", separator, count, fates[i]);
		separator = ", ";
	}
	fputc('\n', out);
}

/* A name that no guest has comes back with a null UUID: neither journal nor another try helps. */
static bool has_guest(struct json_object *o)
{
	const char *text = json_get_string(o, "uuid");
	struct uuid uuid;

	return text && uuid_parse(text, &uuid) >= 0 && !uuid_is_null(&uuid);
}

/* What to type next. */
static void print_advice(FILE *out, size_t width, struct json_object *list, size_t n,
			 const struct words *w)
{
	const char *name = NULL;
	_cleanup_free_ char *text = NULL, *again = NULL;
	unsigned failed = 0;
	bool tried = false;
	int r;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (result_of(o) != RESULT_FAILED || !has_guest(o))
			continue;
		name = failed++ > 0 ? NULL : json_get_string(o, "name");
		tried = tried || json_get_string(o, "stage");
	}
	if (failed == 0)
		return;
	if (name)
		r = str_format(&text, "What happened: 'journalctl XEN_DOMAIN=%s'", QUOTED(name));
	else
		r = str_format(&text, "What happened: 'journalctl -u xendomainsd -p warning'");
	if (r >= 0)
		text_wrap(out, text, width, INDENT);
	/* Where no stage could be begun, the reason says what to do first. */
	if (tried && w->repeated &&
	    str_format(&again, "To try again, run the same command: %s", w->repeated) >= 0)
		text_wrap(out, again, width, INDENT);
}

void sequence_print_outcome(FILE *out, size_t width, struct json_object *outcome,
			    const char *method)
{
	const struct words *w = find_words(method);
	size_t n = outcome ? json_object_array_length(outcome) : 0;

	print_failures(out, width, outcome, n);
	print_counts(out, outcome, n, w);
	print_advice(out, width, outcome, n, w);
}
