/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"
#include "puppet.h"
#include "unit.h"
#include "world/ledger-file.h"

/*
 * What the tests of executor, world and manager are made on: a puppet, a ledger in a folder of its
 * own, and a virtual clock. One at a time.
 */
struct rig {
	struct folder folder;
	struct loop *loop;
	struct timer *pause;
	struct puppet p;
	struct ledger_file *ledger;
};

extern struct rig rig;

void rig_begin(void);
void rig_end(void);

/* Lets time pass; or only what happens at once. */
void run_for(usec_t time);
void run_now(void);
