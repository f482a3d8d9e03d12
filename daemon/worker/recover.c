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

static int undone(struct task *task)
{
	return task_explain(task, -EINTR, "the worker died; the operation was undone");
}

/* Create and restore: nothing counts until the guest was released. */
static int undo_build(struct task *task)
{
	int r = build_remove(task);

	return r < 0 ? task_explain_xl(
			       task, r,
			       "failed to destroy the incomplete domain of the worker that died")
		     : undone(task);
}

/* Its life may have been recorded. A second record does no harm, and after it the guest may run. */
static int release_again(struct task *task, const struct xl_domain *d)
{
	bool restore = task->record.request.operation == OPERATION_RESTORE;
	int r = life_release(task, d->domid, restore ? BEGINNING_RESTORE : BEGINNING_CREATE,
			     restore ? &task->record.request.image : &UUID_NULL);

	/* As run_create() and run_restore() do. */
	if (r < 0 && restore)
		restore_undo(task, d->domid);
	else if (r < 0)
		xl_destroy(task->xl, d->domid);
	return r;
}

static int finish_build(struct task *task)
{
	struct xl_domain d;
	int r = build_find(task, &d);

	/* The ledger says whether it ran. */
	if (r == -ESRCH)
		return task_explain(task, r, "the worker died, and the guest is gone");
	if (r < 0)
		return task_explain_xl(task, r, "failed to find the domain");
	r = d.paused ? release_again(task, &d) : 0;
	if (r < 0)
		return r;
	task->result.domid = d.domid;
	if (task->record.request.operation == OPERATION_RESTORE)
		restore_forget(task);
	return 0;
}

static int recover_build(struct task *task)
{
	return task->record.mark == OPERATION_MARK_RELEASED ? finish_build(task) : undo_build(task);
}

/* The old domain was to go, and its configuration is in the operation file. */
static int recover_restart(struct task *task)
{
	int r;

	if (task->record.mark == OPERATION_MARK_RELEASED)
		return finish_build(task);
	if (task->record.mark != OPERATION_MARK_DESTROYED)
		return run_restart(task);
	if (uuid_is_null(&task->record.request.preserve))
		return death_recreate(task);
	/* Not destroyed: it was to be kept, and may have been, or not yet. */
	r = death_preserve(task, task->record.request.domid);
	r = r < 0 ? r : build_remove(task);
	return r < 0 ? task_explain_xl(task, r, NULL) : run_create(task);
}

/*
 * The progress of a reset that had begun is unknown, so the guest is created anew. After a finished
 * reset it only needs to be released.
 */
static int recover_soft_reset(struct task *task)
{
	struct xl_domain built;

	switch (task->record.mark) {
	case OPERATION_MARK_RELEASED:
		/* The reset may have failed, and another domain may have been built then. */
		return build_find(task, &built) == -ESRCH ? death_release(task)
							  : finish_build(task);
	case OPERATION_MARK_DESTROYED:
		return death_recreate(task);
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
	return run_soft_reset(task);
}

/* The guest runs on: removes the image that this save was writing, and no other. */
static void discard_image(struct task *task)
{
	_cleanup_(image_header_done) struct image_header header = {0};
	const char *path = task->record.request.path;
	enum image_problem problem;
	_cleanup_free_ char *part = NULL;
	_cleanup_close_ int fd = -1;

	if (image_part_path(path, &part) >= 0)
		image_remove_part(part);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || image_read_header(fd, &header, &problem) < 0 || !header.ours ||
	    !uuid_equal(&header.facts.id, &task->record.image))
		return;
	unlink(path);
	fsync_parent(path);
}

/*
 * Finds the domain of a worker that had asked it to suspend, or was about to: once the request is
 * settled, for it may be heeded meanwhile.
 */
static int find_settled(struct task *task, struct xl_domain *ret)
{
	int r = task_find_domain(task, ret), settled;

	if (r < 0)
		return r;
	settled = xl_end_request(task->xl, ret->domid);
	if (settled < 0)
		log_warning_errno(settled, "%s: Failed to take back the request to suspend",
				  task->record.request.name);
	return task_find_domain(task, ret);
}

static int recover_save(struct task *task)
{
	bool published = task->record.mark == OPERATION_MARK_PUBLISHED;
	struct xl_domain d;
	int r = find_settled(task, &d);

	if (r == -ESRCH && published)
		return save_finish(task, NULL);
	if (r == -ESRCH)
		return task_explain(task, r, "the worker died, and the guest is gone");
	if (r < 0)
		return task_explain_xl(task, r, "failed to find the domain");
	if (published && d.suspended)
		return save_finish(task, &d);
	discard_image(task);
	if (d.suspended) {
		life_begin(task, BEGINNING_RESUME, &UUID_NULL, d.domid);
		r = xl_resume(task->xl, d.domid);
		if (r < 0)
			return task_explain_xl(task, r,
					       "the worker died, and resuming the guest "
					       "failed");
	}
	return undone(task);
}

/* A guest that another host may run is let run here only if that host has given it back. */
static int recover_migrate(struct task *task)
{
	const char *host = task->record.target ? task->record.target : "another host";
	enum operation_mark mark = task->record.mark;
	struct xl_domain d;
	int r = find_settled(task, &d);

	if (r < 0 && r != -ESRCH)
		return task_explain_xl(task, r, "failed to find the domain");
	if (mark == OPERATION_MARK_MIGRATED)
		return handover_finish(task, r < 0 ? NULL : &d, host);
	if (mark == OPERATION_MARK_PERMITTED)
		return handover_undecided(task, r < 0 ? NULL : &d, host,
					  "its worker was killed at that moment");
	if (r < 0)
		return task_explain(task, r, "the worker died, and the guest is gone");
	r = handover_take_back(task, d.domid, -EINTR);
	return task->result.reason ? r : undone(task);
}

int run_recover(struct task *task)
{
	switch (task->record.request.operation) {
	case OPERATION_CREATE:
	case OPERATION_RESTORE:
		return recover_build(task);
	case OPERATION_RESTART:
		return recover_restart(task);
	case OPERATION_UNPAUSE:
		return run_unpause(task);
	case OPERATION_SAVE:
		return recover_save(task);
	case OPERATION_MIGRATE:
		return recover_migrate(task);
	case OPERATION_RESUME:
		return run_resume(task);
	case OPERATION_SOFT_RESET:
		return recover_soft_reset(task);
	case OPERATION_EJECT:
		return run_eject(task);
	case OPERATION_DESTROY:
	case _OPERATION_MAX:
	case _OPERATION_INVALID:
		break;
	}
	return run_destroy(task);
}
