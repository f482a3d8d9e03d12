/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/history.h"

/*
 * Keeps a history (core/history.h) on disk: what was noted is there after a crash of the daemon,
 * and UUIDs, restored images and guests that were migrated away also after one of the host.
 */
struct state;

/* Reads the journal in the folder, which is made if it is not there. 0 or -errno. */
int state_open(const char *folder, struct state **ret);
struct state *state_free(struct state *state);

const struct history *state_history(const struct state *state);

/* Where workers note what they have restored and migrated. */
const char *state_journal(const struct state *state);

/*
 * Each changes the history and the disk. What cannot be written is logged and holds for as long
 * as the daemon runs; only for a drawn UUID is that an error, since it would be another next time.
 */
int state_set_drawn(struct state *state, const char *name, const struct uuid *uuid);
void state_set_failure(struct state *state, const struct uuid *uuid, const char *name,
		       const char *failure);
void state_set_remark(struct state *state, const struct uuid *uuid, const char *name,
		      const char *remark);
void state_add_restart(struct state *state, const struct uuid *uuid, const char *name, usec_t now);
void state_set_away(struct state *state, const struct uuid *uuid, const char *name,
		    const char *target);
void state_see_copy(struct state *state, const struct uuid *uuid);
void state_set_home(struct state *state, const struct uuid *uuid, const char *name);
void state_forgive(struct state *state, const struct uuid *uuid, const char *name);

/* How fast guests were saved: KiB/s. */
void state_set_pace(struct state *state, uint64_t rate);

/* Reads what workers have noted since. */
void state_refresh(struct state *state);

DEFINE_CLEANUP(struct state, state_free);
