/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "wire/image-query.h"

#include "util/str.h"

static const char *const action_names[_IMAGE_ACTION_MAX] = {
	[IMAGE_LIST] = "list",
	[IMAGE_VERIFY] = "verify",
	[IMAGE_DELETE] = "delete",
};

struct json_object *image_query_message(const struct image_query *query)
{
	_cleanup_json_ struct json_object *o = json_object_new_object();
	int r = o ? 0 : -ENOMEM;

	r = r < 0 ? r : json_add_string(o, "action", action_names[query->action]);
	r = r < 0 ? r : json_add_string(o, "save", query->save);
	r = r < 0 ? r : json_add_string(o, "file", query->file);
	return r < 0 ? NULL : TAKE_PTR(o);
}

bool image_query_is_file(const char *name)
{
	return !str_empty(name) && !strchr(name, '/') && !str_equal(name, ".") &&
	       !str_equal(name, "..");
}

int image_query_parse(struct json_object *message, struct image_query *ret)
{
	int action = str_lookup(action_names, ELEMENTSOF(action_names),
				json_get_string(message, "action"));
	struct image_query query = {
		.action = (enum image_action)action,
		.save = json_get_string(message, "save"),
		.file = json_get_string(message, "file"),
	};

	if (action < 0 || !query.save)
		return -EBADMSG;
	if (query.action == IMAGE_LIST ? query.file != NULL : !image_query_is_file(query.file))
		return -EBADMSG;
	*ret = query;
	return 0;
}
