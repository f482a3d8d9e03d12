/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/restore.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "wire/journal.h"
#include "worker/disks.h"
#include "worker/image.h"
#include "worker/stream.h"

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
static int note_in_journal(const struct job *job, const struct image_header *header)
{
	const struct operation_request *request = &job->record.request;
	struct journal_entry entry = {
		.kind = JOURNAL_RESTORED,
		.uuid = header->facts.id,
		.name = request->name,
		.time = usec_now(),
	};
	int r;

	if (!header->ours || !request->journal)
		return 0;
	r = journal_boot_id(&entry.boot);
	return r < 0 ? r : journal_append(request->journal, &entry);
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
		r = note_in_journal(job, &header);
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

/* Who can write an image can write a guest's memory. */
static int check_file(struct job *job, int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(job, -errno, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(job, -EINVAL, "it is not a file");
	if (st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return refuse(job, -EPERM, "others than root can write it");
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

static int put_aside(struct job *job, const char *consumed)
{
	_cleanup_free_ char *aside = NULL;
	int r = str_format(&aside, "%s.stale-%llu", job->record.request.path,
			   (unsigned long long)(usec_now_wall() / USEC_PER_SEC));

	r = r < 0 ? r : move(consumed, aside);
	if (r < 0)
		return refuse(job, r, "it cannot be put aside");
	return job_explain(
		job, -ESTALE,
		"the host went down while the guest was being let go from its image, and "
		"nothing proves that its disks are as they were; the image is put aside "
		"as %s",
		aside);
}

static int check_disks(struct job *job, const struct image_header *header, const char *consumed)
{
	_cleanup_free_ char *reason = NULL;
	enum disks_verdict verdict;
	int r = disks_compare(header->config, header->stamp, &verdict, &reason);

	if (r < 0)
		return r;
	/* Without a stamp not even a guest without disks is proved to be as it was. */
	if (consumed && (verdict != DISKS_UNCHANGED || !header->stamp))
		return put_aside(job, consumed);
	if (verdict == DISKS_CHANGED)
		return job_explain(job, -ESTALE,
				   "%s; its saved memory does not fit any more, so %s is not "
				   "restored. Remove it to start the guest afresh",
				   reason, job->record.request.path);
	return 0;
}

/* libxl crashes at a stream that ends, or is wrong, before its first record (xl.h). */
static int check_beginning(struct job *job, int fd, off_t at)
{
	struct stream stream = STREAM_INIT;
	uint8_t head[XL_STREAM_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), at);
	int r;

	if (n < 0)
		return refuse(job, -errno, strerror(errno));
	r = stream_feed(&stream, head, (size_t)n);
	r = r < 0 || (size_t)n == sizeof(head) ? r : stream_end(&stream);
	if (r < 0)
		return refuse(job, r, stream.problem);
	return stream.has_guest ? 0 : refuse(job, -EBADMSG, "it does not begin with a guest");
}

/* All that can be known of an image without reading it as a whole. */
static int check_image(struct job *job, int fd, const char *consumed, struct image_header *ret)
{
	const char *problem;
	uint64_t size = 0;
	int r = check_file(job, fd, &size);

	if (r < 0)
		return r;
	r = image_read_header(fd, ret, &problem);
	if (r == -EBADMSG || r == -ENOEXEC)
		return refuse(job, r, problem);
	if (r < 0)
		return refuse(job, r, strerror(-r));
	if (!uuid_equal(&ret->uuid, &job->record.request.uuid))
		return refuse(job, -EBADMSG, "it is another guest's image now");
	if (ret->ours && size != (uint64_t)ret->stream + ret->facts.stream_bytes)
		return refuse(job, -EBADMSG,
			      size < (uint64_t)ret->stream + ret->facts.stream_bytes
				      ? "it is cut short"
				      : "it goes on behind its end");
	job->expected = size - (uint64_t)ret->stream;
	job->result.bytes = size;
	r = check_beginning(job, fd, ret->stream);
	return r < 0 ? r : check_disks(job, ret, consumed);
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
	if (restored < 0)
		return job_explain_xl(job, restored, NULL);
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
	r = check_image(job, fd, consumed, &header);
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
