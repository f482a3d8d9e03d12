/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "image-find.h"

#include "meant.h"
#include "util/nearest.h"
#include "util/str.h"
#include "width.h"
#include "wire/interface.h"

/* The daemon looks at all images. */
#define LIST_LIMIT (100 * USEC_PER_SEC)

int image_list(const struct context *context, struct varlink_reply *ret)
{
	return call_within(context, LIST_LIMIT, METHOD_LIST_IMAGES, NULL, ret);
}

bool image_is_listed(struct json_object *parameters, const char *file)
{
	struct json_object *images = json_get(parameters, "images", json_type_array);
	size_t n = images ? json_object_array_length(images) : 0;

	for (size_t i = 0; i < n; i++)
		if (str_equal(json_get_string(json_object_array_get_idx(images, i), "file"), file))
			return true;
	return false;
}

static const char *find_nearest(struct json_object *parameters, const char *file)
{
	struct json_object *images = json_get(parameters, "images", json_type_array);
	size_t n = images ? json_object_array_length(images) : 0;
	/* A path was typed where a name is wanted. */
	struct nearest nearest = {.word = path_base(file)};

	for (size_t i = 0; i < n; i++) {
		const char *name = json_get_string(json_object_array_get_idx(images, i), "file");

		if (name)
			nearest_consider(&nearest, name);
	}
	return nearest.found;
}

int image_explain_missing(const struct context *context, const char *file, struct json_object *list)
{
	_cleanup_free_ char *clean = text_clean(file);
	struct varlink_reply reply = {0};

	fprintf(stderr, "No image named \"%s\"", clean ? clean : "");
	/* Without an answer in time, no name is proposed. */
	if (!list && ask_within(context, ANSWER_LIMIT, METHOD_LIST_IMAGES, NULL, &reply) >= 0)
		list = reply.parameters;
	meant_ask(stderr, find_nearest(list, file));
	varlink_reply_done(&reply);
	fputs(" Run 'xendomainsctl image list' to list images\n", stderr);
	return STATUS_FAILED;
}
