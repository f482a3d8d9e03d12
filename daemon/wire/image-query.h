/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "wire/json.h"

/*
 * A question to a worker about the files in the directory of images. It answers with one object for
 * each file, {"entry": {...}} as type Image in wire/interface.c has it, and {"end": true}.
 */
enum image_action {
	IMAGE_LIST,   /* all of them */
	IMAGE_VERIFY, /* read one through, and compare it with its checksum */
	IMAGE_DELETE, /* for good */
	_IMAGE_ACTION_MAX,
	_IMAGE_ACTION_INVALID = -EINVAL,
};

struct image_query {
	enum image_action action;
	const char *save; /* the directory */
	const char *file; /* in it; NULL: IMAGE_LIST */
};

/* NULL: no memory. */
struct json_object *image_query_message(const struct image_query *query);

/* Borrows from the message. 0, or -EBADMSG where something is missing, or is no name of a file. */
int image_query_parse(struct json_object *message, struct image_query *ret);

/* Whether a name can be that of a file in a directory: it leads nowhere else. */
bool image_query_is_file(const char *name);
