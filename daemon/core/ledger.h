/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/lives.h"
#include "core/pace.h"
#include "model/compression.h"
#include "util/index.h"
#include "util/time.h"
#include "util/uuid.h"

/*
 * What neither Xen nor an image can tell: the lives of each guest (core/lives.h), why a guest does
 * not run, how often it restarted itself, which UUID was drawn for a configuration without one,
 * which guests were migrated away. ledger-file.h keeps it on the disk.
 */

/* In place of a host: another tool has migrated the guest, and does not say where to. */
#define AWAY_ELSEWHERE "another host"

struct past {
	struct uuid uuid;
	size_t number; /* its place in the ledger */
	char *name;    /* by which it was known last; NULL: by none */
	char *source;  /* the configuration file that it came from last; NULL: it is not known */
	struct lives lives;
	char *failure;    /* of the last thing that was tried; NULL: it went well ... */
	char *remark;     /* ... though not all of it, for this reason; NULL: all of it */
	uint32_t unended; /* the domain that the failed stop left; DOMID_NONE: another failure */
	char *refusal;    /* why the last start was refused; only as long as the daemon runs */
	usec_t noted;     /* since when one of these is known, by the wall clock */
	usec_t *restarts; /* the newest ones, oldest first */
	size_t n_restarts;

	char *away;         /* the host that it was migrated to; NULL: none */
	char *away_name;    /* by which it went */
	char *away_reason;  /* why it must not be started here as a matter of course */
	bool away_unknown;  /* it may run there, or not: the outcome never came */
	bool away_copy;     /* with that: its remaining domain here has been seen */
	bool away_followed; /* a life of another UUID, by its name or from its file, began since */
	bool placed;        /* where it is has been recorded since the last loss of records ... */
	char *placed_as;    /* of a domain of this name; NULL: of several, or without a domain */
};

struct drawn_name {
	char *name;
	struct uuid uuid;
};

/* How fast guests were saved to a directory, by how images are compressed. */
struct disk_paces {
	char *directory; /* worker/image/directory.h; NULL: an earlier version did not record it */
	struct paces paces[_COMPRESSION_MAX];
};

#define PACED_MAX 4

struct ledger {
	struct past **pasts; /* each stays where it is: others point to it */
	size_t n_pasts;
	struct index by_uuid; /* of the pasts */
	struct ledger_words *words;
	struct drawn_name **names;
	size_t n_names;
	struct index by_name;               /* of the drawn ones */
	struct disk_paces paced[PACED_MAX]; /* of the last directories, the latest first */
	char *loss;    /* which records are lost, while that matters; NULL: none */
	bool migrates; /* there is a record of a migration, or was */
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *h);

/* NULL if nothing is known of the guest. */
const struct past *ledger_find(const struct ledger *h, const struct uuid *uuid);

/*
 * The pasts in which this text may stand, as a name or a path, in their order; who asks compares.
 * after: the one before; NULL for the first. NULL at the end.
 */
const struct past *ledger_next_with(const struct ledger *h, const char *text,
				    const struct past *after);

/* Whether it tells of a guest that was made from this configuration. */
bool ledger_knows_source(const struct ledger *h, const char *path);

/* Each takes the place of the other. 0 or -ENOMEM. failure NULL: all is well. */
int ledger_set_failure(struct ledger *h, const struct uuid *uuid, const char *failure, usec_t wall);

/* After a failure of a stop, which left this domain: world/sightings sees to its end. */
void ledger_set_unended(struct ledger *h, const struct uuid *uuid, uint32_t domid);

int ledger_set_remark(struct ledger *h, const struct uuid *uuid, const char *remark, usec_t wall);

/* Beside the two, which tell how the guest came to where it is, and cleared with them. */
int ledger_set_refusal(struct ledger *h, const struct uuid *uuid, const char *refusal);

/* It has been started all the same. */
void ledger_forget_refusal(struct ledger *h, const struct uuid *uuid);

