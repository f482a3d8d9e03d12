/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world-rig.h"

#include <stdio.h>

#include "util/str.h"

struct world_rig f;

static void on_changed(void *data _unused_)
{
	f.changes++;
}

static void on_lost(void *data _unused_)
{
	f.losses++;
}

static void on_progress(void *data _unused_, const struct hv_operation *operation _unused_)
{
}

static void on_finished(void *data _unused_, const struct hv_operation *operation,
			const struct operation_result *result _unused_)
{
	const struct guest *g = inventory_find(world_inventory(f.world), &operation->uuid);

	f.finished++;
	f.seen_busy = g && g->busy;
}

void prepare(void)
{
	memset(&f, 0, sizeof(f));
	rig_begin();
	strcpy(f.answer, "-");
}

void begin_prepared(void)
{
	ck_assert_int_eq(world_new(rig.loop, &rig.p.hv, rig.ledger,
				   &(struct world_callbacks){.changed = on_changed,
							     .progress = on_progress,
							     .finished = on_finished,
							     .lost = on_lost},
				   &f.world),
			 0);
	ck_assert_int_eq(world_set_folders(f.world, "/auto", "/save"), 0);
}

void begin(void)
{
	prepare();
	begin_prepared();
}

void end(void)
{
	f.world = world_free(f.world);
	ck_assert(rig.p.freed);
	rig_end();
}

static void on_ready(void *data _unused_, const char *error)
{
	f.answers++;
	f.answered = loop_now(rig.loop);
	snprintf(f.answer, sizeof(f.answer), "%s", error ? error : "well");
	if (f.ask_again) {
		f.ask_again = false;
		ck_assert_int_eq(world_refresh(f.world, 60 * USEC_PER_SEC, on_ready, NULL, &f.id),
				 0);
	}
}

void look(void)
{
	ck_assert_int_eq(
		world_refresh_if_changed(f.world, 60 * USEC_PER_SEC, on_ready, NULL, &f.id), 0);
}

void refresh(usec_t limit)
{
	ck_assert_int_eq(world_refresh(f.world, limit, on_ready, NULL, &f.id), 0);
}

void survey_ends(int configs, const char *name)
{
	struct survey *s = configs < 0 ? NULL : calloc(1, sizeof(*s));

	for (int i = 0; i < configs; i++) {
		struct survey_config c = {.config = strdup("{}")};

		ck_assert_int_eq(str_format(&c.name, "%s%d", name, i), 0);
		ck_assert_int_eq(str_format(&c.path, "/auto/%s%d", name, i), 0);
		ck_assert_int_eq(survey_add_config(s, &c), 0);
	}
	ck_assert(rig.p.surveying);
	rig.p.surveying = false;
	rig.p.hv.callbacks.surveyed(rig.p.hv.callbacks.data, s, s ? NULL : "a folder is away");
}
