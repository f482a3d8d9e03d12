/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "world-rig.h"

#include <stdio.h>

#include "util/str.h"

struct world_rig f;

static void on_changed(void *data _unused_)
{
	f.changes++;
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

static void on_pause(void *data _unused_)
{
	loop_exit(f.loop, 0);
}

void run_for(usec_t time)
{
	timer_set_after(f.pause, time);
	ck_assert_int_eq(loop_run(f.loop), 0);
}

void prepare(void)
{
	memset(&f, 0, sizeof(f));
	folder_make(&f.folder);
	ck_assert_int_eq(loop_new(&f.loop), 0);
	loop_set_speed(f.loop, LOOP_VIRTUAL);
	ck_assert_int_eq(timer_new(f.loop, on_pause, NULL, &f.pause), 0);
	ck_assert_int_eq(ledger_file_open(f.loop, folder_path(&f.folder, "state"), &f.state), 0);
	puppet_make(&f.p);
	strcpy(f.answer, "-");
}

void begin_prepared(void)
{
	ck_assert_int_eq(world_new(f.loop, &f.p.hv, f.state,
				   &(struct world_callbacks){.changed = on_changed,
							     .progress = on_progress,
							     .finished = on_finished},
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
	ck_assert(f.p.freed);
	ledger_file_free(f.state);
	timer_free(f.pause);
	loop_free(f.loop);
	folder_remove(&f.folder);
}

static void on_ready(void *data _unused_, const char *error)
{
	f.answers++;
	f.answered = loop_now(f.loop);
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
	ck_assert(f.p.surveying);
	f.p.surveying = false;
	f.p.hv.callbacks.surveyed(f.p.hv.callbacks.data, s, s ? NULL : "a folder is away");
}
