/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <fcntl.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/build.h"
#include "worker/death.h"
#include "worker/handover.h"
#include "worker/image/image.h"
#include "worker/image/names.h"
#include "worker/life.h"
#include "worker/restore.h"
#include "worker/save.h"

static int undone(struct job *job)
{
	return job_explain(job, -EINTR, "the worker died; the operation was undone");
}

/* Create and restore: nothing counts until the guest was released. */
static int undo_build(struct job *job)
{
	int r = build_remove(job);

	return r < 0 ? job_explain_xl(
			       job, r,
			       "failed to destroy the incomplete domain of the worker that died")
		     : undone(job);
}

/* Its life may have been recorded. A second record does no harm, and after it the guest may run. */
static int release_again(struct job *job, const struct xl_domain *d)
{
	bool restore = job->record.request.operation == OPERATION_RESTORE;
	int r = life_release(job, d->domid, restore ? BEGINNING_RESTORE : BEGINNING_CREATE,
			     restore ? &job->record.request.image : &UUID_NULL);

	/* As run_create() and run_restore() do. */
	if (r < 0 && restore)
		restore_undo(job, d->domid);
	else if (r < 0)
		xl_destroy(job->xl, d->domid);
	return r;
}

static int finish_build(struct job *job)
{
	struct xl_domain d;
	int r = build_find(job, &d);

	/* The ledger says whether it ran. */
	if (r == -ESRCH)
		return job_explain(job, r, "the worker died, and the guest is gone");
	if (r < 0)
		return job_explain_xl(job, r, "failed to find the domain");
	r = d.paused ? release_again(job, &d) : 0;
	if (r < 0)
		return r;
	job->result.domid = d.domid;
	if (job->record.request.operation == OPERATION_RESTORE)
		restore_forget(job);
	return 0;
}

static int recover_build(struct job *job)
{
	return job->record.mark == OPERATION_MARK_RELEASED ? finish_build(job) : undo_build(job);
}

/* The old domain was to go, and its configuration is in the operation file. */
static int recover_restart(struct job *job)
{
	int r;

	if (job->record.mark == OPERATION_MARK_RELEASED)
		return finish_build(job);
	if (job->record.mark != OPERATION_MARK_DESTROYED)
		return run_restart(job);
	if (uuid_is_null(&job->record.request.preserve))
		return death_start_afresh(job);
	/* Not destroyed: it was to be kept, and may have been, or not yet. */
	r = death_preserve(job, job->record.request.domid);
	r = r < 0 ? r : build_remove(job);
	return r < 0 ? job_explain_xl(job, r, NULL) : run_create(job);
}

/*
 * The progress of a reset that had begun is unknown, so the guest is created anew. After a finished
 * reset it only needs to be released.
 */
static int recover_soft_reset(struct job *job)
{
	struct xl_domain built;

	switch (job->record.mark) {
	case OPERATION_MARK_RELEASED:
		/* The reset may have failed, and another domain may have been built then. */
		return build_find(job, &built) >= 0 ? finish_build(job) : death_release(job);
	case OPERATION_MARK_DESTROYED:
		return death_start_afresh(job);
	case OPERATION_MARK_NONE:
	case OPERATION_MARK_DESCRIBED:
	case OPERATION_MARK_PUBLISHED:
	case OPERATION_MARK_HANDOVER:
	case OPERATION_MARK_PERMITTED:
	case OPERATION_MARK_RETURNED:
	case OPERATION_MARK_MIGRATED:
	case _OPERATION_MARK_MAX:
	case _OPERATION_MARK_INVALID:
		break;
	}
	return run_soft_reset(job);
}

/* The guest runs on: removes the image that this save was writing, and no other. */
static void discard_image(struct job *job)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const char *path = job->record.request.path;
	enum image_problem problem;
	_cleanup_free_ char *part = NULL;
	_cleanup_close_ int fd = -1;

	if (image_part_path(path, &part) >= 0)
		image_remove_part(part);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || image_read_header(fd, &header, &problem) < 0 || !header.ours ||
	    !uuid_equal(&header.facts.id, &job->record.image))
		return;
	unlink(path);
	fsync_parent(path);
}

/*
 * Finds the domain of a worker that had asked it to suspend, or was about to: once the request is
 * settled, for it may be heeded meanwhile.
 */
static int find_settled(struct job *job, struct xl_domain *ret)
{
	int r = job_find_domain(job, ret), settled;

	if (r < 0)
		return r;
	settled = xl_end_request(job->xl, ret->domid);
	if (settled < 0)
		log_warning_errno(settled, "%s: Failed to take back the request to suspend",
				  job->record.request.name);
	return job_find_domain(job, ret);
}

static int recover_save(struct job *job)
{
	bool published = job->record.mark == OPERATION_MARK_PUBLISHED;
	struct xl_domain d;
	int r = find_settled(job, &d);

	if (r == -ESRCH && published)
		return save_finish(job, NULL);
	if (r == -ESRCH)
		return job_explain(job, r, "the worker died, and the guest is gone");
	if (r < 0)
		return job_explain_xl(job, r, "failed to find the domain");
	if (published && d.suspended)
		return save_finish(job, &d);
	discard_image(job);
	if (d.suspended) {
		life_begin(job, BEGINNING_RESUME, &UUID_NULL, d.domid);
		r = xl_resume(job->xl, d.domid);
		if (r < 0)
			return job_explain_xl(job, r,
					      "the worker died, and resuming the guest "
					      "failed");
	}
	return undone(job);
}

/* A guest that another host may run is let run here only if that host has given it back. */
static int recover_migrate(struct job *job)
{
	const char *host = job->record.target ? job->record.target : "another host";
	enum operation_mark mark = job->record.mark;
	struct xl_domain d;
	int r = find_settled(job, &d);

	if (r < 0 && r != -ESRCH)
		return job_explain_xl(job, r, "failed to find the domain");
	if (mark == OPERATION_MARK_MIGRATED)
		return handover_finish(job, r < 0 ? NULL : &d, host);
	if (mark == OPERATION_MARK_PERMITTED)
		return handover_undecided(job, r < 0 ? NULL : &d, host,
					  "its worker was killed at that moment");
	if (r < 0)
		return job_explain(job, r, "the worker died, and the guest is gone");
	r = handover_take_back(job, d.domid, -EINTR);
	return job->result.reason ? r : undone(job);
}

int run_recover(struct job *job)
{
	switch (job->record.request.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		return recover_build(job);
	case OPERATION_RESTART:
		return recover_restart(job);
	case OPERATION_UNPAUSE:
		return run_unpause(job);
	case OPERATION_SAVE:
		return recover_save(job);
	case OPERATION_MIGRATE:
		return recover_migrate(job);
	case OPERATION_RESUME:
		return run_resume(job);
	case OPERATION_SOFT_RESET:
		return recover_soft_reset(job);
	case OPERATION_EJECT:
		return run_eject(job);
	case OPERATION_DESTROY:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return run_destroy(job);
}
