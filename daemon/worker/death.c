/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/death.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/quote.h"
#include "util/str.h"
#include "worker/build.h"
#include "worker/life.h"
#include "worker/save.h"

/* Reactions to a guest that has ended, and to one that ejects a disk. */

/* Core dumps. */

/* A dump fills a disk that others need too. The file has little besides the memory. */
#define DUMP_OVERHEAD_KIB 4096

static int check_room(const char *folder, uint64_t memory_kib)
{
	struct statvfs fs;

	if (statvfs(folder, &fs) < 0)
		return -errno;
	return fs.f_bavail * (fs.f_frsize / 1024) < memory_kib + DUMP_OVERHEAD_KIB ? -ENOSPC : 0;
}

static int sync_file(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int write_dump(struct task *task, const struct xl_domain *d, const char *part)
{
	const char *path = task->record.request.dump;
	_cleanup_free_ char *folder = strndup(path, (size_t)(path_base(path) - path));
	int r = folder ? make_directory_of(path, 0700) : -ENOMEM;

	r = r < 0 ? r : check_room(folder, d->memory_kib);
	r = r < 0 ? r : xl_core_dump(task->xl, d->domid, part);
	r = r < 0 ? r : sync_file(part);
	if (r >= 0 && rename(part, path) < 0)
		r = -errno;
	return r < 0 ? r : fsync_parent(path);
}

/* Into a file that takes its name only when it is whole. The guest goes on also if that fails. */
static void dump_core(struct task *task, const struct xl_domain *d)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *part = NULL;
	int r;

	if (!request->dump || !d->shutdown)
		return;
	r = str_format(&part, "%s.part", request->dump);
	if (r >= 0) {
		unlink(part);
		r = write_dump(task, d, part);
		if (r < 0)
			unlink(part);
	}
	if (r < 0)
		log_warning_errno(r, "%s: Failed to dump its memory to %s", request->name,
				  request->dump);
	else
		log_notice("%s: its memory is dumped to %s", request->name, request->dump);
}

/* The configuration of the next life. */

/* What "xl config-update" left wins, if xl itself can read it. 0, or -ENOENT. */
static int get_updated(struct task *task, uint32_t domid, char **ret)
{
	_cleanup_(xl_parsed_done) struct xl_parsed parsed = {0};
	const char *name = task->record.request.name;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = xl_get_update(task->xl, domid, &text, &size);

	if (r == -ENOENT)
		return r;
	r = r < 0 ? r : xl_parse_text(text, size, &parsed);
	if (r < 0 || parsed.error) {
		log_warning(
			"%s: Failed to use the changed configuration, keeping the previous one: "
			"%s",
			name, r < 0 ? strerror(-r) : parsed.error);
		return -ENOENT;
	}
	log_notice("%s: its configuration was changed with 'xl config-update', which counts from "
		   "now on",
		   name);
	*ret = TAKE_PTR(parsed.config);
	return 0;
}

/* From here on only the operation file has the configuration. */
static int keep_config(struct task *task, uint32_t domid)
{
	_cleanup_free_ char *config = NULL;
	int r = get_updated(task, domid, &config);

	if (r == -ENOENT)
		r = xl_get_config(task->xl, domid, &config);
	if (r < 0)
		return task_explain_xl(task, r, "failed to get the configuration of the domain");
	r = str_replace(&task->record.request.config, config);
	return r < 0 ? r : task_mark(task, OPERATION_MARK_DESTROYED, config);
}

/* The ends. */

static int find(struct task *task, struct xl_domain *ret)
{
	int r = task_find_domain(task, ret);

	return r < 0 ? task_explain(task, r, "domain %u is not there any more",
				    task->record.request.domid)
		     : 0;
}

