/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/aside.h"

#include "util/log.h"
#include "worker/image/names.h"
#include "worker/life.h"

static void record_one(struct task *task, const struct stale *stale)
{
	const struct operation_request *request = &task->record.request;
	int r = uuid_is_null(&stale->guest) || uuid_is_null(&stale->image)
			? 0
			: life_outlive(task, &stale->guest, &stale->image);

	if (r < 0)
		log_warning("%s: Failed to record in %s that it outlives the image of guest %s: %s",
			    request->name, request->ledger, UUID_TEXT(&stale->guest),
			    life_error(r));
}

static int put_aside(struct task *task, const struct stale *stale)
{
	const struct operation_request *request = &task->record.request;
	const char *why = stale->reason ? stale->reason : request->why;
	_cleanup_free_ char *aside = NULL;
	int r;

	why = why ? why : "XENDOMAINS_RESTORE is off";
	r = image_put_aside(stale->path, why, &aside);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && stale->past) {
		log_warning_errno(
			r, "%s: Failed to put aside the image %s, which is never restored: %s",
			request->name, stale->path, why);
		return 0;
	}
	if (r < 0)
		return task_explain(task, r, "failed to put %s aside: %s", stale->path,
				    strerror(-r));
	log_notice("%s: the image %s is not restored, and is now called %s: %s", request->name,
		   stale->path, aside, why);
	return 0;
}

void aside_record(struct task *task)
{
	const struct stale_list *list = &task->record.request.stale;

	for (size_t i = 0; i < list->n; i++)
		record_one(task, &list->items[i]);
}

int aside_put_stale(struct task *task)
{
	const struct stale_list *list = &task->record.request.stale;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < list->n; i++)
		if (list->items[i].path)
			r = put_aside(task, &list->items[i]);
	if (r >= 0 && task->record.request.operation == OPERATION_CREATE &&
	    task->record.request.path)
		r = put_aside(task, &(struct stale){.path = task->record.request.path});
	return r;
}
