/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "worker/handover.h"

#include "util/log.h"
#include "util/quote.h"
#include "util/str.h"
#include "worker/life.h"

/* As xl calls it. */
#define AWAY_SUFFIX "--migratedaway"

static int away_name(const struct task *task, char **ret)
{
	return str_format(ret, "%s" AWAY_SUFFIX, task->record.request.name);
}

int handover_rename(struct task *task, uint32_t domid)
{
	_cleanup_free_ char *away = NULL;
	int r = away_name(task, &away);

	r = r < 0 ? r : xl_rename(task->xl, domid, task->record.request.name, away);
	return r < 0 ? task_explain_xl(task, r, "failed to rename the domain") : 0;
}

static int run_on(struct task *task, uint32_t domid)
{
	_cleanup_free_ char *away = NULL;
	struct xl_domain d;
	int r = away_name(task, &away);

	if (r < 0)
		return r;
	if (task->record.mark >= OPERATION_MARK_HANDOVER) {
		r = xl_rename(task->xl, domid, away, task->record.request.name);
		/* It runs under another name rather than not at all. */
		if (r < 0)
			log_warning_errno(r, "%s: Failed to give the domain its name back",
					  task->record.request.name);
	}
	r = task_find_domain(task, &d);
	return r >= 0 && d.suspended ? xl_resume(task->xl, domid) : r;
}

int handover_take_back(struct task *task, uint32_t domid, int error)
{
	_cleanup_free_ char *why = NULL;
	int r = run_on(task, domid);

	if (r < 0) {
		why = TAKE_PTR(task->result.reason);
		return task_explain(task, error, "%s%sfailed to resume the guest here: %s",
				    why ? why : "", why ? "; and " : "",
				    xl_reason(task->xl) ? xl_reason(task->xl) : strerror(-r));
	}
	if (task->record.mark < OPERATION_MARK_HANDOVER)
		return error;
	r = life_depart(task, LEDGER_RETURNED, NULL);
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that the guest is here",
				  task->record.request.name);
	return error;
}

int handover_finish(struct task *task, const struct xl_domain *d, const char *host)
{
	int r = life_depart(task, LEDGER_MIGRATED, host);

	/* Not noted, it stays noted as being on its way: it is not started here either. */
	if (r < 0)
		log_warning_errno(r, "%s: Failed to record that the guest runs on %s",
				  task->record.request.name, host);
	r = str_replace(&task->result.target, host);
	if (r < 0 || !d)
		return r;
	r = xl_destroy(task->xl, d->domid);
	if (r >= 0)
		return 0;
	task->result.outcome = OPERATION_UNDECIDED;
	return task_explain(task, -ENOTRECOVERABLE,
			    "the guest runs on %s, but its domain here could not be destroyed: %s. "
			    "Run 'xl destroy %u'",
			    host, xl_reason(task->xl) ? xl_reason(task->xl) : strerror(-r),
			    d->domid);
}

int handover_undecided(struct task *task, const struct xl_domain *d, const char *host,
		       const char *why)
{
	const char *name = task->record.request.name;

	task->result.outcome = OPERATION_UNDECIDED;
	str_replace(&task->result.target, host);
	if (!d)
		return task_explain(task, -ENOTRECOVERABLE,
				    "the migration to %s was not confirmed (%s): the guest may be "
				    "running there. Check with 'xl list' on that host. If it does "
				    "not run there, run 'xendomainsctl start %s' here",
				    host, why, AS_ARGUMENT(name));
	return task_explain(task, -ENOTRECOVERABLE,
			    "the migration to %s was not confirmed (%s): the guest may be running "
			    "there. Its domain %u here is renamed to %s" AWAY_SUFFIX " and stays "
			    "suspended. Check with 'xl list' on that host. If the guest runs "
			    "there, run 'xl destroy %u' here. If it does not, run "
			    "'xendomainsctl start %s' here",
			    host, why, d->domid, name, d->domid, AS_ARGUMENT(name));
}

int run_resume(struct task *task)
{
	_cleanup_free_ char *away = NULL;
	struct xl_domain d;
	int r = task_find_domain(task, &d), saved;

	if (r < 0)
		return task_explain(task, r, "domain %u is not there any more",
				    task->record.request.domid);
	saved = task_is_saved(task, d.domid);
	if (saved < 0)
		return saved;
	if (saved)
		return task_explain(task, -EBUSY,
				    "domain %u is saved and must not run again. Run 'xendomainsctl "
				    "stop %s' to remove it",
				    d.domid, AS_ARGUMENT(task->record.request.name));
	r = away_name(task, &away);
	r = r < 0 ? r : xl_rename(task->xl, d.domid, away, task->record.request.name);
	if (r >= 0 && d.suspended) {
		life_go_on(task, BEGINNING_RESUME, d.domid);
		r = xl_resume(task->xl, d.domid);
	}
	if (r < 0)
		return task_explain_xl(task, r, "failed to resume the domain");
	task->result.domid = d.domid;
	return 0;
}
