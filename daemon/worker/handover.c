/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/handover.h"

#include "util/log.h"
#include "util/quote.h"
#include "util/str.h"
#include "worker/life.h"

/* As xl calls it. */
#define AWAY_SUFFIX "--migratedaway"

static int away_name(const struct job *job, char **ret)
{
	return str_format(ret, "%s" AWAY_SUFFIX, job->record.request.name);
}

int handover_rename(struct job *job, uint32_t domid)
{
	_cleanup_free_ char *away = NULL;
	int r = away_name(job, &away);

	r = r < 0 ? r : xl_rename(job->xl, domid, job->record.request.name, away);
	return r < 0 ? job_explain_xl(job, r, "failed to rename the domain") : 0;
}

static int run_on(struct job *job, uint32_t domid)
{
	_cleanup_free_ char *away = NULL;
	struct xl_domain d;
	int r = away_name(job, &away);

	if (r < 0)
		return r;
	if (job->record.mark >= OPERATION_MARK_HANDOVER) {
		r = xl_rename(job->xl, domid, away, job->record.request.name);
		/* It runs under another name rather than not at all. */
		if (r < 0)
			log_warning_errno(r, "%s: Failed to give the domain its name back",
					  job->record.request.name);
	}
	r = job_find_domain(job, &d);
	return r >= 0 && d.suspended ? xl_resume(job->xl, domid) : r;
}

int handover_take_back(struct job *job, uint32_t domid, int error)
{
	_cleanup_free_ char *why = NULL;
	int r = run_on(job, domid);

	if (r < 0) {
		why = TAKE_PTR(job->result.reason);
		return job_explain(job, error, "%s%sfailed to resume the guest here: %s",
				   why ? why : "", why ? "; and " : "",
				   xl_reason(job->xl) ? xl_reason(job->xl) : strerror(-r));
	}
	if (job->record.mark < OPERATION_MARK_HANDOVER)
		return error;
	r = life_depart(job, LEDGER_HOME, NULL);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that the guest is here",
				  job->record.request.name);
	return error;
}

int handover_finish(struct job *job, const struct xl_domain *d, const char *host)
{
	int r = life_depart(job, LEDGER_MIGRATED, host);

	/* Not noted, it stays noted as being on its way: it is not started here either. */
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that the guest runs on %s",
				  job->record.request.name, host);
	r = str_replace(&job->result.target, host);
	if (r < 0 || !d)
		return r;
	r = xl_destroy(job->xl, d->domid);
	if (r >= 0)
		return 0;
	job->result.outcome = OPERATION_UNDECIDED;
	return job_explain(job, -ENOTRECOVERABLE,
			   "the guest runs on %s, but its domain here could not be destroyed: %s. "
			   "Run 'xl destroy %u'.",
			   host, xl_reason(job->xl) ? xl_reason(job->xl) : strerror(-r), d->domid);
}

int handover_undecided(struct job *job, const struct xl_domain *d, const char *host,
		       const char *why)
{
	const char *name = job->record.request.name;

	job->result.outcome = OPERATION_UNDECIDED;
	str_replace(&job->result.target, host);
	if (!d)
		return job_explain(job, -ENOTRECOVERABLE,
				   "the migration to %s was not confirmed (%s): the guest may be "
				   "running there. Check with 'xl list' on that host. If it does "
				   "not run there, run 'xendomainsctl start %s' here.",
				   host, why, QUOTED(name));
	return job_explain(job, -ENOTRECOVERABLE,
			   "the migration to %s was not confirmed (%s): the guest may be running "
			   "there. Its domain %u here is renamed to %s" AWAY_SUFFIX " and stays "
			   "suspended. Check with 'xl list' on that host. If the guest runs "
			   "there, run 'xl destroy %u' here. If it does not, run "
			   "'xendomainsctl start %s' here.",
			   host, why, d->domid, name, d->domid, QUOTED(name));
}

int run_resume(struct job *job)
{
	_cleanup_free_ char *away = NULL;
	struct xl_domain d;
	int r = job_find_domain(job, &d);

	if (r < 0)
		return job_explain(job, r, "domain %u is not there any more",
				   job->record.request.domid);
	if (job_is_saved(job, d.domid))
		return job_explain(job, -EBUSY,
				   "domain %u is saved and must not run again. Run 'xendomainsctl "
				   "stop %s' to remove it",
				   d.domid, QUOTED(job->record.request.name));
	r = away_name(job, &away);
	r = r < 0 ? r : xl_rename(job->xl, d.domid, away, job->record.request.name);
	if (r >= 0 && d.suspended) {
		life_go_on(job, BEGINNING_RESUME, d.domid);
		r = xl_resume(job->xl, d.domid);
	}
	if (r < 0)
		return job_explain_xl(job, r, "failed to resume the domain");
	job->result.domid = d.domid;
	return 0;
}
