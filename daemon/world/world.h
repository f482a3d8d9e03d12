/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/inventory.h"
#include "hv/hv.h"
#include "io/loop.h"
#include "world/ledger-file.h"

/*
 * Keeps the domains, the directories and the ledger up to date, and builds an inventory from them.
 * Logs changes of domains by other tools.
 */
struct world;

struct world_callbacks {
	/* The inventory is new. */
	void (*changed)(void *data);
	void (*progress)(void *data, const struct hv_operation *operation);
	/* Comes after changed(): the inventory shows the guest as the operation left it. */
	void (*finished)(void *data, const struct hv_operation *operation,
			 const struct operation_result *result);
	/* The hypervisor cannot be talked to any more: world_lost() tells why. */
	void (*lost)(void *data);
	void *data;
};

/*
 * error: NULL, or why the directories could not be read; then what was known of them before stands,
 * where nothing newer was read in time.
 */
typedef void (*world_ready_fn)(void *data, const char *error);

/* hv is the world's from now on, also on failure; state stays the caller's. 0 or -errno. */
int world_new(struct loop *loop, struct hv *hv, struct ledger_file *ledger,
	      const struct world_callbacks *callbacks, struct world **ret);
struct world *world_free(struct world *w);

/* The directories of configurations and images; either may be NULL. Copied. 0 or -ENOMEM. */
int world_set_folders(struct world *w, const char *autostart, const char *save);

/*
 * Reads the directories, lists the domains, and calls back from the loop: after limit
 * (USEC_INFINITY: there is none) at the latest. A file that does not answer does not keep it for
 * ever. 0 or -errno.
 */
int world_refresh(struct world *w, usec_t limit, world_ready_fn fn, void *data, uint64_t *ret_id);
void world_unrefresh(struct world *w, uint64_t id);

/*
 * The same for a caller that only shows the state: the directories are not read where nothing in
 * them has changed, as far as that is known, since the last survey began a minute ago or later.
 */
int world_refresh_if_changed(struct world *w, usec_t limit, world_ready_fn fn, void *data,
			     uint64_t *ret_id);

/*
 * Whether the directories are others since the last survey began, or have changed, as far as that
 * is known.
 */
bool world_has_changed(const struct world *w);

/* Has the loop run when that becomes true, and with it the callback changed(). */
void world_watch(struct world *w);

/* The room for images that was seen is not taken for true any more. */
void world_forget_room(struct world *w);

/* Lists the domains and makes the inventory anew, now. 0 or -errno; then it tries again later. */
int world_update(struct world *w);

/* Whether the last look at the domains failed: some of them may be gone. */
bool world_is_stale(const struct world *w);

/* The number of domains that have come up so far: a caller that has seen it has seen them all. */
uint64_t world_arrivals(const struct world *w);

struct hv *world_hv(const struct world *w);
const struct inventory *world_inventory(const struct world *w);
const struct domain_list *world_domains(const struct world *w);

/* Notes of the survey about files that it skipped; NULL at the end. */
const char *world_note(const struct world *w, size_t index);

/* Why the hypervisor cannot be talked to any more, or NULL. */
const char *world_lost(const struct world *w);

DEFINE_CLEANUP(struct world, world_free);
