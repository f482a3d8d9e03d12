/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/queue.h>

#include "core/fit.h"
#include "engine/executor.h"
#include "util/journal-fields.h"

/* For the manager only: a start or a stop that was asked for, or a reaction. */

struct manager;

/* Hears of a start or stop that it asked for, until done() is called. */
struct follower {
	void (*report)(void *data, const struct report *report);
	/* A guest waits for something: executor_callbacks. NULL: that is not heard. */
	void (*waits)(void *data, const struct report *report);
	/*
	 * Once. error: 0; -ECANCELED, cancelled, or replaced by a later request; or -EIO; reason
	 * says why. job: what was done, also where that was not all; NULL: nothing was begun.
	 */
	void (*done)(void *data, int error, const char *reason, const struct job *job);
	void *data;
	struct requester requester;
};

struct following {
	TAILQ_ENTRY(following) entry;
	uint64_t id;
	struct follower follower;
};

enum phase {
	PHASE_NEW,
	PHASE_LOOKING, /* at the directories */
	PHASE_READY,   /* for its turn, or for guests that are still busy elsewhere */
	PHASE_RUNNING, /* with all of its guests */
};

struct sequence {
	TAILQ_ENTRY(sequence) entry;
	struct manager *manager;
	enum goal goal;
	char **names;
	size_t n_names;
	TAILQ_HEAD(, following) following;
	enum phase phase;
	uint64_t refresh;
	bool restarts;   /* a stop that a start of the same guests follows */
	bool restarted;  /* that start */
	bool broken_off; /* it was cancelled: only the guests that it has begun with are finished */
	bool cut_short;  /* ... and there were guests that it had not planned for */
	bool failed;     /* it could not go on, beside what is begun */
	char *trouble;   /* why */
	bool outdated;   /* an operation has ended since the directories were read */
	struct job *job; /* of the guests that it has begun with; NULL: of none yet */
	bool planned;    /* for its goal, once */
	uint64_t arrivals;      /* of domains, when it planned last */
	unsigned tries;         /* to go on, that failed one after the other */
	usec_t retry_at;        /* not before; a time of loop_now() */
	unsigned number;        /* of those that were asked for; the newest has the highest */
	struct uuid_list waits; /* guests that are busy elsewhere */
	struct uuid_list
		leave_down; /* guests that were to be stopped after this start was asked for */
	struct uuid_list wanted_down; /* of the host's stop: by an administrator as well */
	usec_t started;
	struct requester requester; /* the first: others join */
	struct pace pace;
	char *saved_to; /* the directory that it tells of; NULL: nothing was saved, or not known */
	enum compression saved_as; /* of what it tells */
	bool for_host;             /* which goes down */
	bool squeezed;   /* for lack of time guests were shut down that are saved otherwise */
	usec_t deadline; /* when the host's stop should be over; USEC_INFINITY: whenever it is */
	usec_t end;      /* when systemd forces the host down; USEC_INFINITY: it does not */
	usec_t save_end; /* when its guests are not saved any more, for the sake of that */
	bool named;      /* near the end, each guest that is left was told */
};

TAILQ_HEAD(sequence_list, sequence);

/* names are copied. 0 or -ENOMEM. */
int sequence_new(struct manager *m, enum goal goal, const char *const *names, size_t n_names,
		 usec_t now, struct sequence **ret);
void sequence_free(struct sequence *s);

static inline bool sequence_stops_all(const struct sequence *s)
{
	return s->goal == GOAL_STOP && s->n_names == 0;
}

/* For break_off() and the like. */
static inline bool sequence_is_for_host(const struct sequence *s)
{
	return s->for_host;
}

/* For manager_cancel(): it was asked for, and is not cancelled yet. */
static inline bool sequence_is_by_hand(const struct sequence *s)
{
	return s->goal != GOAL_REACT && !s->for_host && !s->broken_off;
}

/* Whether an operation on a guest may change what a plan of the sequence is made from. */
bool sequence_concerns(const struct sequence *s, const char *name, const struct uuid *uuid);

static inline bool sequence_is_start(const struct sequence *s)
{
	return goal_is_start(s->goal);
}

/* It cannot go on, and ends after the stages that have begun. */
void sequence_fail(struct sequence *s, const char *trouble);

/* The follower is copied. 0 or -ENOMEM. */
int sequence_follow(struct sequence *s, uint64_t id, const struct follower *follower);

/* True if it was one of its followers. */
bool sequence_unfollow(struct sequence *s, uint64_t id);

/* Its plan now; with a deadline, one that fits. 0 or -ENOMEM. */
int sequence_plan(const struct sequence *s, const struct config *config,
		  const struct inventory *inventory, const struct ledger *ledger, usec_t now,
		  struct plan **ret);

/* Logs stages that differ from the settings, since there is no time for them. */
void sequence_say_plainly(const struct plan *plan);

/*
 * Learns from a report how fast guests are saved to the directory (NULL: not known which), with
 * this compression of their images: also from a save that took too long.
 */
void sequence_measure(struct sequence *s, const struct report *report, const char *directory,
		      enum compression compression, usec_t now);

void sequence_log_begin(const struct sequence *s);

/* It was cancelled, and there were guests that had not begun. */
bool sequence_was_cut_short(const struct sequence *s);

/* error, reason: as for done() above; where it came to its end, its guests say how. */
void sequence_log_end(const struct sequence *s, int error, const char *reason, usec_t now);

/*
 * The newest of a list if it is the same start or stop, which can then be joined, or NULL. The stop
 * of an administrator and that of the host stay two: only one of them ends if the host stays up.
 */
struct sequence *sequences_find(const struct sequence_list *list, enum goal goal, bool restarts,
				const char *const *names, size_t n_names);

/* The host's stop, or NULL if none can be joined. */
struct sequence *sequences_find_for_host(const struct sequence_list *list);

/* Whether one of them stops all guests, and takes in those that come up. */
bool sequences_stop_all(const struct sequence_list *list);
