/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/compression.h"
#include "util/domid.h"
#include "util/time.h"
#include "wire/json.h"

/*
 * The ledger's records, a line each: XXH64 of the rest as 16 digits, a blank, a JSON object. Daemon
 * and workers append to the file. What it means is said in core/ledger.h and core/lives.h.
 *
 * A record KEPT carries the format. A daemon appends one before its first record to a ledger of a
 * lower format. The format of the file is the highest in it; where none has one, 0. The record KEPT
 * itself looks the same in all formats.
 *
 * Raise the format when an older daemon would misunderstand or lose something. A new member of a
 * record is ignored by it, and needs no new format if nothing is lost with it; a new kind of record
 * needs one. A release raises LEDGER_FORMAT_READ first, and the next one LEDGER_FORMAT: a downgrade
 * by one release then finds a ledger that it can read. All lower formats stay readable.
 */
#define LEDGER_FORMAT      1 /* that this version writes */
#define LEDGER_FORMAT_READ 1 /* the highest that it can read */

/* A ledger that has grown beyond this was not written by us: 100,000 guests need a tenth of it. */
#define LEDGER_MAX (1U << 30)

enum ledger_kind {
	LEDGER_DRAWN,    /* a UUID was drawn for the guest of this name */
	LEDGER_BEGAN,    /* a life begins, or was seen; with image: from that one */
	LEDGER_SAVED,    /* the guest is saved to image, and does not run on */
	LEDGER_ENDED,    /* the guest's domain was seen to be gone; life says how */
	LEDGER_OUTLIVED, /* the guest was seen running beside image */
	LEDGER_IMAGE,    /* all of an image's standing (compaction) */
	LEDGER_LIFE,     /* the last thing that is known of a guest (compaction) */
	LEDGER_FAILURE,  /* why a guest is not where it should be; without reason: it is */
	LEDGER_RESTART,  /* a guest restarted itself */
	LEDGER_FORGIVEN, /* failure and restarts are forgotten: a start was asked for */
	LEDGER_LEAVING,  /* the guest is about to be handed to another host: it may run there */
	LEDGER_MIGRATED, /* it runs there */
	LEDGER_REMARK,   /* what went wrong on the way of a guest that is where it should be */
	LEDGER_RETURNED, /* it is here: LEAVING and MIGRATED do not hold any more */
	LEDGER_PACE,     /* how fast guests were saved; of no guest */
	LEDGER_KEPT,     /* there is a ledger; reason: what it has lost. Of no guest */
	_LEDGER_KIND_MAX,
	_LEDGER_KIND_INVALID = -EINVAL,
};

struct ledger_record {
	enum ledger_kind kind;
	struct uuid uuid; /* the guest's */
	const char *name; /* the guest's */
	const char *reason;
	const char *target;           /* LEAVING, MIGRATED: the other host */
	uint64_t rate;                /* PACE: KiB/s of memory; ... */
	uint64_t disk_rate;           /* ... of what was written, 0: not known; ... */
	enum compression compression; /* ... into images that are compressed so */

	const char *life;      /* BEGAN: model/beginning.h; ENDED, LIFE: core/lives.h */
	struct uuid image;     /* BEGAN, SAVED, OUTLIVED, IMAGE: an image's ID */
	const char *standing;  /* IMAGE: model/image-standing.h */
	bool doubtful;         /* IMAGE: not certain; LIFE: where the guest is, is not certain;
				* ENDED: since when it has been suspended, is not known */
	bool ahead;            /* LIFE: the clock was set back before its times */
	bool alone;            /* ENDED, LIFE: nothing of ours had asked the guest to shut down */
	bool migrates;         /* KEPT: guests were migrated */
	uint64_t format;       /* KEPT: LEDGER_FORMAT of the writer */
	bool followed;         /* IMAGE, LEAVING, MIGRATED: one of another UUID has begun since */
	const char *other;     /* SAVED, IMAGE: a second domain of the UUID, by its name. LIFE: the
				* name of the domain that says where the guest is */
	const char *path;      /* SAVED, IMAGE: of the image */
	const char *directory; /* SAVED, IMAGE, PACE: worker/image/directory.h */
	uint64_t size;         /* SAVED: of the image, in bytes */
	uint32_t domid;        /* BEGAN, LIFE; FAILURE: of a stop, the domain that it left, else
				* DOMID_NONE */
	usec_t gone_wall;      /* ENDED, LIFE: when the suspended domain was known to be gone */
	const char *source;    /* BEGAN, LIFE: the configuration file that the guest comes from */

	struct uuid boot; /* during which it was written */
	usec_t time;      /* monotonic, of that boot */
	usec_t time_wall; /* filled in by ledger_append() where it is 0 */
};

/*
 * Appends one record, to a file that is made if it is not there. With wait it is on the disk when
 * the call returns, over a power cut too, and the call waits where the file is about to be replaced
 * by another. Without, it waits for nothing: -EBUSY then. 0 or -errno.
 *
 * With wait, -EPROTO if a newer version has written the ledger, which then stays as it is. Without,
 * the caller has read all of it, and knows.
 */
int ledger_append(const char *path, const struct ledger_record *record, bool wait);

/* One line, with its end. 0 or -ENOMEM. */
int ledger_record_format(const struct ledger_record *record, char **ret);

/*
 * Reads a line without its end. The record's texts live as long as *ret_line. 0, -EBADMSG or
 * -ENOMEM.
 */
int ledger_record_parse(const char *text, size_t length, struct ledger_record *ret,
			struct json_object **ret_line);

/* The format of the records of an open ledger from this offset on, where a line begins. 0 or
 * -errno. */
int ledger_format_of(int fd, off_t from, uint64_t *ret);

/* Whether the writer of a line, without its end, did not come to an end: it did not happen. */
bool ledger_line_is_torn(const char *text, size_t length);

/* Whether a line that cannot be read seems to have told of a migration. */
bool ledger_record_tells_of_migration(const char *text, size_t length);

/* The running boot's ID. 0 or -errno. */
int ledger_boot_id(struct uuid *ret);
