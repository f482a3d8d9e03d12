/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/build.h"
#include "worker/life.h"

static int build(struct job *job, uint32_t *ret_domid)
{
	const struct operation_request *request = &job->record.request;
	_cleanup_free_ char *config = NULL;
	int r = job_make_room(job, request->config);

	r = r < 0 ? r : build_sign(job, request->config, &config);
	if (r < 0)
		return r;
	r = xl_create(job->xl, config, &request->uuid, ret_domid);
	if (r < 0) {
		job_explain_xl(job, r, NULL);
		build_undo(job);
	}
	return r;
}

int run_create(struct job *job)
{
	const struct operation_request *request = &job->record.request;
	uint32_t domid;
	int r;

	if (!request->config)
		return job_explain(job, -EINVAL, "no configuration to create the guest from");
	r = build(job, &domid);
	if (r < 0)
		return r;
	r = job_mark_domain(job, domid, request->config);
	r = r < 0 ? r : job_put_aside(job);
	r = r < 0 ? r
		  : life_release(job, domid,
				 request->operation == OPERATION_CREATE ? BEGINNING_CREATE
									: BEGINNING_RESTART,
				 &UUID_NULL);
	if (r < 0)
		xl_destroy(job->xl, domid);
	return r;
}

int run_unpause(struct job *job)
{
	struct xl_domain d;
	int r = job_find_domain(job, &d);

	if (r < 0)
		return job_explain(job, r, "domain %u is not there any more",
				   job->record.request.domid);
	if (d.paused) {
		life_go_on(job, BEGINNING_UNPAUSE, d.domid);
		r = xl_unpause(job->xl, d.domid);
	}
	return r < 0 ? job_explain_xl(job, r, NULL) : 0;
}
