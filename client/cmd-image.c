/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "image-cat.h"
#include "image-find.h"
#include "names.h"
#include "util/str.h"
#include "wire/image-query.h"
#include "wire/interface.h"

struct action {
	const char *name, *method;
	const char *success; /* the member that says so; NULL: that no problem is named */
	usec_t limit;        /* for the answer; 0: that tells its progress */
	bool takes_file;
};

static const struct action actions[] = {
	{"list", METHOD_LIST_IMAGES, NULL, 0, false},
	{"verify", METHOD_VERIFY_IMAGE, "verified", 0, true},
	{"delete", METHOD_DELETE_IMAGE, "deleted", 100 * USEC_PER_SEC, true},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; name && i < ELEMENTSOF(actions); i++)
		if (str_equal(actions[i].name, name))
			return &actions[i];
	return NULL;
}

static bool is_well(const struct action *action, struct json_object *parameters)
{
	struct json_object *images = json_get(parameters, "images", json_type_array);

	for (size_t i = 0; images && i < json_object_array_length(images); i++) {
		struct json_object *image = json_object_array_get_idx(images, i);

		if (action->success ? !json_get_bool(image, action->success)
				    : json_get_string(image, "problem") != NULL)
			return false;
	}
	return true;
}

static int run_list(const struct context *context, const struct action *action)
{
	struct varlink_reply reply;
	int r = image_list(context, &reply);

	if (r < 0)
		return -r;
	if (context->names)
		names_print(stdout, reply.parameters, "images", "file");
	else
		context->writer->ops->images(context->writer, reply.parameters);
	r = is_well(action, reply.parameters) ? STATUS_OK : STATUS_FAILED;
	varlink_reply_done(&reply);
	return r;
}

static int call_for(const struct context *context, const struct action *action, const char *file,
		    struct varlink_reply *ret)
{
	_cleanup_json_ struct json_object *parameters = json_object_new_object();
	int r = parameters ? json_add_string(parameters, "file", file) : -ENOMEM;

	if (r < 0)
		return -explain_error(context, r);
	return action->limit > 0
		       ? call_within(context, action->limit, action->method, TAKE_PTR(parameters),
				     ret)
		       : call_with_events(context, action->method, TAKE_PTR(parameters), ret);
}

/* Programs read each answer when it is there; for people they are put together. */
static int take_images(const struct context *context, struct json_object *parameters,
		       struct json_object *all)
{
	struct json_object *images = json_get(parameters, "images", json_type_array);
	int r = 0;

	if (context->json || context->progress == PROGRESS_JSON) {
		context->writer->ops->images(context->writer, parameters);
		return 0;
	}
	for (size_t i = 0; r >= 0 && images && i < json_object_array_length(images); i++) {
		struct json_object *image = json_object_array_get_idx(images, i);
		const char *file = json_get_string(image, "file");

		/* A null is no image, and would be taken for a lack of memory. */
		if (!json_object_is_type(image, json_type_object))
			continue;
		if (file && json_get_bool(image, "missing"))
			image_explain_missing(context, file, NULL);
		else
			r = json_append(all, json_object_get(image));
	}
	return r;
}

static int run_action(const struct context *context, const struct action *action, const char *file,
		      struct json_object *all)
{
	struct varlink_reply reply;
	bool well;
	int r;

	if (!image_query_is_file(file))
		return image_explain_missing(context, file, NULL);
	r = call_for(context, action, file, &reply);
	if (r < 0)
		return -r;
	well = is_well(action, reply.parameters);
	r = take_images(context, reply.parameters, all);
	varlink_reply_done(&reply);
	if (r < 0)
		return explain_error(context, r);
	return well ? STATUS_OK : STATUS_FAILED;
}

static bool is_among(char **files, size_t n, const char *file)
{
	for (size_t i = 0; i < n; i++)
		if (str_equal(files[i], file))
			return true;
	return false;
}

static int run_for_files(const struct context *context, const struct action *action, char **files)
{
	_cleanup_json_ struct json_object *parameters = json_object_new_object();
	_cleanup_json_ struct json_object *images = json_object_new_array();
	int status = STATUS_OK;

	if (!parameters || !images)
		return explain_error(context, -ENOMEM);
	for (size_t i = 0; files[i]; i++) {
		int s = is_among(files, i, files[i])
				? STATUS_OK
				: run_action(context, action, files[i], images);

		status = MAX(status, s);
	}
	if (json_object_array_length(images) == 0)
		return status;
	if (json_add(parameters, "images", TAKE_PTR(images)) < 0)
		return explain_error(context, -ENOMEM);
	context->writer->ops->images(context->writer, parameters);
	return status;
}

static int run_cat(const struct context *context, char **files)
{
	if (!files[0] || files[1] || context->names || context->json) {
		fprintf(stderr, "'image cat' takes one file, and neither --json nor --names\n");
		return STATUS_USAGE;
	}
	return image_cat(context, files[0]);
}

static int run(const struct context *context, char **arguments)
{
	const struct action *action = find_action(arguments[0]);

	if (str_equal(arguments[0], "cat"))
		return run_cat(context, arguments + 1);
	if (!action || action->takes_file != !!arguments[1]) {
		fprintf(stderr, "Say what to do: 'image list', 'image verify FILE...', 'image "
				"delete FILE...' or 'image cat FILE', with files as 'image list' "
				"names them\n");
		return STATUS_USAGE;
	}
	if (context->names && action->takes_file) {
		fprintf(stderr, "--names goes with 'status' or 'image list' only\n");
		return STATUS_USAGE;
	}
	return action->takes_file ? run_for_files(context, action, arguments + 1)
				  : run_list(context, action);
}

const struct command command_image = {
	.name = "image",
	.arguments = "list|verify|delete|cat",
	.help = "list, check, delete or decompress images of guests",
	.run = run,
};
