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
	const char *method, *done, *already, *repeated;
};

static const struct words words[] = {
	{METHOD_START, "started", "ran already", "guests that run are left alone"},
	{METHOD_STOP, "stopped", "did not run", "guests that do not run are left alone"},
	{METHOD_RESTART, "restarted", "ran already", NULL},
};

static const struct words *find_words(const char *method)
{
	static const struct words others = {.done = "done", .already = "nothing to do"};

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
	const char *colon = reason ? ": " : "";
	enum result result = result_of(e);
	uint64_t percent;

	reason = reason ? reason : "";
	if (result == RESULT_RUNNING) {
		if (bars || json_get_u64(e, "percent", &percent) >= 0)
			return -ENODATA;
		return str_format(ret, "%s: %s begins", name, or_dash(stage));
	}
	/* It was there already, which is counted; or nothing could be begun, which the end tells.
	 */
	if ((result == RESULT_OK || result == RESULT_FAILED) && !stage)
		return -ENODATA;
	if (result == RESULT_OK)
		return str_format(ret, "%s: %s done in %s%s%s", name, stage,
				  DURATION(elapsed_of(e)), colon, reason);
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
		_cleanup_free_ char *line = NULL;

		if (result_of(o) != RESULT_FAILED)
			continue;
		if (str_format(&line, "%s: %s", or_dash(json_get_string(o, "name")),
			       or_dash(json_get_string(o, "reason"))) >= 0)
			text_wrap(out, line, width, INDENT);
	}
}

static unsigned count_already(struct json_object *list, size_t n)
{
	unsigned already = 0;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		already += result_of(o) == RESULT_OK && !json_get_string(o, "stage");
	}
	return already;
}

/* "10 started, 3 failed, 2 ran already." */
static void print_counts(FILE *out, struct json_object *list, size_t n, const struct words *w)
{
	unsigned already = count_already(list, n);
	const struct {
		unsigned n;
		const char *what;
	} counts[] = {
		{count_results(list, RESULT_OK) - already, w->done},
		{count_results(list, RESULT_FAILED), "failed"},
		{count_results(list, RESULT_SKIPPED), "skipped"},
		{already, w->already},
	};
	const char *separator = "";

	if (n == 0) {
		fputs("There is nothing to do.\n", out);
		return;
	}
	for (size_t i = 0; i < ELEMENTSOF(counts); i++)
		if (counts[i].n > 0) {
			fprintf(out, "%s%u %s", separator, counts[i].n, counts[i].what);
			separator = ", ";
		}
	fputs(".\n", out);
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
	_cleanup_free_ char *text = NULL;
	unsigned failed = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);

		if (result_of(o) != RESULT_FAILED || !has_guest(o))
			continue;
		name = failed++ > 0 ? NULL : json_get_string(o, "name");
	}
	if (failed == 0)
		return;
	if (name)
		r = str_format(&text, "What happened: 'journalctl XEN_DOMAIN=%s'.", QUOTED(name));
	else
		r = str_format(&text, "What happened: 'journalctl -u xendomainsd -p warning'.");
	if (r >= 0)
		text_wrap(out, text, width, INDENT);
	if (w->repeated)
		fprintf(out, "To try again, run the same command: %s.\n", w->repeated);
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
