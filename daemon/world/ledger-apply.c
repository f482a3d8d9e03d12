/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world/ledger-apply.h"

#include "model/beginning.h"
#include "util/str.h"

static int apply_life(struct lives *lives, const struct ledger_record *e)
{
	struct known_image image = {
		.id = e->image,
		.standing = image_standing_from_string(e->standing),
		.certain = !e->doubtful,
		.followed = e->followed,
		.name = (char *)e->name,
		.other = (char *)e->other,
		.path = (char *)e->path,
		.directory = (char *)e->directory,
	};
	enum life life = life_from_string(e->life);

	switch (e->kind) {
	case LEDGER_BEGAN:
		return lives_begin(lives, &e->image,
				   beginning_from_string(e->life) == BEGINNING_CREATE ? NULL
										      : e->name,
				   e->time_wall, e->domid, &e->boot);
	case LEDGER_SAVED:
		return lives_save(lives, &image, e->time_wall);
	case LEDGER_OUTLIVED:
		return lives_outlive(lives, &e->image);
	case LEDGER_IMAGE:
		return image.standing < 0 ? 0 : lives_restore_image(lives, &image);
	case LEDGER_ENDED:
		if (life >= 0)
			lives_end(lives, life, e->time_wall, e->doubtful);
		lives->alone = e->alone;
		lives_go(lives, e->gone_wall);
		return 0;
	case LEDGER_LIFE:
		if (life < 0)
			return 0;
		lives->last = life;
		lives->wall = e->time_wall;
		lives->gone = e->gone_wall;
		if (life == LIFE_BEGAN)
			lives->began = e->time_wall;
		lives->ahead = e->ahead;
		lives->alone = e->alone;
		lives->domid = e->domid;
		lives->boot = e->boot;
		return 0;
	case LEDGER_DRAWN:
	case LEDGER_FAILURE:
	case LEDGER_RESTART:
	case LEDGER_FORGIVEN:
	case LEDGER_LEAVING:
	case LEDGER_MIGRATED:
	case LEDGER_REMARK:
	case LEDGER_RETURNED:
	case LEDGER_PACE:
	case LEDGER_KEPT:
	case _LEDGER_KIND_MAX:
	case _LEDGER_KIND_INVALID:
		break;
	}
	return 0;
}

/* Records that a compaction writes say nothing new. */
static bool tells_of_place(const struct ledger_record *e)
{
	return (e->kind == LEDGER_BEGAN && e->life) || e->kind == LEDGER_SAVED ||
	       (e->kind == LEDGER_LIFE && !e->doubtful);
}

static int note_life(struct ledger *ledger, const struct ledger_record *e)
{
	struct lives *lives = ledger_lives(ledger, &e->uuid);
	int r = lives ? apply_life(lives, e) : -ENOMEM;

	if (e->kind == LEDGER_BEGAN)
		ledger_forget_refusal(ledger, &e->uuid);
	if (r >= 0 && e->kind == LEDGER_BEGAN && e->name)
		ledger_follow(ledger, &e->uuid, e->name, e->source);
	if (r >= 0 && tells_of_place(e))
		r = ledger_place(ledger, &e->uuid, e->kind == LEDGER_LIFE ? e->other : e->name);
	/* A second domain of one UUID has another name, which is not the guest's; and so has one
	 * that xl migrates. */
	return r < 0 || e->kind == LEDGER_IMAGE || e->kind == LEDGER_ENDED
		       ? r
		       : ledger_set_name(ledger, &e->uuid, e->name, e->source);
}

static int note_place(struct ledger *ledger, const struct ledger_record *e)
{
	int r = 0;

	if (e->kind == LEDGER_RETURNED)
		ledger_set_returned(ledger, &e->uuid);
	else
		r = ledger_set_away(ledger, &e->uuid, e->name, e->target,
				    e->kind == LEDGER_LEAVING);
	if (r >= 0 && e->followed)
		ledger_follow_away(ledger, &e->uuid);
	ledger->migrates = true;
	return r < 0 ? r : ledger_place(ledger, &e->uuid, NULL);
}

static int note_failure(struct ledger *ledger, const struct ledger_record *e)
{
	int r = ledger_set_failure(ledger, &e->uuid, e->reason, e->time_wall);

	ledger_set_unended(ledger, &e->uuid, e->domid);
	return r;
}

int ledger_apply(struct ledger *ledger, const struct uuid *boot, const struct ledger_record *e)
{
	/* What a guest did before the host was restarted says nothing about it now. */
	bool now = uuid_equal(&e->boot, boot);

	switch (e->kind) {
	case LEDGER_DRAWN:
		return ledger_set_drawn(ledger, e->name, &e->uuid);
	case LEDGER_BEGAN:
	case LEDGER_SAVED:
	case LEDGER_ENDED:
	case LEDGER_OUTLIVED:
	case LEDGER_IMAGE:
	case LEDGER_LIFE:
		return note_life(ledger, e);
	case LEDGER_FAILURE:
		return now ? note_failure(ledger, e) : 0;
	case LEDGER_REMARK:
		return now ? ledger_set_remark(ledger, &e->uuid, e->reason, e->time_wall) : 0;
	case LEDGER_RESTART:
		return now ? ledger_add_restart(ledger, &e->uuid, e->time) : 0;
	case LEDGER_FORGIVEN:
		if (now)
			ledger_forgive(ledger, &e->uuid);
		break;
	/* Where a guest is does not change with a boot of this host. */
	case LEDGER_LEAVING:
	case LEDGER_MIGRATED:
	case LEDGER_RETURNED:
		return note_place(ledger, e);
	case LEDGER_PACE:
		return ledger_add_pace(ledger, e->compression, e->directory, e->rate, e->disk_rate);
	case LEDGER_KEPT:
		ledger->migrates |= e->migrates;
		return str_replace(&ledger->loss, e->reason);
	case _LEDGER_KIND_MAX:
	case _LEDGER_KIND_INVALID:
		break;
	}
	return 0;
}
