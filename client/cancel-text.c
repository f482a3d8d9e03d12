/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "cancel-text.h"

#include "cell.h"
#include "util/quote.h"
#include "width.h"

#define INDENT 2

/* So many names of a list are told. */
#define NAMES_MAX 10

/* "web, db" of texts, or of the names and stages of objects: "web (save), db (restore)". */
static void write_names(FILE *out, struct json_object *list, size_t n)
{
	for (size_t i = 0; i < MIN(n, (size_t)NAMES_MAX); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *stage = json_get_string(o, "stage");

		fprintf(out, "%s%s", i > 0 ? ", " : "",
			json_object_is_type(o, json_type_string)
				? json_object_get_string(o)
				: or_dash(json_get_string(o, "name")));
		if (stage)
			fprintf(out, " (%s)", stage);
	}
	if (n > NAMES_MAX)
		fprintf(out, " and %zu more", n - NAMES_MAX);
}

static size_t length_of(struct json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

/* The head, the names, and the end of a paragraph. */
static void print_list(FILE *out, size_t width, const char *head, struct json_object *list,
		       const char *end)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	fputs(head, f);
	write_names(f, list, length_of(list));
	fputs(end, f);
	if (fclose(f) == 0)
		text_wrap(out, text, width, INDENT);
}

static void print_sequence(FILE *out, size_t width, struct json_object *sequence)
{
	struct json_object *guests = json_get(sequence, "guests", json_type_array);
	char head[64];

	snprintf(head, sizeof(head), "Cancelled: %s of %s",
		 or_dash(json_get_string(sequence, "goal")), guests ? "" : "all guests");
	print_list(out, width, head, guests, "");
}

/* The guests whose stage goes on, or that are not waited for. */
static void print_left(FILE *out, size_t width, struct json_object *left, bool goes_on)
{
	_cleanup_json_ struct json_object *some = json_object_new_array();

	for (size_t i = 0; some && i < length_of(left); i++) {
		struct json_object *o = json_object_array_get_idx(left, i);

		if (json_get_bool(o, "goes_on") == goes_on)
			json_append(some, json_object_get(o));
	}
	if (length_of(some) == 0)
		return;
	if (goes_on)
		print_list(out, width, "Goes on to its end: ", some, "");
	else
		print_list(out, width, "Not waited for: ", some,
			   ". A guest that was asked to shut down may still do it");
}

static bool is_restart(struct json_object *sequence)
{
	return str_equal(json_get_string(sequence, "goal"), "restart");
}

static bool has_restart(struct json_object *sequences)
{
	for (size_t i = 0; i < length_of(sequences); i++)
		if (is_restart(json_object_array_get_idx(sequences, i)))
			return true;
	return false;
}

/* A guest that is being started comes up all the same. */
static bool is_still_started(struct json_object *left)
{
	for (size_t i = 0; i < length_of(left); i++) {
		struct json_object *o = json_object_array_get_idx(left, i);
		const char *stage = json_get_string(o, "stage");

		if (json_get_bool(o, "goes_on") &&
		    (str_equal(stage, "create") || str_equal(stage, "restore")))
			return true;
	}
	return false;
}

/* " web -- -db", of all restarts. False: they are too many to be named, or not named. */
static bool write_arguments(FILE *f, struct json_object *sequences)
{
	bool dashes = false;
	size_t n = 0;

	for (size_t i = 0; i < length_of(sequences); i++) {
		struct json_object *o = json_object_array_get_idx(sequences, i);
		struct json_object *guests = json_get(o, "guests", json_type_array);

		if (!is_restart(o))
			continue;
		n += length_of(guests);
		if (!guests || n > NAMES_MAX)
			return false;
		for (size_t k = 0; k < length_of(guests); k++) {
			struct json_object *guest = json_object_array_get_idx(guests, k);
			const char *name = or_dash(json_object_get_string(guest));
			bool needs = name[0] == '-' && !dashes;

			fprintf(f, "%s %s", needs ? " --" : "", QUOTED(name));
			dashes = dashes || needs;
		}
	}
	return true;
}

/*
 * A start without names would also start guests that were down before, and none that the settings
 * do not select.
 */
static void print_restarts(FILE *out, size_t width, struct json_object *sequences,
			   struct json_object *left)
{
	_cleanup_free_ char *names = NULL, *text = NULL;
	const char *other = is_still_started(left) ? "other " : "";
	size_t size;
	FILE *f = open_memstream(&names, &size);
	bool named;
	int r;

	if (!f)
		return;
	named = write_arguments(f, sequences);
	if (fclose(f) != 0)
		return;
	if (named)
		r = str_format(&text,
			       "A restart that was cancelled starts no %sguest. Run 'xendomainsctl "
			       "start%s' to start those that it has stopped",
			       other, names);
	else
		r = str_format(&text,
			       "A restart that was cancelled starts no %sguest. Run 'xendomainsctl "
			       "status' to see which guests are down",
			       other);
	if (r >= 0)
		text_wrap(out, text, width, INDENT);
}

void cancel_print(FILE *out, size_t width, struct json_object *parameters)
{
	struct json_object *sequences = json_get(parameters, "sequences", json_type_array);
	struct json_object *left = json_get(parameters, "left", json_type_array);
	uint64_t n = 0;

	json_get_u64(parameters, "cancelled", &n);
	for (size_t i = 0; i < length_of(sequences); i++)
		print_sequence(out, width, json_object_array_get_idx(sequences, i));
	print_left(out, width, left, true);
	print_left(out, width, left, false);
	if (n == 0)
		text_wrap(out, "Nothing to cancel: no start, stop or restart is under way", width,
			  INDENT);
	else
		text_wrap(
			out,
			"Other guests are left as they are. Run 'xendomainsctl status' to see all",
			width, INDENT);
	if (has_restart(sequences))
		print_restarts(out, width, sequences, left);
	if (json_get_bool(parameters, "host"))
		text_wrap(
			out,
			"The stop for the shutdown of the host goes on. Run 'shutdown -c' to cancel "
			"a shutdown while it waits for guests",
			width, INDENT);
}
