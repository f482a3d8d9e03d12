/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "image-table.h"

#include <time.h>

#include "cell.h"
#include "table.h"
#include "util/human.h"
#include "width.h"

/* Of the lines of a paragraph after its first. */
#define INDENT 4

#define COLOUR_BAD  "31"
#define COLOUR_GOOD "32"

/* Those that are left out first stand last. */
enum image_column {
	IMAGE_COLUMN_FILE,
	IMAGE_COLUMN_KIND,
	IMAGE_COLUMN_STATE,
	IMAGE_COLUMN_DISK,
	IMAGE_COLUMN_MEMORY,
	IMAGE_COLUMN_SAVED,
	IMAGE_COLUMN_GUEST,
	IMAGE_COLUMN_BY,
	IMAGE_COLUMN_HOST,
	IMAGE_COLUMN_XEN,
	_IMAGE_COLUMN_MAX,
};

/* These stay on the narrowest terminal. */
#define KEPT (IMAGE_COLUMN_STATE + 1)

static const char *const heads[_IMAGE_COLUMN_MAX] = {
	[IMAGE_COLUMN_FILE] = "FILE",     [IMAGE_COLUMN_KIND] = "KIND",
	[IMAGE_COLUMN_STATE] = "STATE",   [IMAGE_COLUMN_DISK] = "DISK",
	[IMAGE_COLUMN_MEMORY] = "MEMORY", [IMAGE_COLUMN_SAVED] = "SAVED",
	[IMAGE_COLUMN_GUEST] = "GUEST",   [IMAGE_COLUMN_BY] = "BY",
	[IMAGE_COLUMN_HOST] = "HOST",     [IMAGE_COLUMN_XEN] = "XEN",
};

static const char *saved(struct json_object *image, char *buffer, size_t size)
{
	uint64_t usec;
	struct tm tm;
	time_t time;

	if (json_get_u64(image, "saved_usec", &usec) < 0)
		return "-";
	time = (time_t)(usec / USEC_PER_SEC);
	if (!localtime_r(&time, &tm) || strftime(buffer, size, "%Y-%m-%d %H:%M", &tm) == 0)
		return "-";
	return buffer;
}

static const char *state(struct json_object *image)
{
	if (json_get_bool(image, "deleted"))
		return "deleted";
	if (json_get_bool(image, "verified"))
		return "verified";
	if (json_get_bool(image, "outlived"))
		return "outlived";
	return json_get_string(image, "problem") ? "not restored" : "-";
}

static const char *state_colour(struct json_object *image)
{
	if (json_get_bool(image, "verified"))
		return COLOUR_GOOD;
	return json_get_string(image, "problem") ? COLOUR_BAD : NULL;
}

/* The first member that there is. */
static const char *size_of(struct json_object *image, const char *key, const char *other,
			   char *buffer, size_t size)
{
	uint64_t bytes;

	if (json_get_u64(image, key, &bytes) < 0 && json_get_u64(image, other, &bytes) < 0)
		return "-";
	return human_size(bytes, buffer, size);
}

/* A file that is not an image, or not a whole one, holds no memory that is known. */
static const char *memory(struct json_object *image, char *buffer, size_t size)
{
	if (!json_get_string(image, "name"))
		return "-";
	return size_of(image, "plain_size", "size", buffer, size);
}

static void add_image(struct table *table, struct json_object *image, bool colour)
{
	char on_disk[HUMAN_MAX], of_memory[HUMAN_MAX], when[HUMAN_MAX];
	const char *cells[_IMAGE_COLUMN_MAX] = {
		[IMAGE_COLUMN_FILE] = or_dash(json_get_string(image, "file")),
		[IMAGE_COLUMN_KIND] = or_dash(json_get_string(image, "kind")),
		[IMAGE_COLUMN_STATE] = state(image),
		[IMAGE_COLUMN_DISK] = size_of(image, "disk_size", "size", on_disk, sizeof(on_disk)),
		[IMAGE_COLUMN_MEMORY] = memory(image, of_memory, sizeof(of_memory)),
		[IMAGE_COLUMN_SAVED] = saved(image, when, sizeof(when)),
		[IMAGE_COLUMN_GUEST] = or_dash(json_get_string(image, "name")),
		[IMAGE_COLUMN_BY] = or_dash(json_get_string(image, "by")),
		[IMAGE_COLUMN_HOST] = or_dash(json_get_string(image, "host")),
		[IMAGE_COLUMN_XEN] = or_dash(json_get_string(image, "xen")),
	};

	table_row(table, cells);
	if (colour)
		table_colour(table, IMAGE_COLUMN_STATE, state_colour(image));
}

static void print_problem(FILE *out, struct json_object *image, size_t width)
{
	const char *said = json_get_string(image, "problem");
	_cleanup_free_ char *text = NULL;

	said = said ? said : json_get_string(image, "reason");
	if (said && str_format(&text, "%s: %s", or_dash(json_get_string(image, "file")), said) >= 0)
		text_wrap(out, text, width, INDENT);
}

void image_table_print(FILE *out, struct json_object *images, const struct terminal *terminal)
{
	_cleanup_(table_freep) struct table *table = table_new(_IMAGE_COLUMN_MAX, heads);
	size_t n = images ? json_object_array_length(images) : 0;

	if (n == 0) {
		fputs("There are no images\n", out);
		return;
	}
	if (!table)
		return;
	table_align_right(table, IMAGE_COLUMN_DISK);
	table_align_right(table, IMAGE_COLUMN_MEMORY);
	for (size_t i = 0; i < n; i++)
		add_image(table, json_object_array_get_idx(images, i), terminal->colour);
	table_fit(table, terminal->width, KEPT);
	table_print(table, out);
	for (size_t i = 0; i < n; i++)
		print_problem(out, json_object_array_get_idx(images, i), terminal->width);
}
