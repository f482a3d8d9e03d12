/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/restore.h"

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/quote.h"
#include "util/str.h"
#include "worker/aside.h"
#include "worker/build.h"
#include "worker/image/image.h"
#include "worker/image/names.h"
#include "worker/image/trust.h"
#include "worker/life.h"
#include "worker/link.h"

/*
 * Whether it is the image that the plan was made for: another one can have taken its name. A plan
 * without an ID means any.
 */
static bool is_meant(const struct task *task, int fd, const struct image_header *header)
{
	struct uuid id;
	usec_t written;

	if (uuid_is_null(&task->record.request.image))
		return true;
	return image_identify(fd, header, &id, &written) >= 0 &&
	       uuid_equal(&id, &task->record.request.image);
}

void restore_forget(const struct task *task)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const char *path = task->record.request.path;
	enum image_problem problem;
	_cleanup_free_ char *unopened = NULL;
	_cleanup_close_ int fd = link_open(path, O_RDONLY | O_NONBLOCK, &unopened);
	int r = fd < 0 ? fd : image_read_header(fd, &header, &problem);

	if (r == -ENOENT)
		return;
	if (r >= 0 && !is_meant(task, fd, &header))
		r = -ESTALE;
	if (r >= 0)
		r = unlink(path) < 0 ? -errno : fsync_parent(path);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to remove the image that it was restored from, %s",
				  task->record.request.name, path);
}

/* An administrator can let run what is left of it. That may have ended before it is seen. */
static void use_up(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	struct xl_domain d;
	int r = build_find(task, &d);

	if (r == -ESRCH)
		return;
	r = life_begin(task, BEGINNING_RESTORE, &request->image, r < 0 ? DOMID_NONE : d.domid);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that it may run from %s", request->name,
				  request->path);
}

/*
 * It has not run: the image is as good as before. The record comes first, for once the domain is
 * gone it is unknown whether it ran.
 */
void restore_undo(struct task *task, uint32_t domid)
{
	if (life_take_back(task) < 0)
		log_warning("%s: Failed to record that %s was not used", task->record.request.name,
			    task->record.request.path);
	if (xl_destroy(task->xl, domid) < 0)
		use_up(task);
}

static int refuse(struct task *task, int error, const char *problem)
{
	return task_explain(task, error, "%s: %s", task->record.request.path, problem);
}

/* All that can be known of an image without reading it as a whole. */
static int check_image(struct task *task, int fd, struct image_header *ret)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *version = NULL, *problem = NULL;
	struct trust_question question = {
		.fd = fd,
		.path = request->path,
		.standing = request->standing,
		.ledger = request->ledger,
	};
	uint64_t size;
	int r = xl_version(task->xl, &version);

	question.xen = r < 0 ? NULL : version;
	r = trust_check(&question, ret, &size, &task->result.outcome, &problem);
	if (r < 0)
		return problem ? task_explain(task, r, "%s", problem) : r;
	if (!uuid_equal(&ret->uuid, &request->uuid))
		return refuse(task, -EBADMSG, "it is another guest's image now");
	if (!is_meant(task, fd, ret))
		return refuse(task, -EBADMSG, "it was replaced by another image a moment ago");
	if (!ret->ours)
		log_info("%s: %s was written by xl, without a checksum: only its structure and "
			 "its age are looked at",
			 request->name, request->path);
	task->expected = ret->ours ? ret->facts.stream_bytes : size - (uint64_t)ret->stream;
	task->result.bytes = size;
	return 0;
}

/* To try it again helps only with another file. */
static int refuse_damaged(struct task *task, enum stream_problem problem)
{
	return task_explain(task, -EBADMSG,
			    "%s: %s. Put a whole copy of it there; or, if the guest has a "
			    "configuration, run 'xendomainsctl start --cold %s' to start it "
			    "without its memory",
			    task->record.request.path, stream_problem_to_string(problem),
			    AS_ARGUMENT(task->record.request.name));
}

static int check_passed(struct task *task, int fd, const struct image_header *header,
			const struct pump_result *passed)
{
	if (passed->error == -EBADMSG)
		return refuse_damaged(task, passed->problem);
	if (passed->error < 0 && passed->error != -EPIPE)
		return refuse(task, passed->error, strerror(-passed->error));
	if (passed->error == 0 && header->ours && passed->hash != header->facts.stream_hash)
		return refuse_damaged(task, STREAM_OTHER_HASH);
	/* An image of xl's has no checksum, but its ID tells of a write. */
	if (passed->error == 0 && !is_meant(task, fd, header))
		return refuse(task, -EBADMSG, "it was written while it was read");
	return passed->error;
}

/* Builds the guest from the image, paused, while the image is checked as it passes by. */
static int build(struct task *task, int fd, const struct image_header *header, uint32_t *ret_domid)
{
	_cleanup_free_ char *config = NULL;
	struct pump_result passed;
	uint32_t domid;
	struct pump *pump;
	int pipe, restored;
	int r = build_sign(task, header->config, &config);

	if (r >= 0)
		r = lseek(fd, header->stream, SEEK_SET) < 0
			    ? -errno
			    : pump_from_file(fd, header->facts.compression,
					     header->facts.stream_bytes, &pump, &pipe);
	if (r < 0)
		return r;
	task->pump = pump;
	restored = xl_restore(task->xl, config, pipe, &domid);
	task->pump = NULL;
	close(pipe);
	pump_join(pump, &passed);
	r = check_passed(task, fd, header, &passed);
	if (restored < 0) {
		task_explain_xl(task, restored, NULL);
		build_undo(task);
		return restored;
	}
	if (r < 0) {
		xl_destroy(task->xl, domid);
		/* libxl had all that it wanted and did not read on. */
		return r == -EPIPE ? refuse(task, -EBADMSG, "data follows its end") : r;
	}
	*ret_domid = domid;
	return 0;
}

int run_restore(struct task *task)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = link_open(task->record.request.path, O_RDONLY | O_NONBLOCK,
					   &problem);
	uint32_t domid = DOMID_NONE;
	int r = fd < 0 ? refuse(task, fd, problem) : image_hold(fd);

	if (r == -EBUSY)
		r = refuse(task, r, "it is being deleted");
	r = r < 0 ? r : check_image(task, fd, &header);
	r = r < 0 ? r : task_make_room(task, header.config);
	r = r < 0 ? r : build(task, fd, &header, &domid);
	if (r < 0)
		return r;
	r = task_mark_domain(task, domid, header.config);
	r = r < 0 ? r : aside_put_stale(task);
	r = r < 0 ? r : life_release(task, domid, BEGINNING_RESTORE, &task->record.request.image);
	if (r < 0) {
		restore_undo(task, domid);
		return r;
	}
	restore_forget(task);
	return 0;
}
