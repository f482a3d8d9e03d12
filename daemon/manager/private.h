/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "engine/executor.h"
#include "hv/hv.h"
#include "io/loop.h"
#include "manager/manager.h"
#include "manager/restart.h"

/* Shared by the files of the manager. */

struct manager {
	struct loop *loop;
	struct ledger_file *ledger;
	struct world *world;
	struct executor *executor;
	struct restarts *restarts;
	const struct settings_paths *paths;
	struct settings_keeper *keeper;
	struct config *config;
	enum settings_source source; /* of config */
	struct config *refused; /* as the files have it now, where config comes from elsewhere */
	char *config_error; /* why nothing is started, and what to do; used with SETTINGS_PARTIAL */
	struct sequence_list sequences; /* the oldest first */
	LIST_HEAD(, manager_watcher) watchers;
	char *refusal; /* why nothing is started now, or NULL */
	char *notice;  /* of the host, or NULL */
	struct timer *advance;
	struct timer *hurry; /* while guests are saved, and for the end of the host */
	bool saving;         /* guests are saved, as far as hurry has found */
	struct timer *react; /* to what was put off */
	uint64_t last_id;
	unsigned newest; /* number of a sequence */
};

/* Keeps for status how a guest's way has ended: the last report of it. */
void manager_keep_outcome(struct manager *m, const struct report *report);

/* Keeps for status how an operation has ended that no sequence waits for. */
void manager_keep_result(struct manager *m, const struct hv_operation *operation,
			 const struct operation_result *result);

/* The daemon ends: keeps the ends that it does not come to tell any more. */
void manager_keep_ends(struct manager *m);

/* Has the directories read that a sequence depends on; it is ready after that. 0 or -errno. */
int manager_look(struct sequence *s);

/*
 * Begins with the guests of a sequence that are free, or that have come free. It is ready, and not
 * running, while it waits for others. 0 or -errno, with *ret_reason or without.
 */
int manager_begin_free(struct sequence *s, const char **ret_reason);

/* All guests that a sequence has begun with have ended. True if it goes on all the same. */
bool manager_drained(struct sequence *s);

/*
 * A start comes to its end with the guests that it has begun with, and then waits to begin anew
 * with all of its guests.
 */
void manager_put_back(struct sequence *s, const char *reason);

/* manager_cancel() is about to end the sequence: for manager_was_cut_short(). */
void manager_note_cut(struct sequence *s);

/* Tells what manager_cancel() is about to end. */
void manager_tell_cancelled(const struct manager *m, const struct cancel_view *view);

/* Ends all creates and restores early: a stop of all has no use for them. */
void manager_abort_builds(struct manager *m);

/* Whether domains have come up since a stop of all planned: it takes them in at once. */
bool manager_has_news(const struct sequence *s);

/* Whether all guests are busy that a sequence waits for. */
bool manager_waits_in_vain(const struct sequence *s);

/* A sequence cannot go on: it ends, at once or after the stages that have begun. */
void manager_fail_sequence(struct sequence *s, const char *reason);

/* The same, but a stop is tried again first, several times. True if it will be. */
bool manager_try_again(struct sequence *s, const char *reason);

/* A guest that is started after a stop of all must not be one that this stop stops next. */
bool manager_waits_for_stop(const struct sequence *s);

/* Takes the sequence out and tells all that follow it. reason: NULL without an error. */
void manager_end_sequence(struct sequence *s, int error, const char *reason);

/* How fast the last stops saved, in the way of the settings, of which there are some. */
const struct paces *manager_paces(const struct manager *m);

/* The limits of the executor, from the settings and the pace of saves. */
void manager_set_limits(struct manager *m);

/* There is no copy of the settings in effect. */
void manager_on_unkept(void *data, int error);

void manager_tell_changed(const struct manager *m);
void manager_tell_wanted_down(const struct manager *m, const struct uuid *uuid);

/* Sees to guests that have ended by themselves, or want to be without a disk. */
void manager_react(struct manager *m);

/* When the host's stop should be over, and systemd forces the host down: manager_stop_until(). */
void manager_set_end(struct sequence *s, usec_t deadline, usec_t end);

/* A guest is being saved: that it keeps its time is looked at from now on. */
void manager_hurry_saves(struct manager *m);

/*
 * Gives up saves that do not keep their time. Near the end of the host, asks guests that wait to be
 * saved to shut down. Called by the timer.
 */
void manager_on_hurry(void *data);

/* Reacts to ends of guests that were put off. Called by the timer. */
void manager_on_react(void *data);