/* Notes a restart at the time now. 0 or -ENOMEM. */
int ledger_add_restart(struct ledger *h, const struct uuid *uuid, usec_t now);

/* False if the guest has restarted limit times in the interval before now. */
bool ledger_may_restart(const struct ledger *h, const struct uuid *uuid, usec_t now, unsigned limit,
			usec_t interval);

/*
 * How long the next restart is put off: the first one in an interval not at all, each further one
 * for twice as long, from a second up to a minute.
 */
usec_t ledger_restart_pause(const struct ledger *h, const struct uuid *uuid, usec_t now,
			    usec_t interval);

/* Forgets failure and restarts: an administrator wants the guest to run. */
void ledger_forgive(struct ledger *h, const struct uuid *uuid);

/* Notes that a guest runs on another host or, with unknown, may run there. 0 or -ENOMEM. */
int ledger_set_away(struct ledger *h, const struct uuid *uuid, const char *name, const char *target,
		    bool unknown);

/* True if another tool has migrated it, or may have. */
bool past_is_elsewhere(const struct past *past);

/* Records that the domain that remains here of a guest that may be away has been seen. */
void ledger_see_copy(struct ledger *h, const struct uuid *uuid);

/* Records that a guest that is known by its name has run here with another UUID since it went away.
 */
void ledger_follow_away(struct ledger *h, const struct uuid *uuid);

/* Forgets that: it is here. */
void ledger_set_returned(struct ledger *h, const struct uuid *uuid);

/* The guest that went away by this name, which has not run here since, or NULL. */
const struct past *ledger_find_away(const struct ledger *h, const char *name);

/* The UUID drawn for a name, or NULL. */
const struct uuid *ledger_drawn(const struct ledger *h, const char *name);
int ledger_set_drawn(struct ledger *h, const char *name, const struct uuid *uuid);

/* What a stop tells of the disk of a directory, where that is known. 0 or -ENOMEM. */
int ledger_add_pace(struct ledger *h, enum compression c, const char *directory, uint64_t rate,
		    uint64_t disk);

/* Of the directory; NULL: it is not known which one images go to, and the latest counts. */
const struct paces *ledger_paces(const struct ledger *h, enum compression c, const char *directory);

/* The lives of a guest, to be changed; NULL: no memory. */
struct lives *ledger_lives(struct ledger *h, const struct uuid *uuid);

/*
 * A life of this guest begins by this name, from this file (NULL: not known): images and departures
 * of other guests of the name are followed, and departures of those from the file.
 */
void ledger_follow(struct ledger *h, const struct uuid *uuid, const char *name, const char *source);

/* Notes by which name a guest is known, and its file; NULL: as before. 0 or -ENOMEM. */
int ledger_set_name(struct ledger *h, const struct uuid *uuid, const char *name,
		    const char *source);

/*
 * Records are missing: nothing that was said of images, and of where guests are, is certain. loss
 * says which ones. 0 or -ENOMEM.
 */
int ledger_doubt(struct ledger *h, const char *loss);

/* Whether a record is lost that may have told that the guest was migrated to another host. */
bool ledger_may_be_away(const struct ledger *h, const struct uuid *uuid, const char *name);

/*
 * Notes where a guest is: here, as a domain of this name, or where a record says that it is (name
 * NULL). 0 or -ENOMEM.
 */
int ledger_place(struct ledger *h, const struct uuid *uuid, const char *name);

/*
 * What an image of a guest is worth that was written at this time. A null ID tells nothing. name:
 * of the domain in it; NULL: not known.
 */
enum image_standing ledger_judge(const struct ledger *h, const struct uuid *uuid,
				 const struct uuid *image, const char *name, usec_t written_wall);

/* The same of an image of a guest that is its name, whatever UUID it had in each of its lives. */
enum image_standing ledger_judge_by_name(const struct ledger *h, const struct uuid *uuid,
					 const char *name, const struct uuid *image,
					 usec_t written_wall);

DEFINE_CLEANUP(struct ledger, ledger_free);
