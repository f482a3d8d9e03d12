/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/fd.h"
#include "util/log.h"
#include "util/str.h"
#include "worker/image.h"
#include "worker/job.h"

/*
 * An image of a guest that is started afresh would bring back memory that its disks have left
 * behind: it is put aside, under a name that nobody restores.
 */
static int put_aside(struct job *job)
{
	const char *image = job->record.request.stale, *why = job->record.request.why;
	_cleanup_free_ char *aside = NULL;
	int r;

	why = why ? why : "XENDOMAINS_RESTORE is off";

	if (!image)
		return 0;
	r = str_format(&aside, "%s.stale-%llu", image,
		       (unsigned long long)(usec_now_wall() / USEC_PER_SEC));
	if (r < 0)
		return r;
	if (rename(image, aside) < 0)
		return errno == ENOENT ? 0
				       : job_explain(job, -errno, "%s cannot be put aside: %s",
						     image, strerror(errno));
	/* For whoever looks at it later; where the file system has no place for it, the log
	 * has. */
	setxattr(aside, IMAGE_REASON_XATTR, why, strlen(why), 0);
	log_notice("%s: the guest is started afresh, so its image is put aside as %s: %s",
		   job->record.request.name, aside, why);
	return fsync_parent(aside);
}

static int build(struct job *job, uint32_t *ret_domid)
{
	const struct operation_request *request = &job->record.request;
	_cleanup_free_ char *reason = NULL;
	bool alone = job_is_alone(job);
	int r = xl_make_room(job->xl, request->config, &reason);

	if (r < 0 && reason)
		return job_explain(job, r, "%s", reason);
	if (r < 0)
		return job_explain_xl(job, r, "memory cannot be made free");
	r = xl_create(job->xl, request->config, &request->uuid, ret_domid);
	if (r < 0) {
		job_explain_xl(job, r, NULL);
		if (alone)
			job_remove_half_built(job);
	}
	return r;
}

int run_create(struct job *job)
{
	const struct operation_request *request = &job->record.request;
	uint32_t domid;
	int r;

	if (!request->config)
		return job_explain(job, -EINVAL, "there is no configuration to create from");
	r = build(job, &domid);
	if (r < 0)
		return r;
	r = job_mark_domain(job, domid, request->config);
	r = r < 0 ? r : put_aside(job);
	r = r < 0 ? r : job_release(job, domid);
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
	r = d.paused ? xl_unpause(job->xl, d.domid) : 0;
	return r < 0 ? job_explain_xl(job, r, NULL) : 0;
}
