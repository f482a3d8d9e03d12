/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/aside.h"
#include "worker/build.h"
#include "worker/life.h"

static int build(struct task *task, uint32_t *ret_domid)
{
	const struct operation_request *request = &task->record.request;
	_cleanup_free_ char *config = NULL;
	int r = task_make_room(task, request->config);

	r = r < 0 ? r : build_sign(task, request->config, &config);
	if (r < 0)
		return r;
	r = xl_create(task->xl, config, &request->uuid, ret_domid);
	if (r < 0) {
		task_explain_xl(task, r, NULL);
		build_undo(task);
	}
	return r;
}

int run_create(struct task *task)
{
	const struct operation_request *request = &task->record.request;
	uint32_t domid;
	int r;

	if (!request->config)
		return task_explain(task, -EINVAL, "no configuration to create the guest from");
	r = build(task, &domid);
	if (r < 0)
		return r;
	r = task_mark_domain(task, domid, request->config);
	r = r < 0 ? r : aside_put_stale(task);
	r = r < 0 ? r
		  : life_release(task, domid,
				 request->operation == OPERATION_CREATE ? BEGINNING_CREATE
									: BEGINNING_RESTART,
				 &UUID_NULL);
	if (r < 0)
		xl_destroy(task->xl, domid);
	else
		aside_record(task);
	return r;
}

int run_unpause(struct task *task)
{
	struct xl_domain d;
	int r = task_find_domain(task, &d);

	if (r < 0)
		return task_explain(task, r, "domain %u is not there any more",
				    task->record.request.domid);
	if (d.paused) {
		life_go_on(task, BEGINNING_UNPAUSE, d.domid);
		r = xl_unpause(task->xl, d.domid);
	}
	return r < 0 ? task_explain_xl(task, r, NULL) : 0;
}
