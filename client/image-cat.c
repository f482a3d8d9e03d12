/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "image-cat.h"

#include <unistd.h>

#include "image-find.h"
#include "util/str.h"
#include "wire/operation.h"

/* STATUS_OK, or an exit status with everything said. */
static int find_image(const struct context *context, const char *file, char **ret)
{
	struct varlink_reply reply;
	const char *directory;
	int r = image_list(context, &reply), status;

	if (r < 0)
		return -r;
	directory = json_get_string(reply.parameters, "directory");
	r = directory ? str_format(ret, "%s/%s", directory, file) : -EPROTO;
	if (r < 0)
		status = explain_error(context, r);
	else if (!image_is_listed(reply.parameters, file))
		status = image_explain_missing(context, file, reply.parameters);
	else
		status = STATUS_OK;
	varlink_reply_done(&reply);
	return status;
}

int image_cat(const struct context *context, const char *file)
{
	const char *worker = context->worker ? context->worker : WORKER_PATH;
	_cleanup_free_ char *path = NULL;
	int status;

	if (isatty(STDOUT_FILENO)) {
		fprintf(stderr, "Not writing an image to a terminal. Pipe it to 'xl restore "
				"/dev/stdin', or redirect it to a file\n");
		return STATUS_USAGE;
	}
	if (!strchr(file, '/')) {
		status = find_image(context, file, &path);
		if (status != STATUS_OK)
			return status;
	}
	execl(worker, worker, OPERATION_VERB_CAT, path ? path : file, NULL);
	fprintf(stderr, "Failed to run %s: %s\n", worker, strerror(errno));
	return STATUS_FAILED;
}
