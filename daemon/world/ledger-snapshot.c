/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/ledger-snapshot.h"

struct snapshot {
	struct uuid boot;
	ledger_emit_fn fn;
	void *data;
};

static int emit(const struct snapshot *s, struct ledger_record record)
{
	if (uuid_is_null(&record.boot))
		record.boot = s->boot;
	return s->fn(s->data, &record);
}

static int emit_beginning(const struct snapshot *s, const struct past *past)
{
	const struct lives *l = &past->lives;

	return l->began == 0 ? 0
			     : emit(s, (struct ledger_record){
					       .kind = LEDGER_BEGAN,
					       .uuid = past->uuid,
					       .name = l->name,
					       .domid = l->latest,
					       .boot = l->boot,
					       .time_wall = l->began,
				       });
}

/* Writes the facts that the last record of a guest has no member for. */
static int emit_found(const struct snapshot *s, const struct past *past)
{
	const struct lives *l = &past->lives;

	return l->last != LIFE_SUSPENDED || !l->found
		       ? 0
		       : emit(s, (struct ledger_record){
					 .kind = LEDGER_ENDED,
					 .uuid = past->uuid,
					 .name = past->name,
					 .life = life_to_string(l->last),
					 .doubtful = true,
					 .gone_wall = l->gone,
					 .time_wall = l->wall,
				 });
}

struct ledger_record ledger_snapshot_life(const struct past *past)
{
	const struct lives *l = &past->lives;

	return (struct ledger_record){
		.kind = LEDGER_LIFE,
		.uuid = past->uuid,
		.name = past->name,
		.life = life_to_string(l->last),
		.doubtful = !past->placed,
		.ahead = l->ahead,
		.alone = l->alone,
		.other = past->placed_as,
		.source = past->source,
		.domid = l->domid,
		.boot = l->boot,
		.gone_wall = l->gone,
		.time_wall = l->wall,
	};
}

static int emit_lives(const struct snapshot *s, const struct past *past)
{
	const struct lives *l = &past->lives;
	int r = 0;

	for (size_t i = 0; r >= 0 && i < l->n_images; i++)
		r = emit(s, (struct ledger_record){
				    .kind = LEDGER_IMAGE,
				    .uuid = past->uuid,
				    .name = l->images[i]->name,
				    .other = l->images[i]->other,
				    .image = l->images[i]->id,
				    .standing = image_standing_to_string(l->images[i]->standing),
				    .doubtful = !l->images[i]->certain,
				    .followed = l->images[i]->followed,
				    .path = l->images[i]->path,
				    .directory = l->images[i]->directory,
			    });
	if (r < 0 || (l->last == LIFE_UNKNOWN && !past->name))
		return r;
	r = emit_found(s, past);
	return r < 0 ? r : emit(s, ledger_snapshot_life(past));
}

static int emit_troubles(const struct snapshot *s, const struct past *past)
{
	struct ledger_record record = {.uuid = past->uuid, .name = past->name};
	int r = 0;

	if (past->failure || past->remark) {
		record.kind = past->failure ? LEDGER_FAILURE : LEDGER_REMARK;
		record.reason = past->failure ? past->failure : past->remark;
		record.time_wall = past->noted;
		record.domid = past->unended;
		r = emit(s, record);
	}
	record.kind = LEDGER_RESTART;
	record.reason = NULL;
	record.time_wall = 0;
	for (size_t i = 0; r >= 0 && i < past->n_restarts; i++) {
		record.time = past->restarts[i];
		r = emit(s, record);
	}
	return r;
}

static int emit_away(const struct snapshot *s, const struct past *past)
{
	if (!past->away)
		return 0;
	return emit(s, (struct ledger_record){
			       .kind = past->away_unknown ? LEDGER_LEAVING : LEDGER_MIGRATED,
			       .uuid = past->uuid,
			       .name = past->away_name,
			       .target = past->away,
			       .followed = past->away_followed,
		       });
}

static int emit_paces(const struct snapshot *s, const struct disk_paces *d, enum compression c)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < d->paces[c].n; i++)
		r = emit(s, (struct ledger_record){
				    .kind = LEDGER_PACE,
				    .rate = d->paces[c].rates[i],
				    .disk_rate = d->paces[c].disk[i],
				    .compression = c,
				    .directory = d->directory,
			    });
	return r;
}

/* The latest last, as they came. */
static int emit_all_paces(const struct snapshot *s, const struct ledger *ledger)
{
	int r = 0;

	for (size_t i = PACED_MAX; r >= 0 && i > 0; i--)
		for (enum compression c = 0; r >= 0 && c < _COMPRESSION_MAX; c++)
			r = emit_paces(s, &ledger->paced[i - 1], c);
	return r;
}

int ledger_snapshot(const struct ledger *ledger, const struct uuid *boot, ledger_emit_fn fn,
		    void *data)
{
	const struct snapshot s = {.boot = *boot, .fn = fn, .data = data};
	int r = emit(&s, (struct ledger_record){
				 .kind = LEDGER_KEPT,
				 .reason = ledger->loss,
				 .migrates = ledger->migrates,
				 .format = LEDGER_FORMAT,
			 });

	for (size_t i = 0; r >= 0 && i < ledger->n_names; i++)
		r = emit(&s, (struct ledger_record){
				     .kind = LEDGER_DRAWN,
				     .uuid = ledger->names[i]->uuid,
				     .name = ledger->names[i]->name,
			     });
	/* Before all images: a beginning outlives, or follows, those that are known by then. */
	for (size_t i = 0; r >= 0 && i < ledger->n_pasts; i++)
		r = emit_beginning(&s, ledger->pasts[i]);
	for (size_t i = 0; r >= 0 && i < ledger->n_pasts; i++) {
		r = emit_lives(&s, ledger->pasts[i]);
		r = r < 0 ? r : emit_away(&s, ledger->pasts[i]);
		r = r < 0 ? r : emit_troubles(&s, ledger->pasts[i]);
	}
	return r < 0 ? r : emit_all_paces(&s, ledger);
}