int death_preserve(struct task *task, uint32_t domid)
{
	struct xl_domain d;
	char suffix[32];
	time_t now = time(NULL);
	struct tm tm;
	int r = xl_find(task->xl, &task->record.request.preserve, DOMID_NONE, &d);

	if (r == -ESRCH) {
		r = find(task, &d);
		if (r < 0)
			return r;
		/* As xl writes it, with seconds. */
		gmtime_r(&now, &tm);
		strftime(suffix, sizeof(suffix), "-%Y%m%dT%H%M%SZ", &tm);
		r = xl_preserve(task->xl, domid, suffix, &task->record.request.preserve);
	}
	if (r < 0)
		return task_explain_xl(task, r,
				       "failed to preserve the domain, not restarting the guest");
	xl_drop_update(task->xl, domid);
	return task_mark_preserved(task, domid);
}

int run_restart(struct task *task)
{
	struct xl_domain d;
	int r = find(task, &d);

	if (r < 0)
		return r;
	dump_core(task, &d);
	r = keep_config(task, d.domid);
	if (r < 0)
		return r;
	if (!uuid_is_null(&task->record.request.preserve)) {
		r = death_preserve(task, d.domid);
	} else {
		r = xl_destroy(task->xl, d.domid);
		if (r < 0)
			task_explain_xl(task, r, NULL);
	}
	return r < 0 ? r : run_create(task);
}

int death_release(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	struct xl_domain d;
	int r = find(task, &d);

	if (r < 0)
		return r;
	r = task_mark_domain(task, d.domid, request->config);
	if (r >= 0 && d.paused) {
		r = xl_unpause(task->xl, d.domid);
		if (r < 0)
			task_explain_xl(task, r, "failed to unpause the domain");
	}
	if (r >= 0)
		task->result.domid = d.domid;
	return r;
}

int death_recreate(struct task *task)
{
	struct xl_domain d;
	int r = task_find_domain(task, &d);

	if (r >= 0)
		r = xl_destroy(task->xl, d.domid);
	if (r < 0 && r != -ESRCH)
		return task_explain_xl(task, r, "failed to destroy the old domain");
	r = build_remove(task);
	return r < 0 ? task_explain_xl(task, r, "failed to destroy the incomplete domain")
		     : run_create(task);
}

int run_soft_reset(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	struct xl_domain d;
	int r = find(task, &d);

	r = r < 0 ? r : keep_config(task, d.domid);
	if (r < 0)
		return r;
	xl_drop_update(task->xl, d.domid);
	r = life_begin(task, BEGINNING_SOFT_RESET, &UUID_NULL, d.domid);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record its soft reset", request->name);
	r = xl_soft_reset(task->xl, d.domid, request->config, &request->uuid);
	if (r == -EOPNOTSUPP)
		log_warning("%s: Xen supports a soft reset for HVM guests only, restarting instead",
			    request->name);
	else if (r < 0)
		log_warning("%s: Failed to soft-reset the guest, restarting instead: %s",
			    request->name,
			    xl_reason(task->xl) ? xl_reason(task->xl) : strerror(-r));
	if (r < 0)
		return death_recreate(task);
	/* It can run already. */
	r = task_mark(task, OPERATION_MARK_RELEASED, NULL);
	return r < 0 ? r : death_release(task);
}

int run_destroy(struct task *task)
{
	struct xl_domain d;
	int r = task_find_domain(task, &d), saved;

	if (r == -ESRCH)
		return 0;
	if (r >= 0 && task->record.request.path)
		return save_finish_left(task, &d);
	/* Without the path the image cannot be checked first. */
	saved = r >= 0 && d.suspended ? task_is_saved(task, d.domid) : 0;
	if (saved < 0)
		return saved;
	if (saved)
		return task_explain(
			task, -EBUSY,
			"domain %u is saved, and its image is not known: not destroying it. "
			"Set XENDOMAINS_SAVE to the directory of the image, and run "
			"'xendomainsctl stop %s'",
			d.domid, AS_ARGUMENT(task->record.request.name));
	if (r >= 0) {
		dump_core(task, &d);
		r = xl_destroy(task->xl, d.domid);
	}
	return r < 0 ? task_explain_xl(task, r, NULL) : 0;
}

int run_eject(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	struct xl_domain d;
	int r = request->device ? find(task, &d) : -EINVAL;

	r = r < 0 ? r : xl_eject(task->xl, d.domid, request->device);
	return r < 0 ? task_explain_xl(task, r, NULL) : 0;
}
