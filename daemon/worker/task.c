/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/task.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include "util/log.h"
#include "util/str.h"
#include "wire/mark.h"
#include "worker/image/names.h"

static int write_mark(struct task *task, enum operation_mark mark, const char *config,
		      const char *target, const struct uuid *image)
{
	int r = json_write(task->file, operation_mark_message(mark, config, target, image));

	if (r < 0)
		return task_explain(task, r, "failed to write the operation file: %s",
				    strerror(-r));
	task->record.mark = mark;
	return 0;
}

int task_mark(struct task *task, enum operation_mark mark, const char *config)
{
	return write_mark(task, mark, config, NULL, NULL);
}

int task_mark_target(struct task *task, enum operation_mark mark, const char *target)
{
	return write_mark(task, mark, NULL, target, NULL);
}

int task_mark_image(struct task *task, enum operation_mark mark, const struct uuid *image)
{
	return write_mark(task, mark, NULL, NULL, image);
}

int task_explain(struct task *task, int error, const char *format, ...)
{
	va_list ap;

	if (task->result.reason)
		return error;
	va_start(ap, format);
	if (str_vformat(&task->result.reason, format, ap) < 0)
		task->result.reason = NULL;
	va_end(ap);
	return error;
}

int task_explain_xl(struct task *task, int error, const char *what)
{
	const char *words = xl_reason(task->xl);

	if (error == -ECANCELED)
		words = "cancelled";
	else if (error == -ETIME)
		words = "timed out";
	else if (error == -ETIMEDOUT)
		words = "the guest does not react";
	else if (!words)
		words = strerror(-error);
	return what ? task_explain(task, error, "%s: %s", what, words)
		    : task_explain(task, error, "%s", words);
}

static void tell_progress(struct task *task)
{
	_cleanup_json_ struct json_object *message = NULL;
	uint64_t bytes = task->pump ? pump_bytes(task->pump) : 0;
	struct operation_progress progress = {.bytes = bytes, .total = task->expected};
	const char *text;
	size_t size;

	/* A message says that something goes on, whatever is in it. */
	if (!task->waiting && (task->expected == 0 || bytes == task->told))
		return;
	task->told = bytes;
	if (task->expected > 0)
		progress.permille = (unsigned)MIN(bytes * 1000 / task->expected,
						  (uint64_t)OPERATION_PERMILLE_MOVED);
	message = operation_progress_message(&progress);
	text = json_message(message, &size);
	if (text)
		send(task->channel, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	/*
	 * The next daemon has no channel, but sees when the file was touched (hv/worker.c). A
	 * daemon that was killed and sleeps in the kernel keeps its end of this one open.
	 */
	futimens(task->file, NULL);
}

void task_tick(struct task *task)
{
	tell_progress(task);
	/* Its messages must not fill the pipe. */
	if (task->peer)
		peer_listen(task->peer);
}

int task_find_domain(struct task *task, struct xl_domain *ret)
{
	const struct operation_request *request = &task->record.request;
	struct xl_domain d;
	int r = xl_find(task->xl, &request->uuid, request->domid, &d);

	if (r < 0)
		return r;
	if (d.dying || d.domid != request->domid)
		return -ESRCH;
	*ret = d;
	return 0;
}

static int list_removable(struct task *task, uint32_t domid, struct json_object **ret)
{
	_cleanup_json_ struct json_object *list = json_object_new_array();
	struct xl_disk disks[MARK_REMOVABLE_MAX];
	size_t n = 0;
	int r = list ? xl_list_removable(task->xl, domid, disks, ELEMENTSOF(disks), &n) : -ENOMEM;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		struct json_object *disk = json_object_new_object();

		r = disk ? json_add_string(disk, "vdev", disks[i].vdev) : -ENOMEM;
		r = r < 0 ? r : json_add_u64(disk, "devid", disks[i].devid);
		if (r < 0)
			json_object_put(disk);
		else
			r = json_append(list, disk);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(list);
	return 0;
}

int task_mark_domain(struct task *task, uint32_t domid, const char *config)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_json_ struct json_object *removable = NULL;
	_cleanup_free_ char *mark = NULL;
	int r = list_removable(task, domid, &removable);

	/* Without it the guest cannot eject its disks, and that is all. */
	if (r < 0)
		log_warning_errno(r, "%s: Failed to list its removable disks", request->name);
	r = mark_format(&request->uuid, request->source, config, removable, &mark);
	r = r < 0 ? r : xl_set_mark(task->xl, domid, mark);
	return r < 0 ? task_explain_xl(task, r, "failed to mark the domain") : 0;
}

int task_is_saved(struct task *task, uint32_t domid)
{
	_cleanup_(mark_done) struct mark mark = {0};
	_cleanup_free_ char *text = NULL;
	int r = xl_get_mark(task->xl, domid, &text);

	if (r == -ENOENT)
		return 0;
	r = r < 0 ? r : mark_parse(text, strlen(text), &mark);
	if (r < 0)
		return task_explain(task, r,
				    "/libxl/%u/xendomainsd in XenStore, which tells whether the "
				    "domain is saved, cannot be read: %s",
				    domid, strerror(-r));
	return !uuid_is_null(&mark.saved);
}

int task_mark_preserved(struct task *task, uint32_t domid)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *mark = NULL;
	int r = mark_format_preserved(&request->preserve, request->source, &mark);

	r = r < 0 ? r : xl_set_mark(task->xl, domid, mark);
	return r < 0 ? task_explain_xl(task, r, "failed to mark the preserved domain") : 0;
}

int task_make_room(struct task *task, const char *config)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	task->waiting = true;
	r = xl_make_room(task->xl, config, &reason);
	task->waiting = false;
	if (r < 0 && reason)
		return task_explain(task, r, "%s", reason);
	return r < 0 ? task_explain_xl(task, r, "failed to free memory") : 0;
}
