/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "util/time.h"
#include "wire/json.h"

/*
 * A host without Xen: its domains stand in a JSON file in the folder $FAKE_WORLD, which everybody
 * who looks at it or changes it locks. What a domain does by itself (powering off some time after
 * it was asked to, crashing) is done by whoever looks next.
 *
 * What a guest is like stands in the member "fake" of its configuration:
 *
 *   create_ms, save_ms, restore_ms   how long it takes
 *   migrate_ms                       the part of it during which the guest runs on
 *   create_error, restore_error,
 *   migrate_error                    it fails with these words
 *   slow_builds                      a folder: a build that finds a file there times out, and the
 *                                    file is gone
 *   deaf                             it does not suspend
 *   suspend_ms                       so long after it was asked it has suspended, even if the one
 *                                    that asked it waits no more
 *   off_ms                           so long after it was asked it has powered off
 *   never_off                        it has not
 *   cannot                           it says that it does not react to that
 *   button                           its power button is pressed: it cannot say whether it reacts
 *   ends                             {"reason", "after_ms"}: by itself
 *   dump_ms, dump_error              its core dump
 *   reset_error                      its soft reset fails with these words
 *   pages                            memory in an image
 *   disk                             the path of a file, which it writes whenever it begins to run
 *
 * A domain's member "update" is what config-update left for it, "eject" the removable disk that it
 * wants to be without. With "asked_to_suspend" it may suspend until that time of CLOCK_MONOTONIC.
 * With "dying" it is one that was destroyed and is not gone yet.
 *
 * The world's member "free_kib" is the memory that Xen has left, as much as anybody wants if it is
 * not there; "dom0_spare_kib" is what dom0 can give besides. A domain takes its memory at the end
 * of its build, and gives it back when it goes.
 *
 * With the world's member "unpause_fails" no domain can be unpaused. With "lost" the daemon's host
 * has lost XenStore.
 *
 * A guest with such a disk leads lives: each time that it begins to run or runs on is one, with a
 * number. The world's list "lives" tells which life's memory each came from (0: none's), and whose
 * the disk was; "disks" tells who wrote each last. Where the two differ, old memory has met a newer
 * disk.
 *
 * Every change is noted in the folder's file "log", a line each.
 */
struct fake {
	struct json_object *json;
	int lock;
	char *folder;
	bool changed;
};

/* Locks and reads the world; empty if there is none yet. 0 or -errno. */
int fake_open(struct fake *ret);

/* Writes what was changed, and unlocks. */
void fake_close(struct fake *w);

void fake_log(struct fake *w, const char *format, ...) _printf_(2, 3);

struct json_object *fake_domains(struct fake *w);

/* By number; by UUID, a living one first. NULL if there is none. */
struct json_object *fake_find(struct fake *w, uint64_t domid);
struct json_object *fake_find_uuid(struct fake *w, const struct uuid *uuid);

/* Opens the world for one of its domains. -ESRCH if it is not there: then nothing is open. */
int fake_open_domain(struct fake *ret, uint64_t domid, struct json_object **ret_domain);

/* A new domain, paused. NULL: no memory. */
struct json_object *fake_add(struct fake *w, const struct uuid *uuid, struct json_object *config);
void fake_remove(struct fake *w, uint64_t domid);

/* "paused", "running", "suspended", or the reason it has shut down for. */
const char *fake_state(struct json_object *domain);
void fake_set_state(struct fake *w, struct json_object *domain, const char *state);

/* What it does next: takes the state at a time of CLOCK_MONOTONIC. */
void fake_schedule(struct fake *w, struct json_object *domain, const char *state, usec_t at);

/* When the next domain does something; USEC_INFINITY if none does. */
usec_t fake_next_event(struct fake *w);

/* The member "fake" of a domain's configuration, or of a configuration; can be NULL. */
struct json_object *fake_behaviour(struct json_object *config);
uint64_t fake_number(struct json_object *behaviour, const char *key, uint64_t standard);

/* What a configuration wants of Xen's memory, and what is free of it; UINT64_MAX: any amount. */
uint64_t fake_wanted_kib(struct json_object *config);
uint64_t fake_free_kib(struct fake *w);

/* Takes memory from dom0 until so much is free, or dom0 has no more to give. */
void fake_shrink_dom0(struct fake *w, uint64_t wanted_kib);

/* Gives a domain its memory. Whether there was enough. */
bool fake_populate(struct fake *w, struct json_object *domain);

/* What an image holds of a domain's memory: its boot, and on a line of its own its life, if any. */
int fake_memory(struct json_object *domain, char **ret);

/* Begins the life of a domain that was just unpaused. */
void fake_let_go(struct fake *w, struct json_object *domain);
