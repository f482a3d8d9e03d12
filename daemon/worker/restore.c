/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/restore.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/build.h"
#include "worker/image/image.h"
#include "worker/image/trust.h"
#include "worker/life.h"
#include "worker/link.h"

/*
 * Whether it is the image that the plan was made for: another one can have taken its name. A plan
 * without an ID means any.
 */
static bool is_meant(const struct job *job, int fd, const struct image_header *header)
{
	struct uuid id;
	usec_t written;

	if (uuid_is_null(&job->record.request.image))
		return true;
	return image_identify(fd, header, &id, &written) >= 0 &&
	       uuid_equal(&id, &job->record.request.image);
}

void restore_forget(const struct job *job)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const char *path = job->record.request.path;
	enum image_problem problem;
	_cleanup_free_ char *unopened = NULL;
	_cleanup_close_ int fd = link_open(path, O_RDONLY | O_NONBLOCK, &unopened);
	int r = fd < 0 ? fd : image_read_header(fd, &header, &problem);

	if (r == -ENOENT)
		return;
	if (r >= 0 && !is_meant(job, fd, &header))
		r = -ESTALE;
	if (r >= 0)
		r = unlink(path) < 0 ? -errno : fsync_parent(path);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to remove the image that it was restored from, %s",
				  job->record.request.name, path);
}

/* An administrator can let run what is left of it. That may have ended before it is seen. */
static void use_up(struct job *job)
{
	const struct operation_request *request = &job->record.request;
	struct xl_domain d;
	int r = build_find(job, &d);

	if (r == -ESRCH)
		return;
	r = life_begin(job, BEGINNING_RESTORE, &request->image, r < 0 ? DOMID_NONE : d.domid);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that it may run from %s", request->name,
				  request->path);
}

/*
 * It has not run: the image is as good as before. The record comes first, for once the domain is
 * gone it is unknown whether it ran.
 */
void restore_undo(struct job *job, uint32_t domid)
{
	if (life_take_back(job) < 0)
		log_warning("%s: Failed to record that %s was not used", job->record.request.name,
			    job->record.request.path);
	if (xl_destroy(job->xl, domid) < 0)
		use_up(job);
}

static int refuse(struct job *job, int error, const char *problem)
{
	return job_explain(job, error, "%s: %s", job->record.request.path, problem);
}

/* All that can be known of an image without reading it as a whole. */
static int check_image(struct job *job, int fd, struct image_header *ret)
{
	const struct operation_request *request = &job->record.request;
	_cleanup_free_ char *version = NULL, *problem = NULL;
	struct trust_question question = {
		.fd = fd,
		.path = request->path,
		.standing = request->standing,
		.ledger = request->ledger,
	};
	uint64_t size;
	int r = xl_version(job->xl, &version);

	question.xen = r < 0 ? NULL : version;
	r = trust_check(&question, ret, &size, &job->result.outcome, &problem);
	if (r < 0)
		return problem ? job_explain(job, r, "%s", problem) : r;
	if (!uuid_equal(&ret->uuid, &request->uuid))
		return refuse(job, -EBADMSG, "it is another guest's image now");
	if (!is_meant(job, fd, ret))
		return refuse(job, -EBADMSG, "it was replaced by another image a moment ago");
	if (!ret->ours)
		log_info("%s: %s was written by xl, without a checksum: only its structure and "
			 "its age are looked at",
			 request->name, request->path);
	job->expected = size - (uint64_t)ret->stream;
	job->result.bytes = size;
	return 0;
}

static int check_passed(struct job *job, int fd, const struct image_header *header,
			const struct pump_result *passed)
{
	if (passed->error == -EBADMSG)
		return refuse(job, passed->error, stream_problem_to_string(passed->problem));
	if (passed->error < 0 && passed->error != -EPIPE)
		return refuse(job, passed->error, strerror(-passed->error));
	if (passed->error == 0 && header->ours && passed->hash != header->facts.stream_hash)
		return refuse(job, -EBADMSG, stream_problem_to_string(STREAM_OTHER_HASH));
	/* An image of xl's has no checksum, but its ID tells of a write. */
	if (passed->error == 0 && !is_meant(job, fd, header))
		return refuse(job, -EBADMSG, "it was written while it was read");
	return passed->error;
}

/* Builds the guest from the image, paused, while the image is checked as it passes by. */
static int build(struct job *job, int fd, const struct image_header *header, uint32_t *ret_domid)
{
	_cleanup_free_ char *config = NULL;
	struct pump_result passed;
	uint32_t domid;
	struct pump *pump;
	int pipe, restored;
	int r = build_sign(job, header->config, &config);

	if (r >= 0)
		r = lseek(fd, header->stream, SEEK_SET) < 0 ? -errno
							    : pump_from_file(fd, &pump, &pipe);

	if (r < 0)
		return r;
	job->pump = pump;
	restored = xl_restore(job->xl, config, pipe, &domid);
	job->pump = NULL;
	close(pipe);
	pump_join(pump, &passed);
	r = check_passed(job, fd, header, &passed);
	if (restored < 0) {
		job_explain_xl(job, restored, NULL);
		build_undo(job);
		return restored;
	}
	if (r < 0) {
		xl_destroy(job->xl, domid);
		/* libxl had all that it wanted and did not read on. */
		return r == -EPIPE ? refuse(job, -EBADMSG, "data follows its end") : r;
	}
	*ret_domid = domid;
	return 0;
}

int run_restore(struct job *job)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = link_open(job->record.request.path, O_RDONLY | O_NONBLOCK,
					   &problem);
	uint32_t domid = DOMID_NONE;
	int r = fd < 0 ? refuse(job, fd, problem) : check_image(job, fd, &header);

	r = r < 0 ? r : job_make_room(job, header.config);
	r = r < 0 ? r : build(job, fd, &header, &domid);
	if (r < 0)
		return r;
	r = job_mark_domain(job, domid, header.config);
	r = r < 0 ? r : job_put_aside(job);
	r = r < 0 ? r : life_release(job, domid, BEGINNING_RESTORE, &job->record.request.image);
	if (r < 0) {
		restore_undo(job, domid);
		return r;
	}
	restore_forget(job);
	return 0;
}
