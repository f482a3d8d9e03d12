/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "api/outlived.h"

#include "util/index.h"
#include "util/str.h"

static int index_files(struct json_object *images, struct index *x)
{
	size_t n = json_object_array_length(images);
	int r = index_reserve(x, n);

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *image = json_object_array_get_idx(images, i);
		const char *file = json_get_string(image, "file");

		if (file)
			r = index_add(x, hash_text(file), image);
	}
	return r;
}

static bool is_image(struct json_object *image, const struct survey_image *seen)
{
	/* The file may hold another image by now. */
	return str_equal(json_get_string(image, "file"), path_base(seen->path)) &&
	       str_equal(json_get_string(image, "id"), UUID_TEXT(&seen->id));
}

static int note(const struct index *x, const struct guest_image *outlived)
{
	const struct index_entry *e = index_first(x, hash_text(path_base(outlived->image->path)));
	int r = 0;

	for (; r >= 0 && e; e = index_next(x, e)) {
		if (!is_image(e->item, outlived->image))
			continue;
		r = json_add_bool(e->item, "outlived", true);
		r = r < 0 ? r
			  : json_add_string(e->item, "reason",
					    standing_why_past(outlived->standing));
	}
	return r;
}

int outlived_note(struct json_object *images, const char *directory,
		  const struct inventory *inventory)
{
	_cleanup_(index_done) struct index x = {0};
	int r = index_files(images, &x);

	for (size_t i = 0; r >= 0 && i < inventory->n; i++) {
		const struct guest *g = &inventory->guests[i];

		for (size_t j = 0; r >= 0 && j < g->n_images; j++)
			if (standing_is_past(g->images[j].standing) &&
			    path_lies_in(g->images[j].image->path, directory))
				r = note(&x, &g->images[j]);
	}
	return r;
}
