/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/ledger.h"

/*
 * Keeps a history (core/history.h) on disk: what was noted is there after a crash of the daemon,
 * and UUIDs, restored images and guests that were migrated away also after one of the host.
 */
struct ledger_file;

/* Reads the journal in the folder, which is made if it is not there. 0 or -errno. */
int ledger_file_open(const char *folder, struct ledger_file **ret);
struct ledger_file *ledger_file_free(struct ledger_file *state);

const struct ledger *ledger_file_get(const struct ledger_file *state);

/* Where workers note what they have restored and migrated. */
const char *ledger_file_path(const struct ledger_file *state);

/*
 * Each changes the history and the disk. What cannot be written is logged and holds for as long
 * as the daemon runs; only for a drawn UUID is that an error, since it would be another next time.
 */
int ledger_file_set_drawn(struct ledger_file *state, const char *name, const struct uuid *uuid);
void ledger_file_set_failure(struct ledger_file *state, const struct uuid *uuid, const char *name,
			     const char *failure);
void ledger_file_set_remark(struct ledger_file *state, const struct uuid *uuid, const char *name,
			    const char *remark);
void ledger_file_add_restart(struct ledger_file *state, const struct uuid *uuid, const char *name,
			     usec_t now);
void ledger_file_set_away(struct ledger_file *state, const struct uuid *uuid, const char *name,
			  const char *target);
void ledger_file_see_copy(struct ledger_file *state, const struct uuid *uuid);
void ledger_file_set_home(struct ledger_file *state, const struct uuid *uuid, const char *name);
void ledger_file_forgive(struct ledger_file *state, const struct uuid *uuid, const char *name);

/* How fast guests were saved: KiB/s. */
void ledger_file_set_pace(struct ledger_file *state, uint64_t rate);

/* Reads what workers have noted since. */
void ledger_file_refresh(struct ledger_file *state);

DEFINE_CLEANUP(struct ledger_file, ledger_file_free);
