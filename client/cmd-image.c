/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "command.h"
#include "image-cat.h"
#include "names.h"
#include "util/str.h"
#include "wire/interface.h"

struct action {
	const char *name, *method;
	const char *success; /* the member that says so; NULL: that no problem is named */
	usec_t limit;        /* for the answer */
	bool takes_file;
};

static const struct action actions[] = {
	{"list", METHOD_LIST_IMAGES, NULL, 100 * USEC_PER_SEC, false},
	{"verify", METHOD_VERIFY_IMAGE, "verified", USEC_INFINITY, true},
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

static int run_action(const struct context *context, const struct action *action, const char *file)
{
	_cleanup_json_ struct json_object *parameters = json_object_new_object();
	struct varlink_reply reply;
	int r = parameters ? json_add_string(parameters, "file", file) : -ENOMEM;

	if (r < 0)
		return explain_error(context, r);
	r = call_within(context, action->limit, action->method, TAKE_PTR(parameters), &reply);
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
	int status = STATUS_OK;

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
	if (!action->takes_file)
		return run_action(context, action, NULL);
	for (char **file = arguments + 1; *file; file++) {
		int s = run_action(context, action, *file);

		status = MAX(status, s);
	}
	return status;
}

const struct command command_image = {
	.name = "image",
	.arguments = "list|verify|delete|cat",
	.help = "list, check, delete or decompress images of guests",
	.run = run,
};
