/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/cat.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "util/fd.h"
#include "util/str.h"
#include "worker/image/check.h"
#include "worker/link.h"

/* What is on its way out: the last piece waits for the next one, or for the end. */
struct outflow {
	int out, error;
	uint8_t *piece;
	size_t size;
};

static int refuse(const char *path, int error, const char *problem)
{
	fprintf(stderr, "%s: %s\n", path, problem);
	return error;
}

static int write_kept(struct outflow *o)
{
	o->error = fd_write_all(o->out, o->piece, o->size);
	o->size = 0;
	return o->error;
}

static int take(void *data, const uint8_t *piece, size_t size)
{
	struct outflow *o = data;
	uint8_t *copy;
	int r = write_kept(o);

	if (r < 0)
		return r;
	copy = realloc(o->piece, size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, piece, size);
	o->piece = copy;
	o->size = size;
	return 0;
}

static int read_head(const char *path, int fd, struct image_header *ret)
{
	enum image_problem problem;
	int r = image_read_header(fd, ret, &problem);

	if (r == -EBADMSG || r == -ENOEXEC)
		return refuse(path, r, image_problem_to_string(problem));
	return r < 0 ? refuse(path, r, strerror(-r)) : 0;
}

static int write_head(const char *path, int fd, const struct image_header *header, int out)
{
	_cleanup_free_ uint8_t *head = NULL;
	int r = image_plain_head(fd, header, &head);

	if (r < 0)
		return refuse(path, r, strerror(-r));
	r = fd_write_all(out, head, (size_t)header->stream);
	return r < 0 ? refuse("standard output", r, strerror(-r)) : 0;
}

static int write_stream(const char *path, int fd, const struct image_header *header, int out)
{
	struct outflow o = {.out = out};
	enum stream_problem problem;
	int r = check_stream(fd, header, take, &o, &problem);

	r = r < 0 ? r : write_kept(&o);
	free(o.piece);
	if (o.error < 0)
		return refuse("standard output", r, strerror(-r));
	if (r < 0)
		return refuse(path, r,
			      problem == STREAM_NO_PROBLEM ? strerror(-r)
							   : stream_problem_to_string(problem));
	return 0;
}

static int check_file(const char *path, int fd, const struct image_header *header)
{
	enum stream_problem problem;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return refuse(path, -errno, strerror(errno));
	r = check_size(header, (uint64_t)st.st_size, &problem);
	return r < 0 ? refuse(path, r, stream_problem_to_string(problem)) : 0;
}

int run_cat(const char *path, int out)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *unopened = NULL;
	_cleanup_close_ int fd = link_open(path, O_RDONLY | O_NONBLOCK, &unopened);
	int r = fd < 0 ? refuse(path, fd, unopened ? unopened : strerror(-fd))
		       : read_head(path, fd, &header);

	r = r < 0 ? r : check_file(path, fd, &header);
	r = r < 0 ? r : write_head(path, fd, &header, out);
	return r < 0 ? r : write_stream(path, fd, &header, out);
}
