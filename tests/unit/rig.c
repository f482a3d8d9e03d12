/* SPDX-License-Identifier: GPL-2.0-or-later */

#include "rig.h"

struct rig rig;

static void on_pause(void *data _unused_)
{
	loop_exit(rig.loop, 0);
}

void rig_begin(void)
{
	memset(&rig, 0, sizeof(rig));
	folder_make(&rig.folder);
	ck_assert_int_eq(loop_new(&rig.loop), 0);
	loop_set_speed(rig.loop, LOOP_VIRTUAL);
	ck_assert_int_eq(timer_new(rig.loop, on_pause, NULL, &rig.pause), 0);
	ck_assert_int_eq(ledger_file_open(rig.loop, folder_path(&rig.folder, "state"), &rig.ledger),
			 0);
	puppet_make(&rig.p);
}

void rig_end(void)
{
	ledger_file_free(rig.ledger);
	timer_free(rig.pause);
	loop_free(rig.loop);
	folder_remove(&rig.folder);
}

void run_for(usec_t time)
{
	timer_set_after(rig.pause, time);
	ck_assert_int_eq(loop_run(rig.loop), 0);
}

void run_now(void)
{
	run_for(1);
}
