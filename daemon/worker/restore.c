/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/ledger-record.h"
#include "worker/image.h"
#include "worker/trust.h"

int restore_consumed_path(const struct job *job, char **ret)
{
	return str_format(ret, "%s.restoring", job->record.request.path);
}

/* Moves an image, and makes that last. */
static int move(const char *from, const char *to)
{
	if (rename(from, to) < 0)
		return -errno;
	return fsync_parent(to);
}

int restore_give_back(const struct job *job)
{
	_cleanup_free_ char *consumed = NULL;
	int r = restore_consumed_path(job, &consumed);

	r = r < 0 ? r : move(consumed, job->record.request.path);
	return r == -ENOENT ? 0 : r;
}

/* So that the image is known should it come back, from a copy or after a power cut. */
static int note_in_ledger(const struct job *job, const struct image_header *header)
{
	const struct operation_request *request = &job->record.request;
	struct ledger_record entry = {
		.kind = LEDGER_RESTORED,
		.uuid = header->facts.id,
		.name = request->name,
		.time = usec_now(),
	};
	int r;

	if (!header->ours || !request->ledger)
		return 0;
	r = ledger_boot_id(&entry.boot);
	return r < 0 ? r : ledger_append(request->ledger, &entry);
}

void restore_forget(const struct job *job)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *consumed = NULL;
	_cleanup_close_ int fd = -1;
	const char *problem;
	int r = restore_consumed_path(job, &consumed);

	if (r < 0)
		return;
	fd = open(consumed, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (image_read_header(fd, &header, &problem) >= 0)
		r = note_in_ledger(job, &header);
	if (r < 0)
		log_warning_errno(r, "%s: that it was restored cannot be noted",
				  job->record.request.name);
	r = unlink(consumed) < 0 ? -errno : fsync_parent(consumed);
	if (r < 0)
		log_warning_errno(r, "%s: the image it was restored from cannot be removed",
				  job->record.request.name);
}

static int refuse(struct job *job, int error, const char *problem)
{
	return job_explain(job, error, "%s: %s", job->record.request.path, problem);
}

/* All that can be known of an image without reading it as a whole. */
static int check_image(struct job *job, int fd, bool consumed, struct image_header *ret)
{
	const struct operation_request *request = &job->record.request;
	_cleanup_free_ char *version = NULL, *problem = NULL;
	struct trust_question question = {.fd = fd, .path = request->path, .consumed = consumed};
	uint64_t size;
	int r = xl_version(job->xl, &version);

	question.xen = r < 0 ? NULL : version;
	r = trust_check(&question, ret, &size, &problem);
	if (r < 0)
		return problem ? job_explain(job, r, "%s", problem) : r;
	if (!uuid_equal(&ret->uuid, &request->uuid))
		return refuse(job, -EBADMSG, "it is another guest's image now");
	if (!ret->ours)
		log_info("%s: %s was written by xl, without a checksum: only its structure and "
			 "its age are looked at",
			 request->name, request->path);
	job->expected = size - (uint64_t)ret->stream;
	job->result.bytes = size;
	return 0;
}

static int check_passed(struct job *job, const struct image_header *header,
			const struct pump_result *passed)
{
	if (passed->error == -EBADMSG)
		return refuse(job, passed->error, passed->problem);
	if (passed->error < 0 && passed->error != -EPIPE)
		return refuse(job, passed->error, strerror(-passed->error));
	if (passed->error == 0 && header->ours && passed->hash != header->facts.stream_hash)
		return refuse(job, -EBADMSG, "it is damaged: its checksum does not match");
	return passed->error;
}

/* Builds the guest from the image, paused, while the image is checked as it passes by. */
static int build(struct job *job, int fd, const struct image_header *header, uint32_t *ret_domid)
{
	struct pump_result passed;
	uint32_t domid;
	struct pump *pump;
	bool alone = job_is_alone(job);
	int pipe, restored;
	int r = lseek(fd, header->stream, SEEK_SET) < 0 ? -errno : pump_from_file(fd, &pump, &pipe);

	if (r < 0)
		return r;
	job->pump = pump;
	restored = xl_restore(job->xl, header->config, pipe, &domid);
	job->pump = NULL;
	close(pipe);
	pump_join(pump, &passed);
	r = check_passed(job, header, &passed);
	if (restored < 0) {
		job_explain_xl(job, restored, NULL);
		if (alone)
			job_remove_half_built(job);
		return restored;
	}
	if (r < 0) {
		xl_destroy(job->xl, domid);
		/* libxl had all that it wanted and did not read on. */
		return r == -EPIPE ? refuse(job, -EBADMSG, "it goes on behind its end") : r;
	}
	*ret_domid = domid;
	return 0;
}

/* The image is used up before the guest runs: never twice. */
static int consume(struct job *job)
{
	_cleanup_free_ char *consumed = NULL;
	int r = restore_consumed_path(job, &consumed);

	r = r < 0 ? r : move(job->record.request.path, consumed);
	return r < 0 ? job_explain(job, r, "%s cannot be renamed: %s", job->record.request.path,
				   strerror(-r))
		     : 0;
}

/*
 * Opens the image. One that is there under the name of a used-up one only was being let go when the
 * host went down: *ret_consumed is then that name, and the guest may have run.
 */
static int open_image(struct job *job, char **ret_consumed)
{
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	_cleanup_free_ char *consumed = NULL;
	int fd = open(job->record.request.path, flags);
	int r;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? refuse(job, -errno, strerror(errno)) : fd;
	r = restore_consumed_path(job, &consumed);
	if (r < 0)
		return r;
	fd = open(consumed, flags);
	if (fd < 0)
		return refuse(job, -errno, strerror(errno));
	*ret_consumed = TAKE_PTR(consumed);
	return fd;
}

int run_restore(struct job *job)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *consumed = NULL;
	_cleanup_close_ int fd = open_image(job, &consumed);
	uint32_t domid = XL_NO_DOMID;
	int r;

	if (fd < 0)
		return fd;
	r = check_image(job, fd, consumed != NULL, &header);
	r = r < 0 ? r : build(job, fd, &header, &domid);
	if (r < 0)
		return r;
	r = job_mark_domain(job, domid, header.config);
	if (r >= 0 && !consumed)
		r = consume(job);
	r = r < 0 ? r : job_release(job, domid);
	if (r < 0) {
		/* It has not run: the image is as good as before. */
		if (xl_destroy(job->xl, domid) >= 0)
			restore_give_back(job);
		return r;
	}
	restore_forget(job);
	return 0;
}
