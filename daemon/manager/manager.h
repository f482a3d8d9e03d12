/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "engine/activity.h"
#include "manager/sequence.h"
#include "settings-files/files.h"
#include "world/world.h"

/*
 * Puts the parts together: keeps settings, survey, domain list and history up to date, makes
 * an inventory of them, runs starts and stops, and reacts to guests that end by themselves.
 */
struct manager;

/* Where the settings come from that are in effect. */
enum settings_source {
	SETTINGS_FROM_FILES,
	SETTINGS_PREVIOUS, /* the files were good at an earlier reload, and are refused now */
	SETTINGS_KEPT,     /* from the copy of the last good ones: the files are refused */
	SETTINGS_PARTIAL,  /* from the files without what is refused: good for stops only */
	_SETTINGS_SOURCE_MAX,
	_SETTINGS_SOURCE_INVALID = -EINVAL,
};

/*
 * hv is the manager's from now on, also on failure; state stays the caller's, and paths must live
 * as long as the manager. 0 or -errno. Refused settings are logged, and are no error.
 */
int manager_new(struct loop *loop, struct hv *hv, struct ledger_file *ledger,
		const struct settings_paths *paths, struct manager **ret);
struct manager *manager_free(struct manager *m);

/*
 * Starts or stops: all that is configured, or the named guests. A request for what is being done
 * already follows that. names are copied. 0, -EHOSTDOWN where manager_obstacle() says why,
 * -ESHUTDOWN where manager_refusal() does, or another -errno; the follower, which is copied, hears
 * all else. *ret_id is for manager_unfollow().
 */
int manager_request(struct manager *m, enum goal goal, const char *const *names, size_t n_names,
		    const struct follower *follower, uint64_t *ret_id);

/*
 * Stops, and then starts what the same names, or none, mean by then. The follower hears of both,
 * and of the end of the start only. A stop of all that comes meanwhile is followed by no start.
 * forced: libvirt's guests too. As manager_request().
 */
int manager_restart(struct manager *m, bool forced, const char *const *names, size_t n_names,
		    const struct follower *follower, uint64_t *ret_id);

/* Hears what manager_cancel() ends. */
struct cancel_view {
	/* goal: start, stop or restart. names: of its guests, borrowed; none: all. */
	void (*sequence)(void *data, const char *goal, const char *const *names, size_t n_names);
	/* One of its guests that was at work. goes_on: the stage is finished. */
	void (*guest)(void *data, const char *name, enum stage stage, bool goes_on);
	void *data;
};

/*
 * Ends all starts and stops but the host's: stages that have begun are finished, guests that were
 * asked to shut down are not waited for, and no other stage begins. view (may be NULL) hears of
 * each first. Returns the number of sequences.
 */
size_t manager_cancel(struct manager *m, const char *reason, const struct cancel_view *view);

/* Whether the host's stop is under way. */
bool manager_stops_for_host(const struct manager *m);

/* The follower is gone. Its sequence goes on. */
void manager_unfollow(struct manager *m, uint64_t id);

/*
 * Stops all guests for the sake of the host, which waits until deadline and is forced down at
 * end (times of loop_now(), or USEC_INFINITY): what would take longer is done in a way that does
 * not, as plan_fit() says. Where the host's stop is under way, that goes on with these. Otherwise
 * as manager_request().
 */
int manager_stop_until(struct manager *m, usec_t deadline, usec_t end,
		       const struct follower *follower, uint64_t *ret_id);

/*
 * The host's stop leaves those guests alone, for this reason, that it has not begun with, and waits
 * no longer for those that it has asked, as executor_rest() says.
 */
void manager_rest(struct manager *m, const char *reason);

/* Whether manager_cancel() has left out guests of the sequence whose job it is. */
bool manager_was_cut_short(const struct job *job);

/* Whether an administrator wanted a guest down that the host's stop was to stop, whose job it is.
 */
bool manager_wants_down(const struct job *job, const struct uuid *uuid);

/* Whether a stop of all guests is under way. */
bool manager_stops_all(const struct manager *m);

/* Refuses starts from now on for this reason; NULL: allows them. 0 or -ENOMEM. */
int manager_refuse_starts(struct manager *m, const char *reason);
const char *manager_refusal(const struct manager *m);

/* The prospects of a shutdown of the host now. */
struct outlook {
	bool protects; /* it would have to wait: for a guest, or for an operation */
	usec_t needs;  /* about so long */
};

struct outlook manager_outlook(const struct manager *m);

/* A warning of the host for manager_warning(); NULL: none. 0 or -ENOMEM. */
int manager_set_notice(struct manager *m, const char *notice);

/* Hears of what happens. Each callback may be NULL. */
struct manager_watcher {
	LIST_ENTRY(manager_watcher) entry;
	/* Guests have changed, a sequence has ended, or settings were read. */
	void (*changed)(void *data);
	/* Status may show something else. Comes with changed(), and more often. */
	void (*shown)(void *data);
	/* An administrator wants a guest down. */
	void (*wanted_down)(void *data, const struct uuid *uuid);
	void *data;
};

/* The watcher stays the caller's. */
void manager_watch(struct manager *m, struct manager_watcher *watcher);
void manager_unwatch(struct manager_watcher *watcher);

/* The way down of the host, which status shows, is another. */
void manager_tell_shown(const struct manager *m);

/* Reads the settings anew. -EINVAL with *ret_reason if a line is refused. */
int manager_reload(struct manager *m, char **ret_reason);

/* NULL while no good one was read. */
const struct config *manager_config(const struct manager *m);

/* The same, but a stop uses the lines that can be read. */
const struct config *manager_config_for(const struct manager *m, enum goal goal);

/* The settings as the files have them: for their refusals. */
const struct config *manager_refused(const struct manager *m);
enum settings_source manager_settings_source(const struct manager *m);

/* The settings that are in effect after the refusals, in a sentence. */
const char *manager_settings_effect(const struct manager *m);
struct world *manager_world(const struct manager *m);
const struct ledger *manager_ledger(const struct manager *m);

/* The notes of the last survey and the warnings of the settings, one at a time; NULL at the end. */
const char *manager_warning(const struct manager *m, size_t index);

/*
 * What rules out a goal whatever Xen says: settings that are refused, or the ledger of a newer
 * version, in which no life could be recorded. NULL: neither does.
 */
const char *manager_veto(const struct manager *m, enum goal goal);

/* Why nothing can be done of that kind, or NULL. */
const char *manager_obstacle(const struct manager *m, enum goal goal);

/*
 * What a guest waits for that is to be started or stopped, in words; NULL: for nothing. Good until
 * the loop goes on.
 */
const char *manager_waits_for(const struct manager *m, const struct guest *g);

/* How long until a guest that has ended is restarted; USEC_INFINITY if no restart is due. */
usec_t manager_restart_in(const struct manager *m, const struct guest *g);

/*
 * Asks about the files in the directory of images. 0, -EHOSTDOWN where manager_obstacle() says why,
 * -ENOTDIR where images are switched off, -EBUSY while a guest is at work with the file, or another
 * -errno. Otherwise as hv_ask_images().
 */
int manager_ask_images(struct manager *m, enum image_action action, const char *file,
		       const struct hv_asker *asker, uint64_t *ret_id);
void manager_forget_images(struct manager *m, uint64_t id);

struct activity manager_activity(const struct manager *m, const struct guest *g);

DEFINE_CLEANUP(struct manager, manager_free);
