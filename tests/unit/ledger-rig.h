/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "io/loop.h"
#include "unit.h"
#include "world/ledger-file.h"

/*
 * A ledger on a disk for which a sync is a stand-in (ledger-rig.c). It is the file state/ledger of
 * the test's folder.
 */
struct ledger_rig {
	struct loop *loop;
	unsigned waits; /* syncs and renames in the process of the test itself, which is the daemon
			 */
	/* In a helper, at each of them. */
	void (*meanwhile)(const char *path);
	char path[100]; /* of the ledger */
	bool renames;   /* it is a rename */
};

extern struct ledger_rig ledger_rig;

struct ledger_file *ledger_rig_open(const struct folder *f);

/* Runs the loop until no helper is at work. */
void ledger_rig_settle(void);

/* The daemon ends at once; returns when its helpers have ended, too. */
void ledger_rig_end(struct ledger_file *state);

/* Settles before. */
void ledger_rig_close(struct ledger_file *state);
