/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "model/beginning.h"
#include "util/domid.h"
#include "util/log.h"
#include "util/str.h"
#include "world/ledger-file-private.h"
#include "world/ledger-snapshot.h"

/* Records of the daemon. */

static int note(struct ledger_file *file, enum ledger_kind kind, const struct uuid *uuid,
		const char *name, const char *reason, usec_t time)
{
	return ledger_file_append(file, (struct ledger_record){
						.kind = kind,
						.uuid = *uuid,
						.name = name,
						.reason = reason,
						.domid = DOMID_NONE,
						.time = time,
					});
}

int ledger_file_set_drawn(struct ledger_file *file, const char *name, const struct uuid *uuid)
{
	return note(file, LEDGER_DRAWN, uuid, name, NULL, 0);
}

void ledger_file_draw_uuids(struct ledger_file *file, const struct survey *survey)
{
	for (size_t i = 0; i < survey->n_configs; i++) {
		const struct survey_config *c = &survey->configs[i];
		struct uuid uuid;
		int r;

		if (c->error || c->has_uuid || ledger_drawn(file->ledger, c->name))
			continue;
		r = uuid_random(&uuid);
		r = r < 0 ? r : ledger_file_set_drawn(file, c->name, &uuid);
		if (r < 0)
			log_error_errno(r, "%s: cannot give the guest a UUID", c->path);
	}
}

void ledger_file_set_failure(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *failure)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!uuid_is_null(uuid) &&
	    (!str_equal(past ? past->failure : NULL, failure) || (past && past->remark)))
		note(file, LEDGER_FAILURE, uuid, name, failure, 0);
}

void ledger_file_set_unended(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *failure, uint32_t domid)
{
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_FAILURE,
					 .uuid = *uuid,
					 .name = name,
					 .reason = failure,
					 .domid = domid,
				 });
}

void ledger_file_set_remark(struct ledger_file *file, const struct uuid *uuid, const char *name,
			    const char *remark)
{
	note(file, LEDGER_REMARK, uuid, name, remark, 0);
}

void ledger_file_set_refusal(struct ledger_file *file, const struct uuid *uuid, const char *refusal)
{
	if (!uuid_is_null(uuid))
		ledger_set_refusal(file->ledger, uuid, refusal);
}

void ledger_file_add_restart(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     usec_t now)
{
	note(file, LEDGER_RESTART, uuid, name, NULL, now);
}

static void note_departure(struct ledger_file *file, enum ledger_kind kind, const struct uuid *uuid,
			   const char *name, const char *target)
{
	ledger_file_append(file,
			   (struct ledger_record){
				   .kind = kind, .uuid = *uuid, .name = name, .target = target});
}

void ledger_file_set_away(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  const char *target)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	/* As a rule the worker has noted it. */
	if (past && str_equal(past->away, target) && !past->away_unknown)
		return;
	note_departure(file, LEDGER_MIGRATED, uuid, name, target);
}

void ledger_file_set_leaving(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *target)
{
	note_departure(file, LEDGER_LEAVING, uuid, name, target);
}

void ledger_file_set_returned(struct ledger_file *file, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (past && past->away)
		note(file, LEDGER_RETURNED, uuid, name, NULL, 0);
}

void ledger_file_forgive(struct ledger_file *file, const struct uuid *uuid, const char *name)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (past && (past->failure || past->remark || past->refusal || past->n_restarts > 0))
		note(file, LEDGER_FORGIVEN, uuid, name, NULL, 0);
}

static bool is_life(const struct ledger_file *file, const struct past *past, uint32_t domid)
{
	return past->lives.domid == domid && uuid_equal(&past->lives.boot, &file->boot);
}

bool ledger_file_knows_life(const struct ledger_file *file, const struct uuid *uuid, uint32_t domid)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	return past && is_life(file, past, domid);
}

void ledger_file_doubt_times(struct ledger_file *file, const struct uuid *uuid)
{
	const struct past *past = ledger_find(file->ledger, uuid);
	struct ledger_record record;

	if (!past || past->lives.ahead)
		return;
	record = ledger_snapshot_life(past);
	record.ahead = true;
	ledger_file_append(file, record);
}

/* Asked once of a domain, when it has ended: no index is kept for that. */
bool ledger_file_knows_domain(const struct ledger_file *file, uint32_t domid)
{
	for (size_t i = 0; i < file->ledger->n_pasts; i++)
		if (is_life(file, file->ledger->pasts[i], domid))
			return true;
	return false;
}

/* Whether a domain with such a number, or a higher one, has lived in this boot. */
static bool has_had(const struct ledger_file *file, const struct past *past, uint32_t domid)
{
	return past->lives.latest >= domid && uuid_equal(&past->lives.boot, &file->boot);
}

bool ledger_file_is_later(const struct ledger_file *file, const struct domain *d, const char *name)
{
	const struct past *past = ledger_find(file->ledger, &d->uuid);

	/* A life without a number: the domain may be left of its save. */
	if (past && (has_had(file, past, d->domid) ||
		     (past->lives.domid == 0 && past->lives.last == LIFE_SAVED)))
		return false;
	for (past = NULL; (past = ledger_next_with(file->ledger, name, past));)
		if (str_equal(past->name, name) && has_had(file, past, d->domid))
			return false;
	return true;
}

void ledger_file_see_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  uint32_t domid, bool resumed, usec_t wall)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!resumed && past && past->lives.last == LIFE_BEGAN &&
	    ledger_file_knows_life(file, uuid, domid))
		return;
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_BEGAN,
					 .uuid = *uuid,
					 .name = name,
					 .life = beginning_to_string(BEGINNING_SEEN),
					 .domid = domid,
					 .time_wall = wall,
				 });
}

void ledger_file_end_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  const struct life_end *end)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!past || (past->lives.last != LIFE_BEGAN && past->lives.last != LIFE_SUSPENDED))
		return;
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_ENDED,
					 .uuid = *uuid,
					 .name = name,
					 .life = life_to_string(end->how),
					 .doubtful = end->found,
					 .alone = end->alone,
					 .time_wall = end->wall,
				 });
}

void ledger_file_see_gone(struct ledger_file *file, const struct uuid *uuid, usec_t wall)
{
	const struct past *past = ledger_find(file->ledger, uuid);

	if (!past || past->lives.last != LIFE_SUSPENDED || past->lives.gone > 0)
		return;
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_ENDED,
					 .uuid = *uuid,
					 .name = past->name,
					 .life = life_to_string(LIFE_SUSPENDED),
					 .doubtful = past->lives.found,
					 .time_wall = past->lives.wall,
					 .gone_wall = wall,
				 });
}

void ledger_file_outlive(struct ledger_file *file, const struct uuid *uuid, const char *name,
			 const struct uuid *image)
{
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_OUTLIVED,
					 .uuid = *uuid,
					 .name = name,
					 .image = *image,
				 });
}

void ledger_file_add_pace(struct ledger_file *file, uint64_t rate, uint64_t disk_rate,
			  enum compression compression, const char *directory)
{
	ledger_file_append(file, (struct ledger_record){
					 .kind = LEDGER_PACE,
					 .directory = directory,
					 .rate = rate,
					 .disk_rate = disk_rate,
					 .compression = compression,
				 });
}
