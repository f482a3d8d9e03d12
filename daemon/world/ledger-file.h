/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "core/domain.h"
#include "core/ledger.h"
#include "core/survey.h"
#include "io/loop.h"

/*
 * Keeps a ledger (core/ledger.h) on disk: what was recorded is there after a crash of the daemon,
 * and lives, images, UUIDs and guests that were migrated away also after a power cut.
 *
 * The loss of the file, or of a part of it, costs certainty and nothing else: a file that cannot be
 * read is put aside, and what is in memory is written anew where the file was truncated.
 *
 * A file of a newer version stays as it is, for as long as this process runs. What was read of
 * it counts, and what is recorded since is in memory only.
 */
struct ledger_file;

/* Which version has written the file last. */
enum ledger_writer {
	LEDGER_OF_OURS,  /* this one, or an older one, or none */
	LEDGER_OF_NEWER, /* a newer one: no life can be recorded */
};

enum ledger_writer ledger_file_writer(const struct ledger_file *file);

/*
 * Reads the ledger in the directory, which is made if it is not there. 0 or -ENOMEM; what is wrong
 * with the file is logged, and ledger_file_problem() tells of it.
 */
int ledger_file_open(struct loop *loop, const char *directory, struct ledger_file **ret);

/* A helper writes the rest to the disk without the daemon. */
struct ledger_file *ledger_file_free(struct ledger_file *file);

const struct ledger *ledger_file_get(const struct ledger_file *file);

/* The file that workers append to. */
const char *ledger_file_path(const struct ledger_file *file);

/*
 * Why the ledger is not to be relied on, for status; NULL: it is. What was lost is told for as long
 * as that matters, and for as long as this process runs.
 */
const char *ledger_file_problem(const struct ledger_file *file);

/*
 * To be called once it is open, so that there is a ledger from then on. expected: there was one
 * before, and a file that is missing or empty is a loss. 0 or -ENOMEM.
 */
int ledger_file_keep(struct ledger_file *file, bool expected);

/* Records tell where each known guest is, and of each image: the loss does not matter any more. */
void ledger_file_settle(struct ledger_file *file);

/*
 * Each changes the ledger and the file, and waits for no disk: a helper syncs the file. After a
 * power cut the file has the lives that were seen to begin, what they outlived and migrations; a
 * drawn UUID where a worker has recorded something of its guest since, and without that nothing
 * goes by it. What cannot be written is logged and holds
 * for as long as the daemon runs; only for a drawn UUID is that an error, since it would be another
 * next time.
 */
int ledger_file_set_drawn(struct ledger_file *file, const char *name, const struct uuid *uuid);
/* Draws one for each configuration without, the first time that it is seen. */
void ledger_file_draw_uuids(struct ledger_file *file, const struct survey *survey);
void ledger_file_set_failure(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *failure);
/* The same, of a stop that left this domain: once it is gone, that becomes a remark. */
void ledger_file_set_unended(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *failure, uint32_t domid);
void ledger_file_set_remark(struct ledger_file *file, const struct uuid *uuid, const char *name,
			    const char *remark);
/* Not on the disk: it tells of the daemon's own files, which it reads anew at its start. */
void ledger_file_set_refusal(struct ledger_file *file, const struct uuid *uuid,
			     const char *refusal);
void ledger_file_add_restart(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     usec_t now);
void ledger_file_set_away(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  const char *target);
void ledger_file_set_leaving(struct ledger_file *file, const struct uuid *uuid, const char *name,
			     const char *target);
void ledger_file_see_copy(struct ledger_file *file, const struct uuid *uuid);
void ledger_file_set_returned(struct ledger_file *file, const struct uuid *uuid, const char *name);
void ledger_file_forgive(struct ledger_file *file, const struct uuid *uuid, const char *name);

/* The clock was set back before the last known time of the guest: its times prove nothing now.
 */
void ledger_file_doubt_times(struct ledger_file *file, const struct uuid *uuid);

/* Whether the last life of the guest that is known was that of this domain, in this boot. */
bool ledger_file_knows_life(const struct ledger_file *file, const struct uuid *uuid,
			    uint32_t domid);

/* Whether it was the last life of any guest, in this boot. */
bool ledger_file_knows_domain(const struct ledger_file *file, uint32_t domid);

/* Whether a domain of this name came after all lives that are known of its UUID and its name. */
bool ledger_file_is_later(const struct ledger_file *file, const struct domain *d, const char *name);

/*
 * A domain of the guest runs that none of our operations has begun; resumed: it was suspended
 * before, and perhaps saved. Without that, a domain that is known to run is no news. wall: when it
 * was seen.
 */
void ledger_file_see_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  uint32_t domid, bool resumed, usec_t wall);

struct life_end {
	enum life how; /* and when, as lives_end() takes it */
	usec_t wall;
	bool found; /* at the first look, so that it may have been so for long */
	bool alone; /* nothing of ours had asked the guest to shut down */
};

/* The guest's domain is gone. */
void ledger_file_end_life(struct ledger_file *file, const struct uuid *uuid, const char *name,
			  const struct life_end *end);

/* No domain of the guest is there: what was seen suspended is gone. */
void ledger_file_see_gone(struct ledger_file *file, const struct uuid *uuid, usec_t wall);

/* The guest runs, and this image of it is there. */
void ledger_file_outlive(struct ledger_file *file, const struct uuid *uuid, const char *name,
			 const struct uuid *image);

/* How fast guests were saved, in KiB/s: as ledger_add_pace() has it. */
void ledger_file_add_pace(struct ledger_file *file, uint64_t rate, uint64_t disk_rate,
			  enum compression compression, const char *directory);

/* Reads what workers have recorded since. */
void ledger_file_refresh(struct ledger_file *file);

DEFINE_CLEANUP(struct ledger_file, ledger_file_free);
