/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "cancel-text.h"

#include "cell.h"
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

static bool has_restart(struct json_object *sequences)
{
	for (size_t i = 0; i < length_of(sequences); i++)
		if (str_equal(json_get_string(json_object_array_get_idx(sequences, i), "goal"),
			      "restart"))
			return true;
	return false;
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
		text_wrap(
			out,
			"A restart that was cancelled starts no guest. Run 'xendomainsctl start' to "
			"start those that it has stopped",
			width, INDENT);
	if (json_get_bool(parameters, "host"))
		text_wrap(
			out,
			"The stop for the shutdown of the host goes on. Run 'shutdown -c' to cancel "
			"a shutdown while it waits for guests",
			width, INDENT);
}
